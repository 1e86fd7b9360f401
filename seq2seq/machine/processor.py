"""Which processor this is."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


@cache
def processor() -> str:
    """Return the model name of the CPU, which `platform` does not know on Linux."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


@cache
def is_intel() -> bool:
    """Whether Intel made the processor."""
    return "GenuineIntel" in (_cpuinfo("vendor_id") or platform.processor())


def _cpuinfo(field: str) -> str:
    """Return the value of the first such line of Linux's own description; else nothing."""
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == field:
                return value.strip()
    return ""
