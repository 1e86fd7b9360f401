"""The energies of additive attention, v . tanh(q + k), without a tensor of all the sums.

`plain_energies` is the readable form. As tanh x = 2 sigmoid(2 x) - 1, and torch's sigmoid takes a
seventh of its tanh's time on the CPU, the others are made of sigmoids. In training some queries are
gone through at a time and nothing is kept but what came in: the backward makes the sums again,
which takes no longer than fetching them.

Shapes: B batch, H heads, T queries, C queries of one chunk, S positions, K key size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.kernels.deferred import SharedGradients, is_deferring, memoised, placeholder
from seq2seq.kernels.precision import at_least_float32

CHUNK = 2**17
"""Sums at a time, if not those of one query: more don't fit into a core's cache."""

UNRECORDED_CHUNK = 2**19
"""The same where no gradient is recorded, if not those of one sentence."""


def energies(queries_BHTK: Tensor, keys_BHSK: Tensor, vector_K: Tensor) -> Tensor:
    """Return scores_BHTS, v . tanh(q + k) of every query with every key."""
    if is_deferring(keys_BHSK):
        with torch.autocast(keys_BHSK.device.type, enabled=False):
            return _deferred_energies(queries_BHTK, keys_BHSK, vector_K)
    if torch.is_grad_enabled():
        return plain_energies(queries_BHTK, keys_BHSK, vector_K)
    with torch.autocast(keys_BHSK.device.type, enabled=False):
        return _unrecorded_energies(*map(at_least_float32, (queries_BHTK, keys_BHSK, vector_K)))


def plain_energies(queries_BHTK: Tensor, keys_BHSK: Tensor, vector_K: Tensor) -> Tensor:
    """Return scores_BHTS as the equation has them."""
    sums_BHTSK = queries_BHTK.unsqueeze(3) + keys_BHSK.unsqueeze(2)
    return (sums_BHTSK.tanh() @ vector_K.unsqueeze(1)).squeeze(-1)


def _unrecorded_energies(queries_BHTK: Tensor, keys_BHSK: Tensor, vector_K: Tensor) -> Tensor:
    """Return scores_BHTS, made of some sentences at a time."""
    rows = max(1, UNRECORDED_CHUNK // max(1, queries_BHTK.size(2) * keys_BHSK[:1].numel()))
    if len(keys_BHSK) <= rows or torch.onnx.is_in_onnx_export():
        return _by_sigmoids(queries_BHTK, keys_BHSK, vector_K)
    pairs = zip(queries_BHTK.split(rows), keys_BHSK.split(rows), strict=True)
    return torch.cat([_by_sigmoids(*pair, vector_K) for pair in pairs])


def _by_sigmoids(queries_BHTK: Tensor, keys_BHSK: Tensor, vector_K: Tensor) -> Tensor:
    sums_BHTSK = torch.add(2 * queries_BHTK.unsqueeze(3), keys_BHSK.unsqueeze(2), alpha=2)
    # by a matrix of one column: a vector's 8 bits ONNX Runtime can't multiply by
    return (sums_BHTSK.sigmoid_() @ (2 * vector_K.unsqueeze(1))).squeeze(-1) - vector_K.sum()


def _deferred_energies(queries_BHTK: Tensor, keys_BHSK: Tensor, vector_K: Tensor) -> Tensor:
    wide_BHSK = memoised(keys_BHSK, at_least_float32, lambda: at_least_float32(keys_BHSK))

    def prepare() -> tuple[_EnergyGradients, Tensor]:
        gradients = _EnergyGradients(wide_BHSK.detach(), vector_K.detach())
        return gradients, placeholder(gradients, wide_BHSK, vector_K)

    gradients, held = memoised(wide_BHSK, energies, prepare)
    deferred: Callable[..., Tensor] = _DeferredEnergies.apply
    return deferred(at_least_float32(queries_BHTK), held, gradients)


class EnergySteps:
    """The energies of one set of keys inside a function whose derivative is written out.

    `step` for any number of times; then, in the backward, `begin_backward()`, `backward(...)` for
    the same queries, and `gradients()`.
    """

    def __init__(self, keys_BHSK: Tensor, vector_K: Tensor) -> None:
        self._keys_BHSK = keys_BHSK
        self._vector_K = vector_K

    def step(self, queries_BHTK: Tensor) -> Tensor:
        """Return scores_BHTS."""
        vector_K1 = 2 * self._vector_K.unsqueeze(1)
        chunks = self._sigmoids_of_chunks(queries_BHTK)
        scores = [sigmoids_BHCSK @ vector_K1 for _, sigmoids_BHCSK in chunks]
        return torch.cat(scores, 2).squeeze(-1).sub_(self._vector_K.sum())

    def begin_backward(self) -> None:
        """Start the sums over the steps: d keys / (4 v), and d vector."""
        self._keys_sum_BHSK = torch.zeros_like(self._keys_BHSK)
        self._vector_sum_K = torch.zeros_like(self._vector_K)

    def backward(self, queries_BHTK: Tensor, gradient_BHTS: Tensor) -> Tensor:
        """Return the gradient of the queries, given that of their scores."""
        self._vector_sum_K -= gradient_BHTS.sum()
        gradients: list[Tensor] = []
        for chunk, sigmoids_BHCSK in self._sigmoids_of_chunks(queries_BHTK):
            gradient_BHCS = gradient_BHTS[:, :, chunk]
            self._vector_sum_K += 2 * (gradient_BHCS.flatten() @ sigmoids_BHCSK.flatten(0, 3))
            # d tanh(x) = 4 d sigmoid(2 x), and d sigmoid = sigmoid - sigmoid^2
            derivatives_BHCSK = sigmoids_BHCSK.addcmul_(sigmoids_BHCSK, sigmoids_BHCSK, value=-1)
            gradients.append((gradient_BHCS.unsqueeze(3) @ derivatives_BHCSK).squeeze(3))
            for derivatives_BHSK, gradient_BHS in zip(
                derivatives_BHCSK.unbind(2), gradient_BHCS.unbind(2), strict=True
            ):
                self._keys_sum_BHSK.addcmul_(derivatives_BHSK, gradient_BHS.unsqueeze(-1))
        return torch.cat(gradients, 2).mul_(4 * self._vector_K)

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return the gradients of keys and vector; the sums are used up."""
        keys_BHSK, vector_K = self._keys_sum_BHSK, self._vector_sum_K
        del self._keys_sum_BHSK, self._vector_sum_K
        return keys_BHSK.mul_(4 * self._vector_K), vector_K

    def _sigmoids_of_chunks(self, queries_BHTK: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield some queries, and sigmoid(2 (q + k)) of them; all in one buffer, in turn."""
        steps = queries_BHTK.size(2)
        rows = min(steps, max(1, CHUNK // self._keys_BHSK.numel()))
        batch, heads, *rest = self._keys_BHSK.shape
        buffer_BHCSK = self._keys_BHSK.new_empty(batch, heads, rows, *rest)
        for first in range(0, steps, rows):
            chunk = slice(first, first + rows)
            doubled_BHC1K = 2 * queries_BHTK[:, :, chunk].unsqueeze(3)
            sums_BHCSK = buffer_BHCSK[:, :, : doubled_BHC1K.size(2)]
            torch.add(doubled_BHC1K, self._keys_BHSK.unsqueeze(2), alpha=2, out=sums_BHCSK)
            yield chunk, sums_BHCSK.sigmoid_()


class _EnergyGradients(SharedGradients):
    """Collects the gradients of keys and vector."""

    def __init__(self, keys_BHSK: Tensor, vector_K: Tensor) -> None:
        super().__init__()
        self.energies = EnergySteps(keys_BHSK, vector_K)

    def total(self) -> tuple[Tensor, ...]:
        """Return the gradients of keys and vector."""
        return self.energies.gradients()


class _DeferredEnergies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries_BHTK: Tensor, held: Tensor, shared: _EnergyGradients) -> Tensor:
        ctx.save_for_backward(queries_BHTK)
        ctx.shared, ctx.step = shared, shared.new_step()
        return shared.energies.step(queries_BHTK)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BHTS: Tensor) -> tuple[Tensor | None, ...]:
        (queries_BHTK,) = ctx.saved_tensors
        shared: _EnergyGradients = ctx.shared
        if shared.is_first(ctx.step):
            shared.energies.begin_backward()
        return shared.energies.backward(queries_BHTK, gradient_BHTS), None, None
