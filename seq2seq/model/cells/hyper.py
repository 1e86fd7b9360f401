"""A network that makes the weights of another at every step: the HyperLSTM -- Ha, Dai and Le 2016.

Shapes: B batch, I input size, D layer size, C size of the small network, Z of an embedding, G = 4 D
and 4 C
for the gates Y (input, new, forget, output), X = 2 D + 2 C.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.bounds import Units
from seq2seq.kernels.deferred import Linear
from seq2seq.model.cells.lstm import LSTMState
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree

GATES, FORGET = 4, 2
"""How many gates an LSTM has here, and the number of the one that keeps the memory."""


class HyperState(NamedTuple):
    """Output and memory of the network, and of the small one that makes its weights."""

    main: LSTMState
    small: LSTMState


class Hyper(Cell):
    """An LSTM whose matrices' rows are scaled anew at each step, by what a small LSTM says.

    -- Ha, Dai and Le 2016, A.2.2: gate y is LN(d_h (W_h h) + d_x (W_x x) + b), where d_h = D_h z_h,
    d_x = D_x z_x, b = D_b z_b + b_0, and each z is a layer over the small network's output. That is
    its output at this step, which knows x, as in the authors' program; their equations have the one
    before. `small` is the size of that network (default: a quarter of the cell's), `embedding` that
    of each z; `norm: false` leaves out the layer normalisation of both networks.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        small: Units | None = None,
        embedding: Units = 4,
        norm: bool = True,
    ) -> None:
        super().__init__(input_size, size)
        small = small or max(1, size // 4)
        self.sizes = [GATES * size, GATES * small]
        self.state_size = 2 * (size + small)
        # Both networks read input and output: one product for both.
        self.input = nn.Linear(input_size, sum(self.sizes), bias=False)
        self.hidden = Linear(size, sum(self.sizes), bias=False)
        self.own = Linear(small, GATES * small)
        self.embed = Linear(small, 3 * GATES * embedding)
        self.scales = nn.Parameter(torch.empty(3 * GATES, embedding, size))
        self.bias = nn.Parameter(torch.empty(GATES, size))
        self.main = _Memory(size, norm=norm)
        self.small = _Memory(small, norm=norm)

    def initialise(self) -> None:
        """Give orthogonal matrices for the states, Xavier for the input; begin as one fixed LSTM.

        The embeddings begin as 1 whatever the small network says, and their scales add up to 0.1,
        or to 1 where no layer normalisation follows -- Ha, Dai and Le 2016, A.2.3.
        """
        # detached: torch refuses to fill a slice of a slice that has a gradient
        matrices = self.input.weight.detach(), self.hidden.weight.detach()
        for number, size in enumerate(self._layers):
            input_GI, hidden_GD = (matrix.split(self.sizes)[number] for matrix in matrices)
            for gate_DI, gate_DD in zip(input_GI.split(size), hidden_GD.split(size), strict=True):
                nn.init.xavier_uniform_(gate_DI)
                nn.init.orthogonal_(gate_DD)
        for gate_CC in self.own.weight.split(self.own.in_features):
            nn.init.orthogonal_(gate_CC)
        embedding = self.scales.size(1)
        nn.init.zeros_(self.embed.weight)
        nn.init.ones_(self.embed.bias)
        nn.init.zeros_(self.embed.bias.detach()[-GATES * embedding :])
        total = 1.0 if self.main.gates is None else 0.1
        nn.init.constant_(self.scales, total / embedding)
        self.main.initialise(self.bias.detach())
        self.small.initialise(self.own.bias.detach().view(GATES, -1))

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the slices of both networks' matrices for the input."""
        return product_shares(self.input.weight, None, sizes)

    def start(self, initial_BX: Tensor) -> HyperState:
        """Return the vector cut into both networks' outputs and memories."""
        size, small = self._layers
        hidden_BD, cell_BD, *own = initial_BX.split([size, size, small, small], -1)
        return HyperState(LSTMState(hidden_BD, cell_BD), LSTMState(*own))

    def output(self, state: Tree) -> Tensor:
        """Return hidden_BD of the main network."""
        return cast("HyperState", state).main.hidden_BD

    def step(self, input_BG: Tensor, state: Tree) -> HyperState:
        """Return the next state of both networks, the small one first."""
        main, small = cast("HyperState", state)
        input_BG, small_input_BG = input_BG.split(self.sizes, -1)
        hidden_BG, small_hidden_BG = self.hidden(main.hidden_BD).split(self.sizes, -1)
        small_BG = small_input_BG + small_hidden_BG + self.own(small.hidden_BD)
        small = self.small(small_BG.unflatten(-1, (GATES, -1)), small.cell_BD)
        embedded_BYZ = self.embed(small.hidden_BD).unflatten(-1, (3 * GATES, -1))
        scales_BYD = torch.einsum("byz,yzd->byd", embedded_BYZ, self.scales)
        of_hidden_BYD, of_input_BYD, moved_BYD = scales_BYD.chunk(3, 1)
        gates_BYD = of_hidden_BYD * hidden_BG.unflatten(-1, (GATES, -1))
        gates_BYD = gates_BYD + of_input_BYD * input_BG.unflatten(-1, (GATES, -1))
        return HyperState(self.main(gates_BYD + moved_BYD + self.bias, main.cell_BD), small)

    @property
    def _layers(self) -> tuple[int, int]:
        return self.size, self.own.in_features


class _Memory(nn.Module):
    """The gates and the memory of an LSTM, with or without layer normalisation."""

    def __init__(self, size: int, *, norm: bool) -> None:
        super().__init__()
        self.gates = _GatesNorm(size) if norm else None
        self.cell = nn.LayerNorm(size) if norm else None

    def initialise(self, bias_YD: Tensor) -> None:
        """Begin with a forget gate that keeps, all else even; `bias_YD` is what the gates have."""
        nn.init.zeros_(bias_YD)
        if self.gates is not None and self.cell is not None:
            self.gates.reset_parameters()
            self.cell.reset_parameters()
            bias_YD = self.gates.shift.detach()
        nn.init.ones_(bias_YD[FORGET])

    def forward(self, gates_BYD: Tensor, cell_BD: Tensor) -> LSTMState:
        """Return the next output and memory."""
        gates_BYD = gates_BYD if self.gates is None else self.gates(gates_BYD)
        input_BD, new_BD, forget_BD, output_BD = gates_BYD.unbind(1)
        cell_BD = forget_BD.sigmoid() * cell_BD + input_BD.sigmoid() * new_BD.tanh()
        seen_BD = cell_BD if self.cell is None else self.cell(cell_BD)
        return LSTMState(output_BD.sigmoid() * seen_BD.tanh(), cell_BD)


class _GatesNorm(nn.Module):
    """Layer normalisation of each gate on its own -- Ba, Kiros and Hinton 2016."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.empty(GATES, size))
        self.shift = nn.Parameter(torch.empty(GATES, size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Give gains of 1 and shifts of 0."""
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.shift)

    def forward(self, gates_BYD: Tensor) -> Tensor:
        """Return the gates with mean 0 and deviation 1, then scaled and shifted."""
        return functional.layer_norm(gates_BYD, gates_BYD.shape[-1:]) * self.gain + self.shift
