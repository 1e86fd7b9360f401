"""A GRU of several transitions a step, with layer normalisation and one mask of dropout a sentence.

Each part may be left out: deep transition (Pascanu et al. 2014; Miceli Barone et al. 2017), layer
normalisation (Ba, Kiros and Hinton 2016), recurrent dropout (Gal and Ghahramani 2016). The steps
are a loop in Python, slower than the kind `gru`, of which the library takes all at once.

Shapes: B batch, I input size, D layer size, G = 3 D gates (reset, update, new).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import BelowOne, CountFrom0
from seq2seq.kernels.deferred import Linear
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree
from seq2seq.model.dropout import Dropout


class DeepState(NamedTuple):
    """What a step leaves to the next."""

    hidden_BD: Tensor
    kept_BD: Tensor
    """In training, what dropout keeps of the state at every step of the sentence; else 1."""


class DeepGRU(Cell):
    """h0 = GRU(x, h), then h_i = GRU(h_i-1) without an input, `transitions` times."""

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        transitions: CountFrom0 = 1,
        norm: bool = True,
        dropout: BelowOne = 0.0,
    ) -> None:
        super().__init__(input_size, size)
        self.input = nn.Linear(input_size, 3 * size)
        self.input_norm = GateNorm(size) if norm else nn.Identity()
        self.transitions = nn.ModuleList(
            Transition(size, norm=norm) for _ in range(1 + transitions)
        )
        self.dropout = Dropout(dropout)

    def initialise(self) -> None:
        """Give orthogonal matrices for the state, Xavier for the input, and no bias."""
        for slice_DI in self.input.weight.split(self.size):
            nn.init.xavier_uniform_(slice_DI)
        nn.init.zeros_(self.input.bias)
        for transition in self.transitions:
            hidden = cast("Transition", transition).hidden
            for slice_DD in hidden.weight.split(self.size):
                nn.init.orthogonal_(slice_DD)
            nn.init.zeros_(hidden.bias)

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products of the input's slices."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def start(self, initial_BX: Tensor) -> DeepState:
        """Return the vector as the state, and what dropout keeps in all steps from here on."""
        kept_BD: Tensor = self.dropout(initial_BX.new_ones(initial_BX.shape))
        return DeepState(initial_BX, kept_BD)

    def output(self, state: Tree) -> Tensor:
        """Return hidden_BD."""
        return cast("DeepState", state).hidden_BD

    def step(self, input_BG: Tensor, state: Tree) -> DeepState:
        """Return the next state after all transitions."""
        hidden_BD, kept_BD = cast("DeepState", state)
        input_BG = self.input_norm(input_BG)
        for number, transition in enumerate(self.transitions):
            hidden_BD = transition(input_BG if not number else None, hidden_BD, kept_BD)
        return DeepState(hidden_BD, kept_BD)


class Transition(nn.Module):
    """h' = (1 - z) n + z h, with n = tanh(x_n + r (U h + b)_n) and gates r, z; the norms round U h.

    Without an input x is 0.
    """

    def __init__(self, size: int, *, norm: bool) -> None:
        super().__init__()
        self.hidden = Linear(size, 3 * size)
        self.norm = GateNorm(size) if norm else nn.Identity()

    def forward(self, input_BG: Tensor | None, hidden_BD: Tensor, kept_BD: Tensor) -> Tensor:
        """Return the next hidden_BD; dropout is of what the gates read, not of what is kept."""
        gates_BG = self.norm(self.hidden(hidden_BD * kept_BD))
        reset_BD, update_BD, new_BD = gates_BG.chunk(3, -1)
        if input_BG is None:
            new_BD = (reset_BD.sigmoid() * new_BD).tanh()
        else:
            reset_input_BD, update_input_BD, new_input_BD = input_BG.chunk(3, -1)
            reset_BD, update_BD = reset_BD + reset_input_BD, update_BD + update_input_BD
            new_BD = (new_input_BD + reset_BD.sigmoid() * new_BD).tanh()
        return new_BD + update_BD.sigmoid() * (hidden_BD - new_BD)


class GateNorm(nn.Module):
    """Layer normalisation of both gates together, and of the new state apart -- Ba et al. 2016."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.gates = nn.LayerNorm(2 * size)
        self.new = nn.LayerNorm(size)

    def forward(self, gates_BG: Tensor) -> Tensor:
        """Return them normalised, with a gain and a bias for each."""
        both_BG, new_BD = gates_BG.split((2 * self.size, self.size), -1)
        normalised_BG: Tensor = torch.cat((self.gates(both_BG), self.new(new_BD)), -1)
        return normalised_BG
