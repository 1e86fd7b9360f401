"""Watching the tensors inside a model: an identity when nobody watches.

Model code says `x = trace("scores_BHTS", x)`; whoever wants to see writes

    with recording() as seen:
        model(...)
    seen["scores_BHTS"]  # one tensor a call, in order
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

Recording = dict[str, list[Tensor]]

_recording: Recording | None = None


def trace(name: str, tensor: Tensor) -> Tensor:
    """Return `tensor` itself, noting it under `name` when a recording is on."""
    if _recording is not None:
        _recording[name].append(tensor.detach())
    return tensor


def is_recording() -> bool:
    """Whether somebody watches."""
    return _recording is not None


@contextmanager
def recording() -> Iterator[Recording]:
    """Record every traced tensor inside the block; recordings nest, the innermost one sees."""
    global _recording
    outer, _recording = _recording, defaultdict(list)
    try:
        yield _recording
    finally:
        _recording = outer
