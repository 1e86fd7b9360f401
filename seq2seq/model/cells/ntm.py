"""The Neural Turing Machine -- Graves, Wayne and Danihelka 2014.

Shapes: B batch, D layer size, H heads (those that read first, then those that write), N slots,
W width of a slot, R shifts, P parameters of all heads, C parameters that place a head.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import Layers, Slots, Units
from seq2seq.errors import UserError
from seq2seq.kernels import turing
from seq2seq.kernels.deferred import is_deferring
from seq2seq.model.cells.machine import ControllerKind, Machine, probe_step
from seq2seq.model.contract import Tree
from seq2seq.model.memory import (
    EMPTY,
    LEAST,
    interpolate,
    look_up,
    neighbours,
    oneplus,
    read,
    sharpen,
    shift,
    write,
)
from seq2seq.model.parts import initialise


class NTMMemory(NamedTuple):
    """What the slots hold, and where each head stood last."""

    content_BNW: Tensor
    weights_BHN: Tensor


class NTM(Machine):
    """Heads that find slots by content and by shifts, to read them or to erase and add.

    All heads are placed by the content before the step; then those that write do so, and those that
    read read what is there now. The paper leaves the start open. Here every slot holds 1e-6, with
    which Collier and Beel 2018 learnt copying fastest, every head stands on the first slot, and
    what was read last is learnt.
    """

    BLANK = 1e-6
    GATE = -2.0
    """The bias of the gates before training: an eighth of a weight is found by content."""

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        slots: Slots = 128,
        width: Units = 20,
        reads: Layers = 1,
        writes: Layers = 1,
        shift: Layers = 1,
        controller: ControllerKind = "lstm",
    ) -> None:
        if shift > slots:
            raise UserError(f"cell.shift: expected at most the slots, {slots}, found {shift}")
        self.placing = width + 3 + (2 * shift + 1)  # key, strength, gate, sharpness, shifts
        super().__init__(
            input_size,
            size,
            controller=controller,
            slots=slots,
            width=width,
            reads=reads,
            parameters=(reads + writes) * self.placing + writes * 2 * width,
        )
        self.writes, self.shift = writes, shift

    def initialise(self) -> None:
        """Have heads stay near where they are: by content alone they would stand everywhere."""
        for child in self.children():
            initialise(child)
        nn.init.zeros_(self.first_reads_HW)
        with torch.no_grad():
            for head in range(self.reads + self.writes):
                self.heads.bias[head * self.placing + self.width + 2] = self.GATE

    def blank(self, zeros_B1: Tensor) -> NTMMemory:
        """Return equal slots, and all heads on the first."""
        content_NW = zeros_B1.new_full((self.slots, self.width), self.BLANK)
        first_N = torch.eye(1, self.slots, dtype=zeros_B1.dtype, device=zeros_B1.device)
        weights_HN = first_N.expand(self.reads + self.writes, -1)
        zeros_B11 = zeros_B1.unsqueeze(2)
        return NTMMemory(content_NW + zeros_B11, weights_HN + zeros_B11)

    def turn(self, parameters_BP: Tensor, memory: Tree) -> tuple[Tensor, Tree]:
        """Place all heads, write, then read -- sections 3.1 to 3.3."""
        content_BNW, last_BHN = cast("NTMMemory", memory)
        if self.writes == 1 and is_deferring():
            content_BNW, weights_BHN, reads_BHW = turing.turn(
                parameters_BP,
                content_BNW,
                last_BHN,
                shifts=2 * self.shift + 1,
                empty=EMPTY,
                least=LEAST,
            )
            return reads_BHW, NTMMemory(content_BNW, weights_BHN)
        heads = self.reads + self.writes
        placing_BP, written_BP = parameters_BP.split(
            (heads * self.placing, self.writes * 2 * self.width), -1
        )
        placing_BHC = placing_BP.unflatten(-1, (heads, self.placing))
        weights_BHN = self._place(placing_BHC, content_BNW, last_BHN)
        reading_BHN, writing_BHN = weights_BHN.split((self.reads, self.writes), 1)
        reading_BHN = probe_step("read_weights_BHTN", reading_BHN, 2)
        writing_BHN = probe_step("write_weights_BHTN", writing_BHN, 2)
        erase_BHW, add_BHW = written_BP.unflatten(-1, (self.writes, -1)).chunk(2, -1)
        content_BNW = write(content_BNW, writing_BHN, erase_BHW.sigmoid(), add_BHW.tanh())
        content_BNW = probe_step("content_BTNW", content_BNW, 1)
        weights_BHN = torch.cat((reading_BHN, writing_BHN), 1)
        return read(content_BNW, reading_BHN), NTMMemory(content_BNW, weights_BHN)

    def _place(self, placing_BHC: Tensor, content_BNW: Tensor, last_BHN: Tensor) -> Tensor:
        """Weights of all heads -- figure 2."""
        keys_BHW, positive_BH2, gate_BH1, shifts_BHR = placing_BHC.split(
            (self.width, 2, 1, 2 * self.shift + 1), -1
        )
        strengths_BH1, sharpness_BH1 = oneplus(positive_BH2).chunk(2, -1)
        gate_BH1 = probe_step("gate_BHT1", gate_BH1.sigmoid(), 2)
        shifts_BHR = probe_step("shifts_BHTR", shifts_BHR.softmax(-1), 2)
        sharpness_BH1 = probe_step("sharpness_BHT1", sharpness_BH1, 2)
        found_BHN = look_up(keys_BHW, strengths_BH1, content_BNW)
        gated_BHN = interpolate(found_BHN, last_BHN, gate_BH1)
        moved_BHN = shift(neighbours(gated_BHN, 2 * self.shift + 1), shifts_BHR)
        return sharpen(moved_BHN, sharpness_BH1)
