"""What this process may use of the machine, and what it has used."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")  # proc(5)


def usable_cores() -> int:
    """Return how many cores of the CPU this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int | None:
    """Return the most bytes of main memory that this process ever had; None on Windows."""
    # Linux's ru_maxrss begins with that of the process which started this one.
    with suppress(OSError):
        for line in _STATUS.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return _peak_of("RUSAGE_SELF")


def peak_worker_memory() -> int | None:
    """Return the most bytes that a process which this one forked had, if one has ended."""
    return _peak_of("RUSAGE_CHILDREN") or None


def _peak_of(whom: str) -> int | None:
    # getrusage and not psutil: psutil tells what is taken now, and would be one more dependency.
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(getattr(resource, whom)).ru_maxrss
    return int(peak if sys.platform == "darwin" else 1024 * peak)
