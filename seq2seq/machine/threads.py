"""How many threads of the CPU compute: as many as are asked for, else as have a core to themselves.

The threads of torch meet after every operation. One that has to share its core with another program
holds up all the others, so that on a busy machine fewer are faster: see `scripts/bench_busy.py`.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import torch

logger = logging.getLogger(__name__)

_LOOK, _LOOKS = 0.3, 4  # seconds; times, as what has just ended is no work beside
_STAT = Path("/proc/stat")
_IDLE = (4, 5)  # fields of a core's line: idle, and idle while a disk is waited for; proc(5)


def use_threads(asked: int | None) -> None:
    """Have torch compute with `asked` threads, by default with one for each core that is idle now.

    The default is at least one, no more than torch takes by itself, and torch's own number where
    OMP_NUM_THREADS is set or the system doesn't tell. To look takes a third of a second, or
    little more than one where cores are busy.
    """
    usual = torch.get_num_threads()
    if asked is None and "OMP_NUM_THREADS" not in os.environ and usual > 1:
        asked = max(1, min(usual, _idle_cores(usual)))
        if asked < usual:
            logger.info(
                "computing with %d of %d threads, since other programs use the cores "
                "(training.threads)",
                asked,
                usual,
            )
    if asked is not None:
        torch.set_num_threads(asked)


def _idle_cores(wanted: int) -> int:
    """The most cores of this process that are idle at a time, as far as `wanted`; that if unknown.

    psutil tells it too, on more systems; for two lines of a file it is one more dependency.
    """
    most = 0
    for _ in range(_LOOKS):
        idle = _look()
        most = wanted if idle is None else max(most, round(idle))
        if most >= wanted:
            break
    return most


def _look() -> float | None:
    """The number of idle cores on average over a moment; None if the system doesn't tell."""
    try:
        ticks = os.sysconf("SC_CLK_TCK")
        before = _idle_ticks()
        time.sleep(_LOOK)
        return (_idle_ticks() - before) / (ticks * _LOOK)
    except (OSError, ValueError, IndexError, AttributeError):  # not Linux
        return None


def _idle_ticks() -> int:
    own = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    lines = map(str.split, _STAT.read_text("utf-8").splitlines())
    return sum(int(line[field]) for line in lines if line[0] in own for field in _IDLE)
