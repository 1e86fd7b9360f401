"""Batches searched by several processes, each a copy of this one with one thread.

A search has little to multiply in a step, and the next step waits for it: two processes of one
thread get through many batches sooner than one process of two threads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from seq2seq.machine import workers
from seq2seq.machine.workers import Result, Task

_KILLED = (
    "a process that decodes was killed, perhaps for want of memory: lower decoding.batch or "
    "decoding.workers"
)


class Workers(workers.Workers[Task, Result]):
    """A context in which `map` does `work` in up to `count` processes of one thread."""

    def __init__(self, work: Callable[[Task], Result], count: int) -> None:
        # The threads of the pool were not copied.
        super().__init__(work, count, killed=_KILLED, begin=lambda: torch.set_num_threads(1))


def count_workers(asked: int | None, device: torch.device) -> int:
    """Return how many processes search: as many as `asked`, by default one for each thread.

    One where a copy of the process isn't safe, as with a GPU; UserError if more are asked for.
    """
    return workers.count_workers(
        asked,
        torch.get_num_threads(),
        setting="decoding.workers",
        hindrance=None if device.type == "cpu" else "the CPU",
    )
