"""Batches searched by several processes, each a copy of this one with one thread.

A step of a search multiplies small matrices, and the next step waits for it: two processes of one
thread finish many batches sooner than one process of two threads.
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

Item = TypeVar("Item")
Result = TypeVar("Result")


_open: set[Connection] = set()
"""This process's ends of the connections to its workers. A worker stops when its connection is
closed, so no other worker may hold a copy of it open."""


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


class Workers(Generic[Item, Result]):
    """A context in which `map` applies `work` in up to `count` processes.

    They are forked when first needed, so `work` may be any function and sees all that this process
    has in memory; items and results must be picklable. They end with this process, however it ends:
    the workers of a ProcessPoolExecutor would wait for ever if it were killed.
    """

    def __init__(self, work: Callable[[Item], Result], count: int) -> None:
        self._work = work
        self.count = count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[Item, Result]:
        """Nothing is forked yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Dismiss the workers as soon as each has finished its item."""
        self._dismiss()

    def map(self, items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result of each item, in order; a single one is worked on in this process.

        Raises what `work` raised, and UserError if a worker was killed.
        """
        count = min(self.count, len(items))
        if count <= 1:
            yield from map(self._work, items)
            return
        while len(self._workers) < count:
            self._fork()
        finished = False
        try:
            yield from self._share_out(deque(enumerate(items)), self._workers[:count])
            finished = True
        finally:
            if not finished:  # nobody will read what they are still working on
                self._dismiss()

    def _share_out(
        self, waiting: deque[tuple[int, Item]], workers: Sequence[_Worker]
    ) -> Iterator[Result]:
        count = len(waiting)
        for worker in workers:
            _send(worker.connection, waiting.popleft())
        done: dict[int, Result] = {}
        for number in range(count):
            while number not in done:
                for ready in wait([worker.connection for worker in workers]):
                    connection = cast("Connection", ready)
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
    """Stop the workers of contexts that were never left, before multiprocessing waits for them."""
    while _open:
        _open.pop().close()


def count_workers(asked: int | None, device: torch.device) -> int:
    """Return how many processes search: as many as `asked`, by default one for each thread.

    One, where a process can't be copied safely: off Linux, with a GPU, outside the main thread, and
    in a worker of another pool. Raises UserError if more are asked for there.
    """
    if sys.platform != "linux":
        place = "on Linux"
    elif device.type != "cpu":
        place = "on the CPU"
    elif threading.current_thread() is not threading.main_thread():
        place = "in the main thread"
    elif multiprocessing.current_process().daemon:
        place = "in a process that is not a daemon"
    else:
        return torch.get_num_threads() if asked is None else asked
    if asked is not None and asked > 1:
        raise UserError(
            f"decoding.workers: more than one works only {place}, found {asked}; set it to 1"
        )
    return 1


def _send(connection: Connection, numbered: tuple[int, object]) -> None:
    try:
        connection.send(numbered)
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
    "a decoding process was killed, possibly because memory ran out: lower decoding.batch or "
    "decoding.workers"
)


def _serve(work: Callable[[Item], Result], items: Connection) -> None:
    """Work on each item that arrives until the connection is closed."""
    _close_all()
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(stop, signal.SIG_IGN)  # the parent process handles these
    torch.set_num_threads(1)  # a fork has no copy of torch's threads
    try:
        while True:
            number, item = items.recv()
            try:
                answer = pickle.dumps((number, work(item), None))
            except Exception as error:
                answer = pickle.dumps((number, None, _portable(error)))
            items.send_bytes(answer)
    except (EOFError, ConnectionError):
        return


def _portable(error: Exception) -> Exception:
    """The error, or one with its traceback as text if it can't be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
