"""What the libraries say when memory runs out."""

import numpy as np
import pytest
import torch

from seq2seq.machine.memory import is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
        RuntimeError("could not create a memory object"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=repr,
)
def test_memory_has_run_out(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "ask", [lambda: torch.empty(2**58), lambda: np.empty(2**58)], ids=["torch", "numpy"]
)
def test_what_the_libraries_raise_is_known(ask: object) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as raised:
        ask()  # type: ignore[operator]
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyError()]
)
def test_another_error_is_none_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


@pytest.mark.parametrize("told", [True, False])
def test_an_error_of_cleaning_up_after_it_is_known_and_one_that_replaces_it_is_not(
    told: bool,
) -> None:
    def fail() -> None:
        try:
            raise MemoryError
        except MemoryError:
            if told:
                raise RuntimeError("unknown parameter type")  # noqa: B904 -- as torch's autocast
            raise ValueError("too long") from None

    with pytest.raises((RuntimeError, ValueError)) as raised:
        fail()
    assert is_out_of_memory(raised.value) == told
