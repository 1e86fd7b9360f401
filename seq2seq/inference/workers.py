"""Batches searched by several processes, each a copy of this one with one thread.

A step of a search multiplies small matrices, and the next step waits for it: two processes of one
thread finish many batches sooner than one process of two threads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from seq2seq.machine import workers
from seq2seq.machine.workers import Result, Task

_KILLED = (
    "a decoding process was killed, possibly because memory ran out: lower decoding.batch or "
    "decoding.workers"
)


class Workers(workers.Workers[Task, Result]):
    """A context in which `map` does `work` in up to `count` processes of one thread."""

    def __init__(self, work: Callable[[Task], Result], count: int) -> None:
        # A fork has no copy of torch's threads.
        super().__init__(work, count, killed=_KILLED, begin=lambda: torch.set_num_threads(1))


def count_workers(asked: int | None, device: torch.device) -> int:
    """Return how many processes search: as many as `asked`, by default one for each thread.

    One where a process can't be copied safely, as with a GPU; UserError if more are asked for.
    """
    return workers.count_workers(
        asked,
        torch.get_num_threads(),
        setting="decoding.workers",
        only=None if device.type == "cpu" else "on the CPU",
    )
