"""Batches searched by several processes, each a copy of this one with one thread.

A search has little to multiply in a step, and the next step waits for it: two processes of one
thread get through many batches sooner than one process of two threads.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, NamedTuple, TypeVar, cast

import torch

from seq2seq.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")


_open: set[Connection] = set()
"""This process's ends of the connections to all its workers: a worker ends when its end is closed,
so no other worker may keep a copy open."""


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


class Workers(Generic[Task, Result]):
    """A context in which `map` does `work` in up to `count` processes.

    They are forked at the first need, so that `work` may be any function and knows all that this
    process knows; tasks and results must be picklable. They end when this process does, however
    that is -- those of a ProcessPoolExecutor would wait for ever if it were killed.
    """

    def __init__(self, work: Callable[[Task], Result], count: int) -> None:
        self._work = work
        self.count = count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[Task, Result]:
        """Nothing is forked yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the workers go, once they have done what they are at."""
        self._dismiss()

    def map(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the result of each task, in order; one alone is done right here.

        Raises what `work` raised, and UserError if a worker was killed.
        """
        count = min(self.count, len(tasks))
        if count <= 1:
            yield from map(self._work, tasks)
            return
        while len(self._workers) < count:
            self._fork()
        finished = False
        try:
            yield from self._shared_out(deque(enumerate(tasks)), self._workers[:count])
            finished = True
        finally:
            if not finished:  # what they are still at belongs to nobody
                self._dismiss()

    def _shared_out(
        self, waiting: deque[tuple[int, Task]], workers: Sequence[_Worker]
    ) -> Iterator[Result]:
        tasks = len(waiting)
        for worker in workers:
            _send(worker.connection, waiting.popleft())
        done: dict[int, Result] = {}
        for number in range(tasks):
            while number not in done:
                for each in wait([worker.connection for worker in workers]):
                    connection = cast("Connection", each)
                    finished, result = _receive(connection)
                    done[finished] = cast("Result", result)
                    if waiting:
                        _send(connection, waiting.popleft())
            yield done.pop(number)

    def _fork(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        _open.add(ours)
        process = context.Process(target=_serve, args=(self._work, theirs), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def _dismiss(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            _open.discard(worker.connection)
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


@atexit.register
def _close_all() -> None:
    """Before multiprocessing waits for the workers of what was never left."""
    while _open:
        _open.pop().close()


def count_workers(asked: int | None, device: torch.device) -> int:
    """Return how many processes search: as many as `asked`, by default one for each thread.

    Where a copy of the process isn't safe, off Linux, with a GPU, outside the main thread or in a
    worker of others, one does. Raises UserError if more are asked for there.
    """
    if sys.platform != "linux":
        hindrance = "Linux"
    elif device.type != "cpu":
        hindrance = "the CPU"
    elif threading.current_thread() is not threading.main_thread():
        hindrance = "the main thread"
    elif multiprocessing.current_process().daemon:
        hindrance = "a process that is no daemon"
    else:
        return torch.get_num_threads() if asked is None else asked
    if asked is not None and asked > 1:
        raise UserError(f"decoding.workers {asked}: several are for {hindrance} only; set it to 1")
    return 1


def _send(connection: Connection, task: tuple[int, object]) -> None:
    try:
        connection.send(task)
    except ConnectionError:
        raise UserError(_KILLED) from None


def _receive(connection: Connection) -> tuple[int, object]:
    try:
        number, result, error = connection.recv()
    except (EOFError, ConnectionError):
        raise UserError(_KILLED) from None
    if error is not None:
        raise error
    return number, result


_KILLED = (
    "a process that decodes was killed, perhaps for want of memory: lower decoding.batch or "
    "decoding.workers"
)


def _serve(work: Callable[[Task], Result], tasks: Connection) -> None:
    """Do what comes until nothing can come any more."""
    _close_all()
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(stop, signal.SIG_IGN)  # the first process answers these
    torch.set_num_threads(1)  # those of the pool were not copied
    try:
        while True:
            number, task = tasks.recv()
            try:
                answer = pickle.dumps((number, work(task), None))
            except Exception as error:
                answer = pickle.dumps((number, None, _portable(error)))
            tasks.send_bytes(answer)
    except (EOFError, ConnectionError):
        return


def _portable(error: Exception) -> Exception:
    """The error, or one that tells of it if it can't be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
