"""Whether an error says that memory ran out; libraries say so in words of their own."""

from __future__ import annotations

_WORDS = (
    "can't allocate memory",  # torch's allocator of the CPU, on Linux
    "not enough memory",  # and elsewhere
    "out of memory",
    "cannot allocate memory",
    "std::bad_alloc",
    "bad allocation",
    "failed to allocate memory",  # ONNX Runtime
    "could not create a memory",  # oneDNN
    "status_alloc_failed",  # cuBLAS, cuDNN
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, that of the CPU or of a device.

    Cleaning up may fail next, for want of memory too: then the error before it tells.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS):
        return True
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return before is not None and is_out_of_memory(before)
