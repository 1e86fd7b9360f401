"""Looking into a running model: its tensors recorded or replaced, its parts timed.

Model code names a tensor, and the part that it is in:

    with scope("source"):
        weights_BHTS = probe("weights_BHTS", weights_BHTS)

Nothing happens there unless somebody listens, and `recording` and others see only what runs in
their own block, thread and task:

    with recording() as seen:
        model(...)
    seen["decoder.source.weights_BHTS"]  # one tensor a call, in order
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

Replace = Callable[..., Tensor]
"""(tensor, *context) -> what takes its place; the context is what its `probe` hands over."""

Recording = dict[str, list[Tensor]]


class Clock(Protocol):
    """Is told when a scope is entered and left."""

    def enter(self, name: str) -> None:
        """The scope of this full name begins, inside the present one."""

    def leave(self) -> None:
        """It ends."""


class _Listeners(NamedTuple):
    scope: str = ""  # where the model is: the names of all scopes entered, each with a dot after it
    recording: Recording | None = None
    replacements: tuple[tuple[str, Replace], ...] = ()
    clock: Clock | None = None


_NOBODY = _Listeners()
_listeners: ContextVar[_Listeners] = ContextVar("listeners", default=_NOBODY)
_NO_SCOPE: AbstractContextManager[None] = nullcontext()


def probe(name: str, tensor: Tensor, *context: Any) -> Tensor:
    """Return `tensor`, or what somebody has put in its place; note it if somebody records."""
    if torch.compiler.is_compiling():
        return tensor
    listeners = _listeners.get()
    if listeners is _NOBODY:
        return tensor
    name = listeners.scope + name
    for replaced, replace in listeners.replacements:
        if replaced == name:
            tensor = replace(tensor, *context)
    if listeners.recording is not None:
        listeners.recording[name].append(tensor.detach())
    return tensor


def scope(name: str) -> AbstractContextManager[None]:
    """Return the context in which the names of probed tensors begin with `name` and a dot."""
    if torch.compiler.is_compiling() or _listeners.get() is _NOBODY:
        return _NO_SCOPE
    return _entered(name)


@contextmanager
def _entered(name: str) -> Iterator[None]:
    outer = _listeners.get()
    inner = outer._replace(scope=f"{outer.scope}{name}.")
    with _listening(inner):
        if inner.clock is None:
            yield
            return
        inner.clock.enter(inner.scope[:-1])
        try:
            yield
        finally:
            inner.clock.leave()


@contextmanager
def _listening(listeners: _Listeners) -> Iterator[None]:
    token = _listeners.set(listeners)
    try:
        yield
    finally:
        _listeners.reset(token)


def is_probed() -> bool:
    """Whether somebody records or replaces tensors, so that each must be made under its name.

    Whoever only takes the time does not count: a faster way that names fewer tensors is then taken
    as without a clock.
    """
    listeners = _listeners.get()
    return listeners.recording is not None or bool(listeners.replacements)


@contextmanager
def recording() -> Iterator[Recording]:
    """Record every probed tensor inside the block; of nested recordings the innermost one sees."""
    seen: Recording = defaultdict(list)
    with _listening(_listeners.get()._replace(recording=seen)):
        yield seen


@contextmanager
def replacing(name: str, replace: Replace) -> Iterator[None]:
    """Put what `replace` returns in the place of each tensor of this full name, in the block."""
    listeners = _listeners.get()
    with _listening(listeners._replace(replacements=(*listeners.replacements, (name, replace)))):
        yield


@contextmanager
def timing(clock: Clock) -> Iterator[None]:
    """Tell `clock` of every scope entered and left inside the block."""
    with _listening(_listeners.get()._replace(clock=clock)):
        yield
