"""Gradients of what all steps share (matrices, keys, values), made once for all of them.

Autograd makes such a gradient anew at every step, of that step's few rows, and adds it to the sum
of the steps before. Inside `deferring()` the backward of a step only keeps the two factors, and
after the last step one product over all steps makes the gradient:

    with deferring():
        for x in steps:
            y = linear(x, weight, bias)

Elsewhere, and under torch.compile, `linear` and `matmul` are torch's own. First derivatives only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.kernels import products

Made = TypeVar("Made")

SMALL = 2**16
"""Elements: to keep the factors of a step takes longer than to add up a gradient of fewer."""

_Memo = dict[Hashable, tuple[Tensor, Any]]

_memo: ContextVar[_Memo | None] = ContextVar("memo", default=None)
_READABLE: _Memo = {}
"""Stands in the place of a memo inside `readable()`."""


@contextmanager
def deferring() -> Iterator[None]:
    """Defer the gradients of what the calls of `linear` and `matmul` inside have in common."""
    token = _memo.set(_READABLE if _memo.get() is _READABLE else {})
    try:
        yield
    finally:
        _memo.reset(token)


@contextmanager
def readable() -> Iterator[None]:
    """Take the readable path in this block, also inside `deferring()`, to compare the two."""
    token = _memo.set(_READABLE)
    try:
        yield
    finally:
        _memo.reset(token)


def is_deferring(shared: Tensor | None = None) -> bool:
    """Whether this is inside `deferring()`, gradients are wanted, and `shared` is large enough."""
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return False
    memo = _memo.get()
    if memo is None or memo is _READABLE:
        return False
    return shared is None or shared.numel() >= SMALL


def memoised(tensor: Tensor, purpose: Hashable, make: Callable[[], Made]) -> Made:
    """Return what `make` returns; later calls for this tensor and purpose return the same.

    It is kept until the end of the `deferring()` around.
    """
    memo = _memo.get()
    assert memo is not None
    assert memo is not _READABLE
    key = (id(tensor), purpose)
    if key not in memo:
        memo[key] = (tensor, make())  # with the tensor, so that its id stays its own
    made: Made = memo[key][1]
    return made


class SharedGradients(ABC):
    """Collects what the backward of each step has for the gradients of tensors that all share."""

    def __init__(self) -> None:
        self._steps = 0
        self._collected: set[int] = set()

    def new_step(self) -> int:
        """Return the number of a new step."""
        self._steps += 1
        return self._steps

    def is_first(self, step: int) -> bool:
        """Note that the step's backward runs; True if it is the first step of a backward."""
        if step in self._collected:  # by an earlier backward, which wanted no such gradient
            self._collected.clear()
        self._collected.add(step)
        return len(self._collected) == 1

    def finish(self) -> tuple[Tensor, ...] | None:
        """Return the gradients in the order of the tensors; None if no step had anything."""
        if not self._collected:
            return None
        self._collected.clear()
        return self.total()

    @abstractmethod
    def total(self) -> tuple[Tensor, ...]:
        """Return the sums over the steps of this backward."""


def placeholder(gradients: SharedGradients, *tensors: Tensor) -> Tensor:
    """Return what a step's function takes in the place of `tensors`, which all steps share.

    In the backward the function returns None for it and leaves its share in `gradients`; after the
    last step these are asked for the gradients of `tensors`.
    """
    make: Callable[..., Tensor] = _Placeholder.apply
    return make(gradients, *tensors)


class _Placeholder(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradients: SharedGradients, *tensors: Tensor) -> Tensor:
        ctx.gradients, ctx.tensors = gradients, len(tensors)
        return tensors[0].new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(ctx.gradients.finish() or (None,) * ctx.tensors)


