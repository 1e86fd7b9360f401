"""What the C library does with memory that is freed."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST = 32 << 20  # bytes: the highest threshold of the second kind


def keep_freed_memory() -> None:
    """Keep what is freed for what is needed next, as tensors of megabytes come and go at each step.

    glibc would give it back to the system, and each page then cost a fault when it is asked for
    again: a twelfth of the time of training, a sixth of beam search. Elsewhere, do nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
