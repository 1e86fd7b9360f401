"""A cell that torch has as a layer of its own: whole sequences in one call, or step by step.

Shapes: B batch, I input size, D layer size, G gates.
"""

from torch import Tensor, nn

from seq2seq.model.cells.shares import product_shares, slices
from seq2seq.model.contract import Cell, Share


class LibraryCell(Cell):
    """The weights of a layer of torch.nn, and what all such layers share."""

    def __init__(self, input_size: int, size: int, layer: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__(input_size, size)
        self.layer = layer(input_size, size, batch_first=True)

    def initialise(self) -> None:
        """Make the matrix of each gate orthogonal for the state, Xavier for the input; biases 0."""
        nn.init.xavier_uniform_(self._parameter("weight_ih_l0"))
        for gate_DD in self._parameter("weight_hh_l0").split(self.size):
            nn.init.orthogonal_(gate_DD)
        nn.init.zeros_(self.input_bias)
        nn.init.zeros_(self._parameter("bias_hh_l0"))

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the slices of the input's matrix, the first with the bias."""
        return product_shares(self._parameter("weight_ih_l0"), self.input_bias, sizes)

    def input_weights(self, *sizes: int) -> tuple[Tensor, ...]:
        """Return the input's matrix cut into slices of these sizes, each (G, size)."""
        return slices(self._parameter("weight_ih_l0"), sizes)

    def hidden_weights(self) -> tuple[Tensor, Tensor]:
        """Return the matrix (G, D) and the bias of the state's share of the gates."""
        return self._parameter("weight_hh_l0"), self._parameter("bias_hh_l0")

    @property
    def input_bias(self) -> Tensor:
        """b of the input's share of the gates."""
        return self._parameter("bias_ih_l0")

    def _parameter(self, name: str) -> Tensor:
        parameter = getattr(self.layer, name)
        assert isinstance(parameter, Tensor)
        return parameter
