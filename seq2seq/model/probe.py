"""Looking into a running model: its tensors observed or replaced, its parts timed.

Model code names a tensor, and the part that it is in:

    with scope("source"):
        weights_BHTS = probe("weights_BHTS", weights_BHTS)

Nothing happens there unless somebody listens. Whoever does sees what runs in the block, in the
same thread and task, and nothing of another:

    with recording() as seen:
        model(...)
    seen["decoder.source.weights_BHTS"]  # one tensor a call, in order

A thread that is started in the block does not belong to it; asyncio.to_thread and
contextvars.copy_context().run carry it over. In a graph captured by torch.compile nothing is
probed: such a graph is a fast path, to be left where `is_probed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from seq2seq.errors import UserError, did_you_mean

Observe = Callable[[str, Tensor], None]
"""(full name, tensor) -> None; called while the model runs."""

Replace = Callable[..., Tensor]
"""(tensor, *context) -> the tensor to go on with; the context is what its `probe` hands over."""

Recording = dict[str, list[Tensor]]


class Clock(Protocol):
    """Is told when a scope is entered and left."""

    def enter(self, scope: str) -> None:
        """The scope of this full name begins, inside the present one."""

    def leave(self) -> None:
        """It ends."""


class _Replacement(NamedTuple):
    names: str  # a pattern
    replace: Replace
    met: dict[str, bool]  # of each tensor that was probed meanwhile, whether it was replaced


class _Listeners(NamedTuple):
    scope: str = ""  # where the model is: the names of all scopes entered, a dot after each
    observers: tuple[Observe, ...] = ()
    replacements: tuple[_Replacement, ...] = ()
    clock: Clock | None = None


_NOBODY = _Listeners()
_listeners: ContextVar[_Listeners] = ContextVar("listeners", default=_NOBODY)
_NO_SCOPE: AbstractContextManager[None] = nullcontext()


def probe(name: str, tensor: Tensor, *context: Any) -> Tensor:
    """Return `tensor`, or what it is replaced by; observers see what is returned."""
    if torch.compiler.is_compiling():
        return tensor
    listeners = _listeners.get()
    if listeners is _NOBODY:
        return tensor
    name = listeners.scope + name
    for names, replace, met in listeners.replacements:
        met[name] = fnmatchcase(name, names)
        if met[name]:
            tensor = replace(tensor, *context)
    for observe in listeners.observers:
        observe(name, tensor.detach())
    return tensor


def scope(name: str) -> AbstractContextManager[None]:
    """Return the context in which the names of probed tensors begin with `name` and a dot."""
    if torch.compiler.is_compiling() or _listeners.get() is _NOBODY:
        return _NO_SCOPE
    return _entered(name)


@contextmanager
def _entered(name: str) -> Iterator[None]:
    outer = _listeners.get()
    with _listening(outer._replace(scope=f"{outer.scope}{name}.")):
        if outer.clock is None:
            yield
            return
        outer.clock.enter(outer.scope + name)
        try:
            yield
        finally:
            outer.clock.leave()


@contextmanager
def _listening(listeners: _Listeners) -> Iterator[None]:
    token = _listeners.set(listeners)
    try:
        yield
    finally:
        _listeners.reset(token)


def is_probed() -> bool:
    """Whether somebody observes or replaces tensors, so that each must be made under its name.

    A fast path is taken only where this is False. A clock alone does not count: a fast path enters
    the scopes that matter to it.
    """
    listeners = _listeners.get()
    return bool(listeners.observers or listeners.replacements)


@contextmanager
def observing(observe: Observe) -> Iterator[None]:
    """Call `observe` with every probed tensor of the block, as it is made."""
    listeners = _listeners.get()
    with _listening(listeners._replace(observers=(*listeners.observers, observe))):
        yield


@contextmanager
def recording() -> Iterator[Recording]:
    """Keep every probed tensor of the block, under its full name."""
    seen: Recording = {}
    with observing(lambda name, tensor: seen.setdefault(name, []).append(tensor)):
        yield seen


@contextmanager
def replacing(names: str, replace: Replace) -> Iterator[None]:
    """Replace each tensor of these full names in the block; of several, the outermost comes first.

    In `names` a * stands for any characters: `decoder.*source.weights_BHTS` are the weights of
    every layer. Raises UserError at the end if tensors came up and none of these names.
    """
    listeners, replacement = _listeners.get(), _Replacement(names, replace, {})
    with _listening(listeners._replace(replacements=(*listeners.replacements, replacement))):
        yield
    if replacement.met and not any(replacement.met.values()):
        known = sorted(replacement.met)
        raise UserError(
            f"replacing {names!r}: expected one of {', '.join(known)}{did_you_mean(names, known)}"
        )


@contextmanager
def timing(clock: Clock) -> Iterator[None]:
    """Tell `clock` of every scope entered and left in the block; of several, the innermost."""
    with _listening(_listeners.get()._replace(clock=clock)):
        yield