class Linear(nn.Linear):
    """torch.nn.Linear, to be called at one step after another."""

    def forward(self, input: Tensor) -> Tensor:
        """Return W x + b."""
        return linear(input, self.weight, self.bias)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b; all steps share W and b."""
    if not is_deferring(weight):
        return products.linear(input, weight, bias)
    return _shared_product(input, weight, bias, transposed=True)


def matmul(left: Tensor, right: Tensor, *, transposed: bool = False) -> Tensor:
    """Return left @ right, or left @ right^T if `transposed`; all steps share the right one."""
    if not is_deferring(right):
        return left @ (_transpose(right) if transposed else right)
    return _shared_product(left, right, None, transposed=transposed)


def _shared_product(
    left: Tensor, right: Tensor, bias: Tensor | None, *, transposed: bool
) -> Tensor:
    shared: tuple[Tensor, ...] = (right,) if bias is None else (right, bias)
    if torch.is_autocast_enabled(left.device.type):
        dtype = torch.get_autocast_dtype(left.device.type)
        left, shared = left.to(dtype), tuple(_cast(tensor, dtype) for tensor in shared)

    def prepare() -> tuple[_ProductGradients, Tensor, list[Tensor]]:
        gradients = _ProductGradients(bias=bias is not None)
        values = [tensor.detach().contiguous() for tensor in shared]
        return gradients, placeholder(gradients, *shared), values

    purpose = (transposed, *map(id, shared))
    gradients, held, values = memoised(shared[0], purpose, prepare)
    product: Callable[..., Tensor] = _Product.apply
    return product(left, held, gradients, transposed, *values)


def _cast(shared: Tensor, dtype: torch.dtype) -> Tensor:
    """Return `shared` in `dtype`, converted once for all steps."""
    return memoised(shared, dtype, lambda: shared.to(dtype))


class _ProductGradients(SharedGradients):
    """Keeps the factors of each step's share of the gradient of the right factor."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self._bias = bias
        self._factors: list[tuple[Tensor, Tensor]] = []

    def add(self, step: int, first: Tensor, second: Tensor) -> None:
        """Keep the factors: the step's share is first^T @ second."""
        if self.is_first(step):
            self._factors = []
        self._factors.append((first, second))

    def total(self) -> tuple[Tensor, ...]:
        """Return the gradient of the right factor, and of the bias if there is one."""
        first, second = (_joined(rows) for rows in zip(*self._factors, strict=True))
        self._factors = []
        product = _transpose(first) @ second
        return (product, first.sum(0)) if self._bias else (product,)


class _Product(torch.autograd.Function):
    """left @ right, or left @ right^T + bias."""

    @staticmethod
    def forward(
        ctx: Any,
        left: Tensor,
        held: Tensor,
        gradients: _ProductGradients,
        transposed: bool,
        right: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.gradients, ctx.transposed, ctx.step = gradients, transposed, gradients.new_step()
        ctx.rest = (None,) * (3 if bias is None else 4)
        if right.dim() == 2 and transposed:
            return products.linear(left, right, bias)
        return left @ (_transpose(right) if transposed else right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        left, right = ctx.saved_tensors
        shape = left.shape
        if right.dim() == 2:
            # Rows that don't lie in order torch would multiply one by one, by copies of the matrix.
            gradient, left = gradient.flatten(0, -2), left.flatten(0, -2)
        if ctx.needs_input_grad[1]:
            ctx.gradients.add(ctx.step, *((gradient, left) if ctx.transposed else (left, gradient)))
        left_gradient = None
        if ctx.needs_input_grad[0]:
            right = right if ctx.transposed else _transpose(right)
            if right.dim() == 2:
                left_gradient = products.linear(gradient, right.t()).view(shape)
            else:
                left_gradient = gradient @ right
        return left_gradient, None, *ctx.rest


def _joined(rows: Sequence[Tensor]) -> Tensor:
    """Return the rows of all steps; of one step, as where all are taken at once, no copy."""
    return rows[0] if len(rows) == 1 else torch.cat(tuple(rows), -2)


def _transpose(matrices: Tensor) -> Tensor:
    return matrices.transpose(-1, -2)  # ONNX knows no mT
