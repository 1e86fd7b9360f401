"""The energies of additive attention, v . tanh(q + k), without a tensor of all the sums.

`plain_energies` is the readable form. As tanh x = 2 sigmoid(2 x) - 1, and torch's sigmoid takes a
seventh of its tanh's time on the CPU, the others are made of sigmoids. In training some queries are
gone through at a time and nothing is kept but what came in: the backward makes the sums again,
which takes no longer than fetching them.

Shapes: B batch, H heads, T queries, C queries of one chunk, S positions, K key size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.kernels.deferred import Notes, is_deferring, once, ticket
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
    """Those of some sentences at a time."""
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
    wide_BHSK = once(keys_BHSK, at_least_float32, lambda: at_least_float32(keys_BHSK))

    def start() -> tuple[_Slopes, Tensor]:
        notes = _Slopes(wide_BHSK.detach(), vector_K.detach())
        return notes, ticket(notes, wide_BHSK, vector_K)

    notes, held = once(wide_BHSK, energies, start)
    deferred: Callable[..., Tensor] = _Energies.apply
    return deferred(at_least_float32(queries_BHTK), held, notes)


class _Slopes(Notes):
    """Keys and vector, and the sums over the steps of what makes their gradients."""

    def __init__(self, keys_BHSK: Tensor, vector_K: Tensor) -> None:
        super().__init__()
        self.keys_BHSK = keys_BHSK
        self.vector_K = vector_K
        self._sums: tuple[Tensor, ...] = ()

    def of(self, step: int) -> tuple[Tensor, ...]:
        """Return the sums, which the step is to add to: 1/4 of d keys before v, and d vector."""
        if self.begins(step):
            self._sums = torch.zeros_like(self.keys_BHSK), torch.zeros_like(self.vector_K)
        return self._sums

    def gradients(self) -> tuple[Tensor, ...]:
        """Return those of keys and vector."""
        (keys_BHSK, vector_K), self._sums = self._sums, ()
        return keys_BHSK.mul_(4 * self.vector_K), vector_K


class _Energies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries_BHTK: Tensor, held: Tensor, notes: _Slopes) -> Tensor:
        ctx.save_for_backward(queries_BHTK)
        ctx.notes, ctx.step = notes, notes.number()
        sums, chunks = _chunks(queries_BHTK, notes.keys_BHSK)
        vector_K1 = 2 * notes.vector_K.unsqueeze(1)
        scores = [
            _sigmoids(sums, queries_BHTK[:, :, chunk], notes.keys_BHSK) @ vector_K1
            for chunk in chunks
        ]
        return torch.cat(scores, 2).squeeze(-1).sub_(notes.vector_K.sum())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_BHTS: Tensor) -> tuple[Tensor | None, ...]:
        (queries_BHTK,) = ctx.saved_tensors
        notes: _Slopes = ctx.notes
        keys_sum_BHSK, vector_sum_K = notes.of(ctx.step)
        vector_sum_K -= slope_BHTS.sum()
        sums, chunks = _chunks(queries_BHTK, notes.keys_BHSK)
        slopes: list[Tensor] = []
        for chunk in chunks:
            slope_BHCS = slope_BHTS[:, :, chunk]
            sigmoids_BHCSK = _sigmoids(sums, queries_BHTK[:, :, chunk], notes.keys_BHSK)
            vector_sum_K += 2 * (slope_BHCS.flatten() @ sigmoids_BHCSK.flatten(0, 3))
            # d tanh(x) = 4 d sigmoid(2 x), and d sigmoid = sigmoid - sigmoid^2
            rises_BHCSK = sigmoids_BHCSK.addcmul_(sigmoids_BHCSK, sigmoids_BHCSK, value=-1)
            slopes.append((slope_BHCS.unsqueeze(3) @ rises_BHCSK).squeeze(3))
            for rises_BHSK, slope_BHS in zip(
                rises_BHCSK.unbind(2), slope_BHCS.unbind(2), strict=True
            ):
                keys_sum_BHSK.addcmul_(rises_BHSK, slope_BHS.unsqueeze(-1))
        return torch.cat(slopes, 2).mul_(4 * notes.vector_K), None, None


def _chunks(queries_BHTK: Tensor, keys_BHSK: Tensor) -> tuple[Tensor, list[slice]]:
    """Room for the sums of one chunk, and the chunks of queries."""
    steps = queries_BHTK.size(2)
    rows = min(steps, max(1, CHUNK // keys_BHSK.numel()))
    batch, heads, *rest = keys_BHSK.shape
    room = keys_BHSK.new_empty(batch, heads, rows, *rest)
    return room, [slice(first, first + rows) for first in range(0, steps, rows)]


def _sigmoids(room: Tensor, queries_BHCK: Tensor, keys_BHSK: Tensor) -> Tensor:
    """Return sigmoid(2 (q + k)), shape BHCSK, in the `room` for it."""
    sums_BHCSK = room[:, :, : queries_BHCK.size(2)]
    torch.add(2 * queries_BHCK.unsqueeze(3), keys_BHSK.unsqueeze(2), alpha=2, out=sums_BHCSK)
    return sums_BHCSK.sigmoid_()
