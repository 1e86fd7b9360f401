"""Multiplicative networks: the input chooses the matrix by which the state goes on.

The step from h is the matrix W diag(V x) U, another one for each input x: in factors, so that it
costs three products -- Sutskever, Martens and Hinton 2011; with the gates of an LSTM, Krause et al.
2016.

Shapes: B batch, I input size, D layer size, G = 2 D or 5 D (factor, new, and the gates), X = 2 D.
"""

from typing import cast

from torch import Tensor, nn

from seq2seq.kernels.deferred import Linear
from seq2seq.model.cells.lstm import LSTMState
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree


class MultiplicativeRNN(Cell):
    """m = (V x) (U h), h' = tanh(W m + C x) -- Sutskever et al. 2011, section 3."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size)
        self.input = nn.Linear(input_size, 2 * size)
        self.factor = Linear(size, size, bias=False)
        self.mixed = Linear(size, size, bias=False)

    def initialise(self) -> None:
        """Let each input begin as nearly the plain network: V x is round 1."""
        initialise_factored(self, self.size)

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with V and C of the slices of the input."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        """Return the next state_BD."""
        assert isinstance(state, Tensor)
        factor_BD, new_BD = input_BG.chunk(2, -1)
        return (new_BD + self.mixed(factor_BD * self.factor(state))).tanh()


class MultiplicativeLSTM(Cell):
    """m = (V x) (U h) stands where an LSTM has h: c' = f c + i (W m + C x), h' = tanh(o c').

    -- Krause et al. 2016; the output gate is inside tanh, and no tanh is round the new input, as
    they have it.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size)
        self.state_size = 2 * size
        self.input = nn.Linear(input_size, 5 * size)
        self.factor = Linear(size, size, bias=False)
        self.mixed = Linear(size, 4 * size, bias=False)

    def initialise(self) -> None:
        """Let each input begin as nearly the plain LSTM: V x is round 1."""
        initialise_factored(self, self.size)

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with V and the inputs' shares of the gates."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def start(self, initial_BX: Tensor) -> LSTMState:
        """Return the two halves of the vector as output and memory."""
        return LSTMState(*initial_BX.chunk(2, -1))

    def output(self, state: Tree) -> Tensor:
        """Return hidden_BD."""
        return cast("LSTMState", state).hidden_BD

    def step(self, input_BG: Tensor, state: Tree) -> LSTMState:
        """Return the next output and memory."""
        hidden_BD, cell_BD = cast("LSTMState", state)
        factor_BD, gates_BG = input_BG[:, : self.size], input_BG[:, self.size :]
        gates_BG = gates_BG + self.mixed(factor_BD * self.factor(hidden_BD))
        input_BD, forget_BD, new_BD, output_BD = gates_BG.chunk(4, -1)
        cell_BD = forget_BD.sigmoid() * cell_BD + input_BD.sigmoid() * new_BD
        return LSTMState((output_BD.sigmoid() * cell_BD).tanh(), cell_BD)


def initialise_factored(cell: MultiplicativeRNN | MultiplicativeLSTM, size: int) -> None:
    """Give orthogonal matrices for the state, Xavier for the input, and 1 as the factors' bias."""
    for slice_DI in cell.input.weight.split(size):
        nn.init.xavier_uniform_(slice_DI)
    for slice_DD in (cell.factor.weight, *cell.mixed.weight.split(size)):
        nn.init.orthogonal_(slice_DD)
    nn.init.zeros_(cell.input.bias)
    nn.init.ones_(cell.input.bias[:size])
