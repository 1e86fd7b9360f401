"""Gradients of what all steps share (matrices, keys, values), made once for all of them.

Autograd makes such a gradient anew at every step, of that step's few rows, and adds it to those
before. Inside `deferring()` the backward of a step only notes the two factors, and behind the last
of them one product over all steps makes the gradient:

    with deferring():
        for x in steps:
            y = linear(x, weight, bias)

Elsewhere, and under torch.compile, `linear` and `matmul` are torch's own. First derivatives only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.kernels import products

Made = TypeVar("Made")

SMALL = 2**16
"""Elements: to note a step takes longer than to add up a gradient of fewer."""

_made: dict[Hashable, tuple[Tensor, Any]] | None = None
_readable = False


@contextmanager
def deferring() -> Iterator[None]:
    """Defer the gradients of what the calls of `linear` and `matmul` inside have in common."""
    global _made
    outer, _made = _made, {}
    try:
        yield
    finally:
        _made = outer


@contextmanager
def readable() -> Iterator[None]:
    """Take the readable path inside, whatever is deferred elsewhere: to hold the other against."""
    global _readable
    outer, _readable = _readable, True
    try:
        yield
    finally:
        _readable = outer


def is_deferring(shared: Tensor | None = None) -> bool:
    """Whether this is inside `deferring()`, gradients are wanted, and `shared` is large enough."""
    if _made is None or _readable or (shared is not None and shared.numel() < SMALL):
        return False
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def once(tensor: Tensor, purpose: Hashable, make: Callable[[], Made]) -> Made:
    """Return what `make` makes of `tensor` for this purpose: one thing inside `deferring()`."""
    assert _made is not None
    key = (id(tensor), purpose)
    if key not in _made:
        _made[key] = (tensor, make())  # with the tensor, so that its id stays its own
    made: Made = _made[key][1]
    return made


class Notes(ABC):
    """What the backward of each step leaves for the gradients of the tensors that they share."""

    def __init__(self) -> None:
        self._steps = 0
        self._noted: set[int] = set()

    def number(self) -> int:
        """Return the number of a new step."""
        self._steps += 1
        return self._steps

    def begins(self, step: int) -> bool:
        """Note that the step's backward is here; True if it is the first of a backward."""
        if step in self._noted:  # those of an earlier one, which wanted no such gradient
            self._noted.clear()
        self._noted.add(step)
        return len(self._noted) == 1

    def collect(self) -> tuple[Tensor, ...] | None:
        """Return the gradients in the order of the tensors; None if no step left anything."""
        if not self._noted:
            return None
        self._noted.clear()
        return self.gradients()

    @abstractmethod
    def gradients(self) -> tuple[Tensor, ...]:
        """Make them of what the steps of this backward left."""


def ticket(notes: Notes, *tensors: Tensor) -> Tensor:
    """Return what a step's function takes in the place of tensors that all steps share.

    Its backward gives the ticket None and leaves its share in `notes`; when no step is left, these
    are asked for the gradients of `tensors`.
    """
    issue: Callable[..., Tensor] = _Ticket.apply
    return issue(notes, *tensors)


class _Ticket(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, notes: Notes, *tensors: Tensor) -> Tensor:
        ctx.notes, ctx.tensors = notes, len(tensors)
        return tensors[0].new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(ctx.notes.collect() or (None,) * ctx.tensors)


class Linear(nn.Linear):
    """torch.nn.Linear, to be called at one step after another."""

    def forward(self, input: Tensor) -> Tensor:
        """Return W x + b."""
        return linear(input, self.weight, self.bias)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b; all steps share W and b."""
    if not is_deferring(weight):
        return products.linear(input, weight, bias)
    return _shared_product(input, weight, bias, turned=True)


def matmul(left: Tensor, right: Tensor, *, turned: bool = False) -> Tensor:
    """Return left @ right, or left @ right^T if `turned`; all steps share the right one."""
    if not is_deferring(right):
        return left @ (_transposed(right) if turned else right)
    return _shared_product(left, right, None, turned=turned)


def _shared_product(left: Tensor, right: Tensor, bias: Tensor | None, *, turned: bool) -> Tensor:
    shared: tuple[Tensor, ...] = (right,) if bias is None else (right, bias)
    if torch.is_autocast_enabled(left.device.type):
        dtype = torch.get_autocast_dtype(left.device.type)
        left, shared = left.to(dtype), tuple(_cast(each, dtype) for each in shared)

    def start() -> tuple[_Factors, Tensor, list[Tensor]]:
        notes = _Factors(bias=bias is not None)
        return notes, ticket(notes, *shared), [each.detach().contiguous() for each in shared]

    notes, held, plain = once(shared[0], (turned, *map(id, shared)), start)
    product: Callable[..., Tensor] = _Product.apply
    return product(left, held, notes, turned, *plain)


def _cast(shared: Tensor, dtype: torch.dtype) -> Tensor:
    return once(shared, dtype, lambda: shared.to(dtype))


class _Factors(Notes):
    """The factors of each step's share of the gradient of the right factor, rows of all steps."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self._bias = bias
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def note(self, step: int, first: Tensor, second: Tensor) -> None:
        """Note that the step's share is first^T @ second."""
        if self.begins(step):
            self._pairs = []
        self._pairs.append((first, second))

    def gradients(self) -> tuple[Tensor, ...]:
        """Return the gradient of the right factor, and of the bias if there is one."""
        firsts, seconds = (torch.cat(each, -2) for each in zip(*self._pairs, strict=True))
        self._pairs = []
        product = _transposed(firsts) @ seconds
        return (product, firsts.sum(0)) if self._bias else (product,)


class _Product(torch.autograd.Function):
    """left @ right, or left @ right^T + bias."""

    @staticmethod
    def forward(
        ctx: Any,
        left: Tensor,
        held: Tensor,
        notes: _Factors,
        turned: bool,
        right: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.notes, ctx.turned, ctx.step = notes, turned, notes.number()
        ctx.rest = (None,) * (3 if bias is None else 4)
        if right.dim() == 2 and turned:
            return products.linear(left, right, bias)
        return left @ (_transposed(right) if turned else right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        left, right = ctx.saved_tensors
        if ctx.needs_input_grad[1]:
            factors = (slope, left) if ctx.turned else (left, slope)
            if right.dim() == 2:
                factors = (factors[0].flatten(0, -2), factors[1].flatten(0, -2))
            ctx.notes.note(ctx.step, *factors)
        left_slope = None
        if ctx.needs_input_grad[0]:
            right = right if ctx.turned else _transposed(right)
            left_slope = products.linear(slope, right.t()) if right.dim() == 2 else slope @ right
        return left_slope, None, *ctx.rest


def _transposed(matrices: Tensor) -> Tensor:
    return matrices.transpose(-1, -2)  # ONNX knows no mT
