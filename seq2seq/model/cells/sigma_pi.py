"""Sigma-pi units, which add up products of other units -- Rumelhart, Hinton and McClelland 1986.

The net input of unit i is sum_c w_ic (product of the units of conjunct c). In a recurrent network
the units that a conjunct can multiply are those of the input and of the state.

Shapes: B batch, I input size, D layer size, N net inputs (D, or 2 D with the gate), R rank, G what
a step reads (N + R).
"""

from typing import Literal

from torch import Tensor, nn

from seq2seq.bounds import Units
from seq2seq.kernels.deferred import Linear
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree


class SigmaPi(Cell):
    """h' = (1 - z) tanh(n) + z h with z = sigmoid(u); n and u are net inputs of sigma-pi units.

    A net input is b_i + sum_j w_ij x_j + sum_k w_ik h_k + sum_jk w_ijk x_j h_k: conjuncts of one
    unit, and of one unit of the input with one of the state. The tensor w_ijk would have N I D
    weights, so it is a sum of `rank` products, w_ijk = sum_r O_ir A_rj B_rk; with a rank of I D
    that is any tensor.

    `gate: none` leaves out z: h' = tanh(n). The gate is what a sigma-pi unit was drawn for, one
    unit that lets another through, and with it the network learns to keep what it has read.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        rank: Units | None = None,
        gate: Literal["update", "none"] = "update",
    ) -> None:
        super().__init__(input_size, size)
        self.gate = gate
        self.net_size = 2 * size if gate == "update" else size
        rank = rank or size
        self.input = nn.Linear(input_size, self.net_size + rank)
        self.state = Linear(size, self.net_size + rank, bias=False)
        self.conjuncts = Linear(rank, self.net_size, bias=False)

    def initialise(self) -> None:
        """Give orthogonal matrices for the state, Xavier for the rest."""
        for slice_DI in self.input.weight.split(self.size):
            nn.init.xavier_uniform_(slice_DI)
        for slice_DD in self.state.weight.split(self.size):
            nn.init.orthogonal_(slice_DD)
        for slice_DR in self.conjuncts.weight.split(self.size):
            nn.init.xavier_uniform_(slice_DR)
        nn.init.zeros_(self.input.bias)

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the inputs' weights, and with A."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        """Return the next state_BD."""
        assert isinstance(state, Tensor)
        alone_BN, input_BR = input_BG.split(self._sizes, -1)
        state_BN, state_BR = self.state(state).split(self._sizes, -1)
        net_BN = alone_BN + state_BN + self.conjuncts(input_BR * state_BR)
        if self.gate == "none":
            return net_BN.tanh()
        new_BD, kept_BD = net_BN.chunk(2, -1)
        new_BD, kept_BD = new_BD.tanh(), kept_BD.sigmoid()
        return new_BD + kept_BD * (state - new_BD)

    @property
    def _sizes(self) -> list[int]:
        return [self.net_size, self.conjuncts.in_features]
