"""Tasks done by several processes, each a copy of this one."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, NamedTuple, TypeVar, cast

from seq2seq.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 16  # tasks for each worker, from the oldest that is not done: what waits is in memory

_open: set[Connection] = set()
"""This process's ends of the connections to its workers. A worker stops when its connection is
closed, so no other worker may hold a copy of it open."""


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


class Workers(Generic[Task, Result]):
    """A context in which `map` applies `work` in up to `count` processes.

    They are forked when first needed, so `work` may be any function and sees all that this process
    has in memory; tasks and results must be picklable. They end with this process, however it ends:
    the workers of a ProcessPoolExecutor would wait for ever if it were killed. `killed` is the
    error if one of them is killed; each calls `begin` first.
    """

    def __init__(
        self,
        work: Callable[[Task], Result],
        count: int,
        *,
        killed: str,
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        self._work = work
        self.count = count
        self._killed = killed
        self._begin = begin
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[Task, Result]:
        """Nothing is forked yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Dismiss the workers as soon as each has finished its task."""
        self._dismiss()

    def map(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task, in order; a single one is done in this process.

        Tasks are taken from an iterator one ahead of need. Raises what `work` or the iterator
        raised, and UserError if a worker was killed.
        """
        waiting = iter(tasks)
        first = list(islice(waiting, self.count))
        if len(first) <= 1:
            yield from map(self._work, chain(first, waiting))
            return
        while len(self._workers) < len(first):
            self._fork()
        finished = False
        try:
            yield from self._share_out(chain(first, waiting), self._workers[: len(first)])
            finished = True
        finally:
            if not finished:  # nobody will read what they are still working on
                self._dismiss()

    def _share_out(self, tasks: Iterable[Task], workers: Sequence[_Worker]) -> Iterator[Result]:
        waiting = enumerate(tasks)
        idle = deque(worker.connection for worker in workers)
        done: dict[int, Result] = {}
        wanted, upcoming = 0, next(waiting, None)
        while upcoming is not None or done or len(idle) < len(workers):
            while idle and upcoming and upcoming[0] < wanted + _AHEAD * len(workers):
                self._send(idle.popleft(), upcoming)
                upcoming = next(waiting, None)  # read while the workers work
            if wanted in done:
                yield done.pop(wanted)
                wanted += 1
                continue
            busy = [w.connection for w in workers if w.connection not in idle]
            for ready in wait(busy):
                connection = cast("Connection", ready)
                number, result = self._receive(connection)
                done[number] = cast("Result", result)
                idle.append(connection)

    def _fork(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        _open.add(ours)
        arguments = (self._begin, self._work, theirs)
        process = context.Process(target=_serve, args=arguments, daemon=True)
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

    def _send(self, connection: Connection, task: tuple[int, object]) -> None:
        try:
            connection.send(task)
        except ConnectionError:
            raise UserError(self._killed) from None

    def _receive(self, connection: Connection) -> tuple[int, object]:
        try:
            number, result, error = connection.recv()
        except (EOFError, ConnectionError):
            raise UserError(self._killed) from None
        if error is not None:
            raise error
        return number, result


@atexit.register
def _close_all() -> None:
    """Stop the workers of contexts that were never left, before multiprocessing waits for them."""
    while _open:
        _open.pop().close()


def count_workers(asked: int | None, default: int, *, setting: str, only: str | None = None) -> int:
    """Return how many processes work: as many as `asked`, else `default`.

    One, where a process can't be copied safely: off Linux, outside the main thread, in a worker of
    another pool, or where the caller says that they work only elsewhere (`only="on the CPU"`).
    Raises UserError, naming the `setting`, if more are asked for there.
    """
    only = _only() or only
    if only is None:
        return default if asked is None else asked
    if asked is not None and asked > 1:
        raise UserError(f"{setting}: more than one works only {only}, found {asked}; set it to 1")
    return 1


def _only() -> str | None:
    """Where several processes work, unless this is such a place."""
    if sys.platform != "linux":
        return "on Linux"
    if threading.current_thread() is not threading.main_thread():
        return "in the main thread"
    if multiprocessing.current_process().daemon:
        return "in a process that is not a daemon"
    return None


def _serve(begin: Callable[[], object], work: Callable[[Task], Result], tasks: Connection) -> None:
    """Do each task that arrives until the connection is closed."""
    gc.freeze()  # garbage of the parent may be a library's, and wait for threads that are not here
    _close_all()
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(stop, signal.SIG_IGN)  # the parent process handles these
    begin()
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
    """The error, or one with its traceback as text if it can't be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
