"""The long short-term memory -- Hochreiter and Schmidhuber 1997, with the forget gate of Gers 2000.

Shapes: B batch, T steps, I input size, D layer size, G = 4 D gates (input, forget, new, output),
X = 2 D.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.kernels.deferred import linear
from seq2seq.kernels.products import BF16
from seq2seq.model.cells.library import LibraryCell
from seq2seq.model.contract import Tree


class LSTMState(NamedTuple):
    """The output and the memory."""

    hidden_BD: Tensor
    cell_BD: Tensor


class LSTM(LibraryCell):
    """c' = f c + i tanh(W x + U h), h' = o tanh(c'), with gates i, f, o."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, nn.LSTM)
        self.state_size = 2 * size

    def start(self, initial_BX: Tensor) -> LSTMState:
        """Return the two halves of the vector as output and memory."""
        return LSTMState(*initial_BX.chunk(2, -1))

    def output(self, state: Tree) -> Tensor:
        """Return hidden_BD."""
        return cast("LSTMState", state).hidden_BD

    def step(self, input_BG: Tensor, state: Tree) -> LSTMState:
        """Return the next output and memory."""
        hidden_BD, cell_BD = cast("LSTMState", state)
        summed_BG = input_BG + linear(hidden_BD, *self.hidden_weights())
        input_BD, forget_BD, new_BD, output_BD = summed_BG.chunk(4, -1)
        cell_BD = forget_BD.sigmoid() * cell_BD + input_BD.sigmoid() * new_BD.tanh()
        return LSTMState(output_BD.sigmoid() * cell_BD.tanh(), cell_BD)

    def forward(
        self, inputs_BTI: Tensor, state: Tree, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, Tree]:
        """Return outputs_BTD and the state after the last step, in one call of the library.

        Step by step where sentences end apart: the library tells the memory of the last step only.
        """
        if lengths_B is not None:
            return super().forward(inputs_BTI, state, lengths_B)
        start = [part.unsqueeze(0).contiguous() for part in cast("LSTMState", state)]
        outputs_BTD, (hidden, cell) = self._layer(inputs_BTI, start[0], start[1])
        return outputs_BTD, LSTMState(hidden.squeeze(0), cell.squeeze(0))

    def _layer(
        self, inputs_BTI: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The layer; in float32 where autocast would ask oneDNN for a bf16 that isn't there.

        torch 2.13 does not look before, and ends in "could not create a primitive descriptor".
        """
        if not (torch.is_autocast_enabled("cpu") and inputs_BTI.device.type == "cpu") or BF16:
            return self.layer(inputs_BTI, (hidden, cell))
        with torch.autocast("cpu", enabled=False):
            return self.layer(inputs_BTI.float(), (hidden.float(), cell.float()))
