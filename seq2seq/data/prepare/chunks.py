"""Chunks of a corpus, worked on by several processes: the results are those of one.

One process reads, so that every format is read, and every mistake in it told, in the same way;
the others clean, compare and encode, which is nine tenths of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeAlias, TypeVar

from seq2seq.machine.workers import Workers, count_workers

Chunk: TypeAlias = list[tuple[str, str]]
Result = TypeVar("Result")

_CHUNK = 1000  # pairs
_PAYS = 20  # chunks, from which on other processes pay: to start them takes a tenth of a second
_KILLED = (
    "a process that prepares data was killed, perhaps because memory ran out: set data.workers "
    "to fewer processes, or to 1"
)


def chunks_of(pairs: Iterable[tuple[str, str]], size: int | None = None) -> Iterator[Chunk]:
    """Yield the pairs, by default a thousand at a time."""
    waiting = iter(pairs)
    while chunk := list(islice(waiting, size or _CHUNK)):
        yield chunk


def spread(
    work: Callable[[Chunk], Result], chunks: Iterable[Chunk], workers: int | None
) -> Iterator[Result]:
    """Yield the result of each chunk, in order, done by so many processes.

    By default one for each thread of the CPU if there are many chunks, else this one. Raises
    UserError if a process was killed.
    """
    waiting = iter(chunks)
    first = list(islice(waiting, _PAYS)) if workers is None else []
    default = _threads() if len(first) == _PAYS else 1
    count = count_workers(workers, default, setting="data.workers")
    with Workers(work, count, killed=_KILLED) as processes:
        yield from processes.map(chain(first, waiting))


def _threads() -> int:
    from torch import get_num_threads  # a second, and a small corpus does not ask

    return get_num_threads()
