"""The steps of a GRU -- Cho et al. 2014, in the form of torch.nn.GRU.

`gru` is the equation. In training its derivative is written out: fewer operations, and none for
autograd to record. The gradients of what all steps share are made once: see `deferred.py`.

Shapes: B batch, T steps, D layer size, G = 3 D gates (reset, update, new).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.kernels.deferred import is_deferring
from seq2seq.kernels.products import linear

aten = torch.ops.aten


def gru(gates_BG: Tensor, hidden_BG: Tensor, state_BD: Tensor) -> Tensor:
    """Return the next state, given what the input and the state contribute to the gates."""
    state_BD = state_BD.to(gates_BG.dtype)  # under autocast they may differ
    if is_deferring():
        fused: Callable[..., Tensor] = _GRU.apply
        return fused(gates_BG, hidden_BG, state_BD)
    size = state_BD.size(-1)
    gates, new_BD = gates_BG.split((2 * size, size), -1)
    hidden_gates, hidden_new_BD = hidden_BG.split((2 * size, size), -1)
    reset_BD, update_BD = (gates + hidden_gates).sigmoid().chunk(2, -1)
    new_BD = (new_BD + reset_BD * hidden_new_BD).tanh()
    return torch.lerp(new_BD, state_BD, update_BD)


class _GRU(torch.autograd.Function):
    """`gru` with its derivative."""

    @staticmethod
    def forward(ctx: Any, gates_BG: Tensor, hidden_BG: Tensor, state_BD: Tensor) -> Tensor:
        size = state_BD.size(-1)
        both_BG = (gates_BG[:, : 2 * size] + hidden_BG[:, : 2 * size]).sigmoid_()
        reset_BD, update_BD = both_BG.chunk(2, -1)
        new_BD = torch.addcmul(gates_BG[:, 2 * size :], reset_BD, hidden_BG[:, 2 * size :]).tanh_()
        ctx.save_for_backward(reset_BD, update_BD, new_BD, hidden_BG[:, 2 * size :], state_BD)
        return torch.lerp(new_BD, state_BD, update_BD)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, hidden, through_BD = _gru_gradients(gradient_BD, *ctx.saved_tensors)
        return torch.cat(gates, -1), torch.cat(hidden, -1), through_BD


def _gru_gradients(
    gradient_BD: Tensor,
    reset_BD: Tensor,
    update_BD: Tensor,
    new_BD: Tensor,
    hidden_new_BD: Tensor,
    state_BD: Tensor,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    """Return the gradients of the arguments of `gru`, of the first two as their three slices.

    Reset, update and new are as the step computed them; `hidden_new_BD` is the last slice of its
    `hidden_BG`.
    """
    through_BD = gradient_BD * update_BD
    new_gradient_BD = aten.tanh_backward(gradient_BD - through_BD, new_BD)
    update_gradient_BD = aten.sigmoid_backward(gradient_BD * (state_BD - new_BD), update_BD)
    reset_gradient_BD = aten.sigmoid_backward(new_gradient_BD * hidden_new_BD, reset_BD)
    both = reset_gradient_BD, update_gradient_BD
    return (*both, new_gradient_BD), (*both, new_gradient_BD * reset_BD), through_BD


class GRUSteps:
    """All steps of a GRU inside a function whose derivative is written out.

    `step(t, ...)` for t upwards; then, in the backward, `begin_backward()`, `backward(t, ...)` for
    t downwards, and `gradients()`.
    """

    def __init__(self, state_BD: Tensor, weights_GD: Tensor, bias_G: Tensor, steps: int) -> None:
        self._weights_GD, self._bias_G = weights_GD, bias_G
        batch, size = state_BD.shape
        self.states_TBD = state_BD.new_empty(steps + 1, batch, size)  # before the first, after all
        self.states_TBD[0] = state_BD
        self._gates_TBG = state_BD.new_empty(steps, batch, 3 * size)
        self._hidden_new_TBD = state_BD.new_empty(steps, batch, size)

    def step(self, t: int, gates_BG: Tensor) -> Tensor:
        """Return the state after step t, given what the input contributes to its gates."""
        state_BD, sums_BG = self.states_TBD[t], self._gates_TBG[t]
        both = 2 * state_BD.size(1)
        hidden_BG = linear(state_BD, self._weights_GD, self._bias_G)
        torch.add(gates_BG[:, :both], hidden_BG[:, :both], out=sums_BG[:, :both]).sigmoid_()
        reset_BD, update_BD, new_BD = sums_BG.chunk(3, -1)
        hidden_new_BD = self._hidden_new_TBD[t].copy_(hidden_BG[:, both:])
        torch.addcmul(gates_BG[:, both:], reset_BD, hidden_new_BD, out=new_BD).tanh_()
        return torch.lerp(new_BD, state_BD, update_BD, out=self.states_TBD[t + 1])

    def begin_backward(self) -> None:
        """Make room for the gradients of the gates."""
        self.gates_gradient_TBG = torch.empty_like(self._gates_TBG)
        self._hidden_gradient_TBG = torch.empty_like(self._gates_TBG)

    def backward(self, t: int, gradient_BD: Tensor) -> Tensor:
        """Return the gradient of the state before step t, given that of the state after it.

        The gradient of the step's `gates_BG` is then in `gates_gradient_TBG`.
        """
        reset_BD, update_BD, new_BD = self._gates_TBG[t].chunk(3, -1)
        kept = reset_BD, update_BD, new_BD, self._hidden_new_TBD[t], self.states_TBD[t]
        gates, hidden, through_BD = _gru_gradients(gradient_BD, *kept)
        torch.cat(gates, -1, out=self.gates_gradient_TBG[t])
        hidden_BG = torch.cat(hidden, -1, out=self._hidden_gradient_TBG[t])
        return linear(hidden_BG, self._weights_GD.t()).add_(through_BD)

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return the gradients of the matrix and the bias."""
        gradient_TBG = self._hidden_gradient_TBG
        return over_steps(gradient_TBG, self.states_TBD[:-1]), gradient_TBG.sum((0, 1))


def over_steps(gradients_TBY: Tensor, inputs_TBX: Tensor) -> Tensor:
    """Return the gradient of a matrix: the sum over all steps and rows of gradient x input."""
    return gradients_TBY.flatten(0, 1).t() @ inputs_TBX.flatten(0, 1)
