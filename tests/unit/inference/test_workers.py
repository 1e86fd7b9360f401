"""Several processes do what one would do, and leave nobody behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pickle import PicklingError

import pytest
import torch

from seq2seq.errors import UserError
from seq2seq.inference.workers import Workers, count_workers

CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are for Linux only")


def square(task: int) -> tuple[int, int]:
    return os.getpid(), task * task


def test_results_come_in_order_from_as_many_processes_as_asked() -> None:
    def slow_at_first(task: int) -> tuple[int, int]:
        time.sleep(0.05 / (task + 1))
        return square(task)

    with Workers(slow_at_first, 3) as workers:
        for tasks in (range(10), range(2), range(5)):  # the same processes do them all
            found = list(workers.map(tasks))
            assert [result for _, result in found] == [task * task for task in tasks]
            processes = {process for process, _ in found}
            assert len(processes) <= 3
            assert os.getpid() not in processes


@pytest.mark.parametrize(("count", "tasks"), [(1, 4), (4, 1), (4, 0)])
def test_one_process_or_one_task_needs_no_other_process(count: int, tasks: int) -> None:
    with Workers(square, count) as workers:
        assert list(workers.map(range(tasks))) == [(os.getpid(), n * n) for n in range(tasks)]


def test_a_worker_computes_with_one_thread() -> None:
    def threads(_: int) -> int:
        return torch.get_num_threads()

    with Workers(threads, 2) as workers:
        assert list(workers.map(range(4))) == [1, 1, 1, 1]


def test_an_error_of_the_work_is_raised_here() -> None:
    def fail(task: int) -> int:
        raise UserError(f"line {task + 1}: expected a word")

    with Workers(fail, 2) as workers, pytest.raises(UserError, match="line 1: expected a word"):
        list(workers.map([0, 0]))


def test_a_killed_worker_is_told_in_a_line() -> None:
    def die(task: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return task

    with (
        Workers(die, 2) as workers,
        pytest.raises(UserError, match="was killed"),
    ):
        list(workers.map(range(4)))


def test_workers_end_when_results_are_no_longer_wanted() -> None:
    def run() -> int:
        with Workers(square, 2) as workers:
            process, _ = next(workers.map(range(100)))
        return process

    assert gone(run())


def test_two_may_be_open_at_once_and_the_first_may_end_first() -> None:
    first, second = Workers(square, 2), Workers(square, 2)
    process, _ = next(first.map(range(6)))
    assert [result for _, result in second.map(range(4))] == [0, 1, 4, 9]
    first.__exit__()
    assert gone(process)
    assert [result for _, result in second.map(range(3))] == [0, 1, 4]
    second.__exit__()


def test_what_was_not_read_to_its_end_is_not_mixed_with_what_comes_next() -> None:
    with Workers(square, 2) as workers:
        results = workers.map(range(10))
        next(results)
        results.close()  # type: ignore[attr-defined]  # a generator
        assert [result for _, result in workers.map(range(100, 104))] == [
            task * task for task in range(100, 104)
        ]


class UnsendableError(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = lambda: second


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    def fail(task: int) -> int:
        raise UnsendableError("the reason", "more")

    with (
        Workers(fail, 2) as workers,
        pytest.raises(RuntimeError, match="UnsendableError: the reason"),
    ):
        list(workers.map([0, 0]))


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    def odd(task: int) -> Callable[[], int]:
        return lambda: task

    with Workers(odd, 2) as workers, pytest.raises((AttributeError, TypeError, PicklingError)):
        list(workers.map([0, 0]))


def test_a_program_that_reads_only_the_first_result_ends() -> None:
    code = """
from seq2seq.inference.workers import Workers
def results():
    with Workers(abs, 2) as workers:
        yield from workers.map(range(100))
kept = results()
print(next(kept))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_workers_leave_ctrl_c_to_the_first_process_and_end_with_it() -> None:
    code = """
import os, signal, time
from seq2seq.inference.workers import Workers
def work(task):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return os.getpid()
with Workers(work, 2) as workers:
    print(*workers.map(range(8)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    processes = set(map(int, done.stdout.split()))
    assert len(processes) == 2
    assert all(map(gone, processes))


def gone(process: int) -> bool:
    """Whether the process ends within some seconds."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_by_default_there_is_a_worker_for_each_thread() -> None:
    assert count_workers(None, CPU) == torch.get_num_threads()
    assert count_workers(3, CPU) == 3


def refused_in(place: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], int]:
    if place == "on Linux":
        monkeypatch.setattr(sys, "platform", "darwin")
    if place == "in the main thread":
        with_thread = ThreadPoolExecutor(1)
        return lambda asked: with_thread.submit(count_workers, asked, CPU).result()
    if place == "in a process that is not a daemon":
        # `daemon` can't be set once a process runs, and types don't know what it is read from.
        settings = multiprocessing.current_process()._config  # type: ignore[attr-defined]
        monkeypatch.setitem(settings, "daemon", True)
    device = torch.device("cuda") if place == "on the CPU" else CPU
    return lambda asked: count_workers(asked, device)


@pytest.mark.parametrize(
    "place",
    ["on Linux", "on the CPU", "in the main thread", "in a process that is not a daemon"],
)
def test_elsewhere_there_is_one_and_more_are_refused(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = refused_in(place, monkeypatch)
    assert (count(None), count(1)) == (1, 1)
    with pytest.raises(
        UserError, match=f"decoding.workers: more than one works only {place}, found 2"
    ):
        count(2)
