"""Matrix products in float32 on the CPU by oneDNN, where that is faster than torch's own choice.

torch multiplies such matrices by MKL, which on AMD processors reaches two thirds to five sixths of
the rate of oneDNN, the other library in torch's builds. oneDNN's linear layer has no derivative
here, so it serves where no gradient is recorded: in decoding, and inside autograd functions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ONEDNN_LINEAR = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
"""oneDNN's linear layer as an operation of torch, if this build has it."""

WORTH = 2**24
"""Multiplications: with fewer, oneDNN's longer way to a product costs what it saves."""


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, as torch.nn.functional.linear does."""
    rows = input.numel() // max(1, input.size(-1))
    if (
        rows * weight.numel() >= WORTH
        and suits_onednn(input, weight)
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch.onnx.is_in_onnx_export()
    ):
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
        and ONEDNN_LINEAR is not None
        and torch.backends.mkldnn.is_available()
    )
