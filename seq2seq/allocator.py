"""What the C library does with memory that is freed."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGEST = 32 << 20  # bytes: the highest threshold that glibc takes


def keep_freed_memory() -> None:
    """Keep what is freed for what is needed next, as tensors of megabytes come and go at each step.

    Given back to the system, each of their pages would cost a fault when it is asked for again.
    Only glibc can be told.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
