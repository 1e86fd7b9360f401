"""A controller with a memory of slots: what the Neural Turing Machine and its heir share.

Shapes: B batch, I input size, D layer size, G gates of the controller, H read heads, W width of a
slot, P parameters of the heads, X size of what starts the cell, Y of what all heads read.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.kernels.deferred import Linear, linear
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.cells.gru import GRU
from seq2seq.model.cells.lstm import LSTM
from seq2seq.model.contract import Cell, Share, Tree
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import is_probed, probe

ControllerKind = Literal["lstm", "gru", "feed-forward"]


class FeedForward(Cell):
    """h = tanh(W x + b), which keeps nothing: the memory is all that lasts."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size)
        self.weight_DI = nn.Parameter(torch.empty(size, input_size))
        self.bias_D = nn.Parameter(torch.empty(size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the matrix anew -- Glorot and Bengio 2010 -- and make the bias 0."""
        nn.init.xavier_uniform_(self.weight_DI)
        nn.init.zeros_(self.bias_D)

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the slices of the matrix, the first with the bias."""
        first_DI, *others = self.weight_DI.split(sizes, dim=1)
        return (
            lambda slice: linear(slice, first_DI, self.bias_D),
            *(lambda slice, weight=weight: linear(slice, weight) for weight in others),
        )

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        """Return h, whatever the last one was."""
        return input_BG.tanh()


_CONTROLLERS: dict[str, tuple[type[Cell], int]] = {
    "lstm": (LSTM, 4),
    "gru": (GRU, 3),
    "feed-forward": (FeedForward, 1),
}
"""Of each controller its class, and how many gates of its size it has."""


class MachineState(NamedTuple):
    """What the cell puts out, and what the next step goes on from."""

    output_BD: Tensor
    controller: Tree
    reads_BHW: Tensor
    memory: Tree


class Machine(Cell):
    """A controller that reads what the heads read last, and says what they do next.

    A subclass gives the memory: `blank` and `turn`. The vector that starts the cell starts the
    controller; one without a state of its own finds it as what was read last.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        controller: ControllerKind,
        slots: int,
        width: int,
        reads: int,
        parameters: int,
        norm: bool = False,
        bypass_dropout: float = 0.0,
    ) -> None:
        """`parameters` is P, how many numbers a step of all heads is governed by.

        With `norm` they are normalised. `bypass_dropout` is of what the controller itself puts out.
        """
        super().__init__(input_size, size)
        self.slots, self.width, self.reads = slots, width, reads
        kind, gates = _CONTROLLERS[controller]
        self.controller = kind(input_size, size)
        self.starts_reads = kind is FeedForward
        self.state_size = reads * width if self.starts_reads else self.controller.state_size
        self.first_reads_HW = nn.Parameter(torch.zeros(reads, width))
        self.reading = Linear(reads * width, gates * size, bias=False)
        self.heads = Linear(size, parameters)
        self.norm = nn.LayerNorm(parameters) if norm else nn.Identity()
        self.bypass = Dropout(bypass_dropout)
        self.mix = Linear(size + reads * width, size)

    def blank(self, zeros_B1: Tensor) -> Tree:
        """Return the memory before the first step of each sentence, whose zeros are given."""
        raise NotImplementedError

    def turn(self, parameters_BP: Tensor, memory: Tree) -> tuple[Tensor, Tree]:
        """Return reads_BHW and the memory after a step of all heads."""
        raise NotImplementedError

    def start(self, initial_BX: Tensor) -> MachineState:
        """Return a blank memory, and the controller started from the vector."""
        zeros_B1 = 0 * at_least_float32(initial_BX[:, :1])  # B itself would be constant in ONNX
        reads_BHW = self.first_reads_HW + zeros_B1.unsqueeze(2)
        if self.starts_reads:
            reads_BHW = reads_BHW + initial_BX.unflatten(-1, (self.reads, self.width))
            initial_BX = zeros_B1.expand(-1, self.size)
        controller = self.controller.start(initial_BX)
        return MachineState(
            self._mixed(controller, reads_BHW), controller, reads_BHW, self.blank(zeros_B1)
        )

    def output(self, state: Tree) -> Tensor:
        """Return the mixture of what the controller says and what was read."""
        return cast("MachineState", state).output_BD

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return those of the controller."""
        return self.controller.shares(*sizes)

    def step(self, input_BG: Tensor, state: Tree) -> MachineState:
        """Return what follows one input."""
        _, controller, reads_BHW, memory = cast("MachineState", state)
        read_BG = self.reading(reads_BHW.flatten(1))
        controller = self.controller.step(input_BG + read_BG, controller)
        parameters_BP = self.norm(self.heads(self.controller.output(controller)))
        parameters_BP = at_least_float32(parameters_BP)
        whole = torch.autocast(parameters_BP.device.type, enabled=False)  # memories add up
        with self.memory_scope(), whole:
            reads_BHW, memory = self.turn(parameters_BP, memory)
        return MachineState(self._mixed(controller, reads_BHW), controller, reads_BHW, memory)

    def _mixed(self, controller: Tree, reads_BHW: Tensor) -> Tensor:
        """W [h ; r], h of the controller and r of the heads."""
        bypass_BD = self.bypass(self.controller.output(controller))
        output_BD: Tensor = self.mix(torch.cat((bypass_BD, reads_BHW.flatten(1)), -1))
        return output_BD


def probe_step(name: str, tensor: Tensor, axis: int) -> Tensor:
    """Return `tensor`, of one step, as probed with an axis T before its axis of this number."""
    if torch.compiler.is_compiling() or not is_probed():
        return tensor
    return probe(name, tensor.unsqueeze(axis)).squeeze(axis)
