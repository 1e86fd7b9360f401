"""The gated recurrent unit -- Cho et al. 2014, in the form of torch.nn.GRU.

Shapes: B batch, T steps, I input size, D layer size, G = 3 D gates (reset, update, new).
"""

from torch import Tensor, nn

from seq2seq.kernels.deferred import linear
from seq2seq.kernels.gru import gru
from seq2seq.model.cells.library import LibraryCell
from seq2seq.model.contract import Tree


class GRU(LibraryCell):
    """h' = (1 - z) n + z h, with n = tanh(W x + r (U h + b)) and gates r, z."""

    fused_loop = True

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, nn.GRU)

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        """Return the next state_BD."""
        assert isinstance(state, Tensor)
        return gru(input_BG, linear(state, *self.hidden_weights()), state)

    def forward(
        self, inputs_BTI: Tensor, state: Tree, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, Tree]:
        """Return outputs_BTD and the state after the last step, in one call of the library."""
        assert isinstance(state, Tensor)
        outputs_BTD, end = self.layer(inputs_BTI, state.unsqueeze(0).contiguous())
        if lengths_B is None:
            return outputs_BTD, end.squeeze(0)
        last_B1D = (lengths_B - 1)[:, None, None].expand(-1, 1, self.size)
        return outputs_BTD, outputs_BTD.gather(1, last_B1D).squeeze(1)
