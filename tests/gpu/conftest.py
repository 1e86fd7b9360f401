"""The device under test: CUDA, and without one every test here is skipped.

SEQ2SEQ_GPU_TESTS=cpu python -m pytest -m gpu tests/gpu runs the same code on the CPU, which shows
that the tests work; of CUDA it shows nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest
import torch

NoWaiting = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def device() -> torch.device:
    name = os.environ.get("SEQ2SEQ_GPU_TESTS", "cuda")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs CUDA, and torch finds none here")
    return torch.device(name)


@pytest.fixture(autouse=True)
def _whole_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN would round the factors of float32 products to TF32: 10 bits, 1e-3 off."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture
def no_waiting(device: torch.device) -> NoWaiting:
    """A block in which it is an error that the host waits for the device."""

    @contextmanager
    def forbidden() -> Iterator[None]:
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")

    return forbidden if device.type == "cuda" else nullcontext
