"""One recurrent layer in one direction, as a whole sequence or step by step with the same weights.

Shapes: B batch, T steps, I input size, D layer size, G gates (3 D for a GRU, 4 D for an LSTM),
X state size: D for a GRU; 2 D for an LSTM, its hidden vector and then its cell.
"""

import torch
from torch import Tensor, nn

from seq2seq.kernels.deferred import is_deferring, linear, memoised
from seq2seq.kernels.gru import gru
from seq2seq.kernels.products import BF16


class Recurrent(nn.Module):
    """A GRU or LSTM layer whose input products can be taken ahead of the steps.

    -- Cho et al. 2014, in the form of torch.nn.GRU; Hochreiter and Schmidhuber 1997.
    """

    def __init__(self, kind: str, input_size: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.is_lstm = kind == "lstm"
        self.state_size = 2 * size if self.is_lstm else size
        build = nn.LSTM if self.is_lstm else nn.GRU
        self.layer = build(input_size, size, batch_first=True)

    def forward(self, inputs_BTI: Tensor, state_BX: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs_BTD and the state after all T steps, in one fused call."""
        start = state_BX.unsqueeze(0)
        if self.is_lstm:
            hidden, cell = (part.contiguous() for part in start.chunk(2, -1))
            outputs_BTD, (hidden, cell) = self._lstm(inputs_BTI, (hidden, cell))
            return outputs_BTD, torch.cat((hidden, cell), -1).squeeze(0)
        outputs_BTD, end = self.layer(inputs_BTI, start.contiguous())
        return outputs_BTD, end.squeeze(0)

    def _lstm(
        self, inputs_BTI: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The layer; in float32 where autocast would ask oneDNN for a bf16 that isn't there.

        torch 2.13 does not look before, and ends in "could not create a primitive descriptor".
        """
        if not (torch.is_autocast_enabled("cpu") and inputs_BTI.device.type == "cpu") or BF16:
            return self.layer(inputs_BTI, state)
        with torch.autocast("cpu", enabled=False):
            hidden, cell = state
            return self.layer(inputs_BTI.float(), (hidden.float(), cell.float()))

    def input_weights(self, *sizes: int) -> tuple[Tensor, ...]:
        """Return the input matrix cut into slices of these sizes, each (G, size).

        A slice of the input that is known for all steps is so multiplied once for all of them.
        """
        weights = self._parameter("weight_ih_l0")
        if is_deferring(weights):
            return memoised(weights, sizes, lambda: weights.split(sizes, dim=1))
        return weights.split(sizes, dim=1)

    def hidden_weights(self) -> tuple[Tensor, Tensor]:
        """Return the matrix (G, D) and the bias of the state's share of the gates."""
        return self._parameter("weight_hh_l0"), self._parameter("bias_hh_l0")

    @property
    def input_bias(self) -> Tensor:
        """b of the input's share of the gates."""
        return self._parameter("bias_ih_l0")

    def gates(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Return W x + b for a slice of the input (any leading axes); G last."""
        return linear(inputs, weights, self.input_bias)

    def step(self, gates_BG: Tensor, state_BX: Tensor) -> Tensor:
        """Return the next state, given all of the input's share of the gates (bias included)."""
        weight, bias = self.hidden_weights()
        if self.is_lstm:
            hidden_BD, cell_BD = state_BX.chunk(2, -1)
            summed_BG = gates_BG + linear(hidden_BD, weight, bias)
            input_BD, forget_BD, new_BD, output_BD = summed_BG.chunk(4, -1)
            cell_BD = forget_BD.sigmoid() * cell_BD + input_BD.sigmoid() * new_BD.tanh()
            return torch.cat((output_BD.sigmoid() * cell_BD.tanh(), cell_BD), -1)
        return gru(gates_BG, linear(state_BX, weight, bias), state_BX)

    def output(self, state: Tensor) -> Tensor:
        """Return the hidden vector of a state."""
        return state[..., : self.size]

    def _parameter(self, name: str) -> Tensor:
        parameter = getattr(self.layer, name)
        assert isinstance(parameter, Tensor)
        return parameter


def run_stack(
    layers: nn.ModuleList, inputs_BTI: Tensor, states_BLX: Tensor, dropout: nn.Module
) -> tuple[Tensor, Tensor]:
    """Return the top layer's outputs_BTD and the next states_BLX, dropout between layers."""
    states: list[Tensor] = []
    outputs_BTD = inputs_BTI
    for number, (layer, state_BX) in enumerate(zip(layers, states_BLX.unbind(1), strict=True)):
        inputs_BTI = dropout(outputs_BTD) if number else outputs_BTD
        outputs_BTD, state_BX = layer(inputs_BTI, state_BX)
        states.append(state_BX)
    return outputs_BTD, torch.stack(states, 1)
