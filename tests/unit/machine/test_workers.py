"""Processes that are copies of this one."""

import gc
import sys

import pytest

from seq2seq.machine.workers import Workers


class Left:
    """Garbage that only a search finds, and whose end may wait for a thread of this process."""

    ended = False

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        Left.ended = True


def collect(_: int) -> bool:
    gc.collect()
    return Left.ended


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is copied")
def test_a_worker_leaves_the_garbage_of_this_process_alone() -> None:
    gc.disable()
    try:
        Left()
        with Workers(collect, 2, killed="killed") as workers:
            assert list(workers.map(range(4))) == [False] * 4
        assert collect(0)  # here it goes
    finally:
        gc.enable()
