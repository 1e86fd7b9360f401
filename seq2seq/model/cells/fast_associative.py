"""Fast weights that attend to the recent past -- Ba, Hinton, Mnih, Leibo and Ionescu 2016.

Shapes: B batch, I input size, D layer size; T = 1, N = W = D of the probed matrix.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import Fraction, Layers, LearningRate
from seq2seq.kernels.deferred import Linear
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree
from seq2seq.model.probe import probe


class AssociativeState(NamedTuple):
    """The output, and the fast matrix, in which all outputs until now are stored."""

    hidden_BD: Tensor
    content_BDD: Tensor


class FastAssociative(Cell):
    """A network that is drawn to what it has been: h is stored, and the next h is read by itself.

    A = decay A + rate h h^T, then h_0 = f(LN(W h + C x)) and `inner` times
    h_s+1 = f(LN(W h + C x + A h_s)), f the rectifier -- Ba et al. 2016, equations 1 and 2, and
    section 3.2 for the layer normalisation LN. A h_s is the sum of all former h, each weighted by
    its product with h_s and by its age: attention to the past without keeping the past.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        decay: Fraction = 0.95,
        rate: LearningRate = 0.5,
        inner: Layers = 1,
    ) -> None:
        super().__init__(input_size, size)
        self.decay, self.rate, self.inner = decay, rate, inner
        self.input = nn.Linear(input_size, size)
        self.hidden = Linear(size, size, bias=False)
        self.norm = nn.LayerNorm(size)

    def initialise(self) -> None:
        """Give a small multiple of the identity for the state, Xavier for the input."""
        nn.init.xavier_uniform_(self.input.weight)
        nn.init.zeros_(self.input.bias)
        nn.init.eye_(self.hidden.weight)
        with torch.no_grad():
            self.hidden.weight.mul_(0.05)
        self.norm.reset_parameters()

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the slices of C."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def start(self, initial_BX: Tensor) -> AssociativeState:
        """Return the vector as an output that is stored already."""
        initial_BX = at_least_float32(initial_BX)
        return AssociativeState(initial_BX, self.rate * _square(initial_BX))

    def output(self, state: Tree) -> Tensor:
        """Return hidden_BD."""
        return cast("AssociativeState", state).hidden_BD

    def step(self, input_BG: Tensor, state: Tree) -> AssociativeState:
        """Return the next output, and the matrix with it stored."""
        hidden_BD, content_BDD = cast("AssociativeState", state)
        slow_BD = at_least_float32(input_BG + self.hidden(hidden_BD))
        hidden_BD = self.norm(slow_BD).relu()
        for _ in range(self.inner):
            # not a product of matrices: that bf16 would round, and the matrix is a sum over time
            fast_BD = (content_BDD * hidden_BD.unsqueeze(1)).sum(-1)
            hidden_BD = self.norm(slow_BD + fast_BD).relu()
        content_BDD = self.decay * content_BDD + self.rate * _square(hidden_BD)
        with self.memory_scope():
            content_BTNW = probe("content_BTNW", content_BDD.unsqueeze(1))
        return AssociativeState(hidden_BD, content_BTNW.squeeze(1))


def _square(hidden_BD: Tensor) -> Tensor:
    """Return h h^T."""
    return hidden_BD.unsqueeze(-1) * hidden_BD.unsqueeze(-2)
