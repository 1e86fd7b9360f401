"""The gated recurrent unit -- Cho et al. 2014, in the form of torch.nn.GRU.

Shapes: B batch, T steps, I input size, D layer size, G = 3 D gates (reset, update, new).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.kernels.deferred import is_deferring, linear
from seq2seq.model.cells.library import LibraryCell
from seq2seq.model.contract import Tree

aten = torch.ops.aten


class GRU(LibraryCell):
    """h' = (1 - z) n + z h, with n = tanh(W x + r (U h + b)) and gates r, z."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, nn.GRU)

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        """Return the next state_BD."""
        assert isinstance(state, Tensor)
        return gru(input_BG, linear(state, *self.hidden_weights()), state)

    def forward(self, inputs_BTI: Tensor, state: Tree) -> tuple[Tensor, Tree]:
        """Return outputs_BTD and the state after all T steps, in one call of the library."""
        assert isinstance(state, Tensor)
        outputs_BTD, end = self.layer(inputs_BTI, state.unsqueeze(0).contiguous())
        return outputs_BTD, end.squeeze(0)


def gru(gates_BG: Tensor, hidden_BG: Tensor, state_BD: Tensor) -> Tensor:
    """Return the next state of a GRU, given the input's and the state's shares of its gates."""
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
    """`gru` with its derivative written out: fewer operations, and none to record."""

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
    def backward(ctx: Any, slope_BD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, hidden, through_BD = gru_slopes(slope_BD, *ctx.saved_tensors)
        return torch.cat(gates, -1), torch.cat(hidden, -1), through_BD


def gru_slopes(
    slope_BD: Tensor,
    reset_BD: Tensor,
    update_BD: Tensor,
    new_BD: Tensor,
    hidden_new_BD: Tensor,
    state_BD: Tensor,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    """Return the derivative of `gru` by its arguments, the first two as their three slices.

    Reset, update and new are those that the step computed, `hidden_new_BD` the new one's share of
    its `hidden_BG`.
    """
    through_BD = slope_BD * update_BD
    new_slope = aten.tanh_backward(slope_BD - through_BD, new_BD)
    update_slope = aten.sigmoid_backward(slope_BD * (state_BD - new_BD), update_BD)
    reset_slope = aten.sigmoid_backward(new_slope * hidden_new_BD, reset_BD)
    both = reset_slope, update_slope
    return (*both, new_slope), (*both, new_slope * reset_BD), through_BD
