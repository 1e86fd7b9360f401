"""Output layer and cross-entropy in one, some rows of logits at a time.

`cross_entropy(output(features_NF), targets_N, smoothing)` is the readable form. Here the logits of
all tokens are never there at once, and the gradient is made of each chunk of them while it is
there: one softmax serves both.

Shapes: N tokens, C tokens of one chunk, F features, W target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.kernels import products
from seq2seq.kernels.precision import at_least_float32

CHUNK = 2**20
"""Logits at a time, 4 MB in float32: more don't fit into a processor's cache."""
ROWS = 256
"""Tokens at a time at least, however large the vocabulary."""


class OutputLoss(NamedTuple):
    """The smoothed loss summed over all tokens, and the plain one of each, in nats."""

    smoothed: Tensor
    plain_N: Tensor


def output_cross_entropy(
    output: nn.Linear, features_NF: Tensor, targets_N: Tensor, smoothing: float
) -> OutputLoss:
    """Return the cross-entropy of `targets_N` under `output`, in float32 or wider.

    The smoothed target gives `smoothing` of its mass to all W tokens alike -- Szegedy et al. 2016.
    Under autocast the products are computed in its type, as those of `output` would be.
    """
    factors: list[Tensor] = [features_NF, output.weight, output.bias]
    device = features_NF.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        factors = [factor.to(dtype) for factor in factors]
    fused: Callable[..., tuple[Tensor, Tensor]] = _OutputCrossEntropy.apply
    # Asked here: inside the function gradients are always off, and parameters always want them.
    wanted = torch.is_grad_enabled() and any(factor.requires_grad for factor in factors)
    with torch.autocast(device, enabled=False):
        return OutputLoss(*fused(*factors, targets_N, smoothing, wanted))


class _OutputCrossEntropy(torch.autograd.Function):
    """The gradient is made in the forward pass, where the probabilities are."""

    @staticmethod
    def forward(
        ctx: Any,
        features_NF: Tensor,
        weight_WF: Tensor,
        bias_W: Tensor,
        targets_N: Tensor,
        smoothing: float,
        wanted: bool,
    ) -> tuple[Tensor, Tensor]:
        inputs = (features_NF, weight_WF, bias_W)
        gradients = [at_least_float32(torch.zeros_like(t)) for t in inputs if wanted]
        smoothed = at_least_float32(features_NF.new_zeros(()))
        plain: list[Tensor] = []
        for rows in _chunks(len(targets_N), len(bias_W)):
            features_CF, targets_C1 = features_NF[rows], targets_N[rows].unsqueeze(1)
            logits_CW = products.linear(features_CF, weight_WF, bias_W)
            log_probs_CW = at_least_float32(logits_CW).log_softmax(1)
            del logits_CW
            plain_C1 = -log_probs_CW.gather(1, targets_C1)
            plain.append(plain_C1.squeeze(1))
            smoothed += (1 - smoothing) * plain_C1.sum()
            if smoothing:
                smoothed -= smoothing * log_probs_CW.sum() / len(bias_W)
            if wanted:
                gradient_CW = _logits_gradient(log_probs_CW, targets_C1, smoothing).to(
                    features_CF.dtype
                )
                gradients[0][rows] = products.linear(gradient_CW, weight_WF.t())
                if gradient_CW.dtype is gradients[1].dtype:
                    torch.addmm(gradients[1], gradient_CW.t(), features_CF, out=gradients[1])
                else:
                    gradients[1] += gradient_CW.t() @ features_CF
                gradients[2] += gradient_CW.sum(0)
        ctx.save_for_backward(*gradients)
        plain_N = torch.cat(plain)
        ctx.mark_non_differentiable(plain_N)
        return smoothed, plain_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(gradient * saved for saved in ctx.saved_tensors), None, None, None


def _chunks(tokens: int, vocabulary: int) -> list[slice]:
    """Return chunks of like size, as few as CHUNK and ROWS allow."""
    count = max(1, math.ceil(tokens / max(ROWS, CHUNK // vocabulary)))
    return [slice(tokens * n // count, tokens * (n + 1) // count) for n in range(count)]


def _logits_gradient(log_probs_CW: Tensor, targets_C1: Tensor, smoothing: float) -> Tensor:
    """d loss / d logits: the probabilities less the smoothed target; `log_probs_CW` is used up."""
    gradient_CW = log_probs_CW.exp_()
    if smoothing:
        gradient_CW -= smoothing / gradient_CW.size(1)
    ones_C1 = torch.ones_like(targets_C1, dtype=gradient_CW.dtype)
    return gradient_CW.scatter_add_(1, targets_C1, (smoothing - 1) * ones_C1)
