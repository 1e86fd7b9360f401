"""Matrix products on the CPU, by the library that is faster on its processor.

torch's builds hold two. torch itself multiplies float32 matrices by MKL, which on AMD's processors
reaches two thirds to five sixths of oneDNN's rate; on an Intel Xeon oneDNN takes 1.05 to 1.3 times
as long as MKL. So `auto` is MKL on Intel's processors and oneDNN on others: it depends on nothing
but the processor, and two runs there have the same bits. docs/performance.md has the figures, and
what a choice for each shape would gain. oneDNN's linear layer has no derivative here, so it serves
where no gradient is recorded: in decoding, and inside autograd functions.

A matrix that stays as it is, as in decoding, oneDNN puts into an order of its own. It then reads it
faster than MKL does, on both kinds of processor:

    with packing(packs):
        for x in steps:
            y = linear(x, weight, bias)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.errors import UserError
from seq2seq.machine.processor import is_intel

ONEDNN_LINEAR = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
"""oneDNN's linear layer as an operation of torch, if this build has it."""

ONEDNN_PACK = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
"""What puts its matrix into oneDNN's order."""

BF16 = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
"""Whether oneDNN computes in bf16 on this processor; on x86 that takes AVX-512 or the like."""

WORTH = 2**24
"""Multiplications: with fewer, oneDNN's longer way to a product costs what it saves."""

WORTH_PACKING = 2**17
"""Elements of a matrix: below, the same holds for one that is packed."""


_by_onednn: ContextVar[bool | None] = ContextVar("by_onednn", default=None)


def use(library: str) -> None:
    """Multiply by this library from now on, in this thread: `auto`, `mkl` or `onednn`.

    Raises UserError if this build of torch hasn't got it.
    """
    there = {"auto": True, "mkl": torch.backends.mkl.is_available(), "onednn": _has_onednn()}
    if not there[library]:
        raise UserError(f"training.products {library}: this build of torch lacks it; set auto")
    _by_onednn.set(None if library == "auto" else library == "onednn")


def library() -> str:
    """Return which library multiplies large float32 matrices now: `mkl`, `onednn` or `torch`.

    `torch` is its own choice where it holds neither.
    """
    chosen = _by_onednn.get()
    mkl = torch.backends.mkl.is_available()
    if chosen or (chosen is None and _has_onednn() and not (mkl and is_intel())):
        return "onednn"
    return "mkl" if mkl else "torch"


def _has_onednn() -> bool:
    return ONEDNN_LINEAR is not None and torch.backends.mkldnn.is_available()


class Packs:
    """Matrices in oneDNN's order, each packed when it is first met; they must stay as they are."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        """The products are computed in `dtype`; what comes and goes is float32."""
        self.dtype = dtype
        self._packs: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}

    def suit(self, input: Tensor, weight: Tensor) -> bool:
        """Whether a product with this matrix is faster when it is packed.

        One that was made in the search itself, and won't be met again, is not packed.
        """
        return (
            weight.numel() >= WORTH_PACKING
            and not weight.is_inference()
            and input.dtype is weight.dtype is torch.float32
            and weight.device.type == "cpu"
        )

    def linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return W x + b."""
        bias = bias if bias is None else bias.to(self.dtype)
        return onednn_linear(input.to(self.dtype), self._packed(weight), bias).float()

    def _packed(self, weight: Tensor) -> Tensor:
        key = (weight.data_ptr(), weight.shape, weight.stride())
        if key not in self._packs:
            assert ONEDNN_PACK is not None
            # with the weight, so that its address stays its own
            self._packs[key] = (weight, ONEDNN_PACK(weight.to(self.dtype)))
        return self._packs[key][1]


_packs: ContextVar[Packs | None] = ContextVar("packs", default=None)


@contextmanager
def packing(packs: Packs) -> Iterator[None]:
    """Have `linear` multiply by what `packs` holds of its matrices, if `can_pack`."""
    before = _packs.set(packs if can_pack(packs.dtype) else None)
    try:
        yield
    finally:
        _packs.reset(before)


def can_pack(dtype: torch.dtype, device: str = "cpu") -> bool:
    """Whether torch and processor pack matrices that are on `device`, to compute in `dtype`."""
    here = device == "cpu" and ONEDNN_PACK is not None and torch.backends.mkldnn.is_available()
    return here and (dtype is torch.float32 or BF16)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, as torch.nn.functional.linear does."""
    if (
        torch.is_grad_enabled()
        or torch.is_autocast_enabled("cpu")
        or torch.compiler.is_compiling()
        or torch.onnx.is_in_onnx_export()
    ):
        return functional.linear(input, weight, bias)
    packs = _packs.get()
    if packs is not None and packs.suit(input, weight):
        return packs.linear(input, weight, bias)
    rows = input.numel() // max(1, input.size(-1))
    if rows * weight.numel() >= WORTH and library() == "onednn" and suits_onednn(input, weight):
        return onednn_linear(input, weight, bias)
    return functional.linear(input, weight, bias)


def onednn_linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b by oneDNN, of operands that suit it."""
    assert ONEDNN_LINEAR is not None
    product: Tensor = ONEDNN_LINEAR(input, weight, bias, "none", [], "")
    return product


def suits_onednn(input: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN takes these, and not by its slowest way, as it does a slice of a matrix."""
    return (
        input.dtype is weight.dtype is torch.float32
        and input.device.type == "cpu"
        and (weight.is_contiguous() or weight.t().is_contiguous())
        and _has_onednn()
    )
