"""The Differentiable Neural Computer -- Graves et al. 2016, methods.

Franke et al. 2018 found it to learn more surely with `norm` of what the heads are told and with
`bypass_dropout` of what goes round the memory, and to answer questions as well without links.

Shapes: B batch, D layer size, H read heads, M ways to read, N slots (rows i and columns j), W width
of a slot, P parameters of all heads.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor

from seq2seq.bounds import BelowOne, Layers, Slots, Units
from seq2seq.model.cells.machine import ControllerKind, Machine, probe_step
from seq2seq.model.contract import Tree
from seq2seq.model.memory import (
    allocate,
    link,
    look_up,
    oneplus,
    precede,
    read,
    use,
    write,
)


class DNCMemory(NamedTuple):
    """What the slots hold, which are in use, and who read and wrote them last."""

    content_BNW: Tensor
    usage_BN: Tensor
    read_weights_BHN: Tensor
    write_weights_BN: Tensor
    order: Tree
    """An `Order`; nothing without links."""


class Order(NamedTuple):
    """In which order slots were written."""

    precedence_BN: Tensor
    """How far a slot was the last one written."""
    links_BNN: Tensor
    """How far slot i was written next after slot j."""


class _Interface(NamedTuple):
    """What the controller says to the heads."""

    read_keys_BHW: Tensor
    read_strengths_BH1: Tensor
    modes_BHM: Tensor
    free_gates_BH: Tensor
    write_key_B1W: Tensor
    write_strength_B11: Tensor
    erase_B1W: Tensor
    add_B1W: Tensor
    allocation_gate_B1: Tensor
    write_gate_B1: Tensor


class DNC(Machine):
    """One head that writes to slots by content or to free ones, and several that read.

    They read by content or, with links, go on to what was written next or before. Everything is 0
    at the start, but what was read last, which is learnt.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        slots: Slots = 32,
        width: Units = 16,
        reads: Layers = 4,
        controller: ControllerKind = "lstm",
        links: bool = True,
        norm: bool = False,
        bypass_dropout: BelowOne = 0.0,
    ) -> None:
        self.modes = 3 if links else 0
        super().__init__(
            input_size,
            size,
            controller=controller,
            slots=slots,
            width=width,
            reads=reads,
            parameters=reads * (width + 2 + self.modes) + 3 * width + 3,
            norm=norm,
            bypass_dropout=bypass_dropout,
        )

    def blank(self, zeros_B1: Tensor) -> DNCMemory:
        """Return slots of zeros that nobody has used."""
        zeros_BN, zeros_B11 = zeros_B1.expand(-1, self.slots), zeros_B1.unsqueeze(2)
        return DNCMemory(
            content_BNW=zeros_B11.expand(-1, self.slots, self.width),
            usage_BN=zeros_BN,
            read_weights_BHN=zeros_B11.expand(-1, self.reads, self.slots),
            write_weights_BN=zeros_BN,
            order=Order(zeros_BN, zeros_B11.expand(-1, self.slots, self.slots))
            if self.modes
            else (),
        )

    def turn(self, parameters_BP: Tensor, memory: Tree) -> tuple[Tensor, Tree]:
        """Free, write, then read."""
        says, last = self._interface(parameters_BP), cast("DNCMemory", memory)
        usage_BN = use(
            last.usage_BN, last.write_weights_BN, last.read_weights_BHN, says.free_gates_BH
        )
        usage_BN = probe_step("usage_BTN", usage_BN, 1)
        written_BN = self._write_weights(says, usage_BN, last.content_BNW)
        content_BNW = write(last.content_BNW, written_BN.unsqueeze(1), says.erase_B1W, says.add_B1W)
        content_BNW = probe_step("content_BTNW", content_BNW, 1)
        read_BHN = look_up(says.read_keys_BHW, says.read_strengths_BH1, content_BNW)
        order = last.order
        if self.modes:
            order = self._linked(cast("Order", order), written_BN)
            read_BHN = self._in_order(says.modes_BHM, read_BHN, last.read_weights_BHN, order)
        read_BHN = probe_step("read_weights_BHTN", read_BHN, 2)
        memory = DNCMemory(content_BNW, usage_BN, read_BHN, written_BN, order)
        return read(content_BNW, read_BHN), memory

    def _linked(self, last: Order, written_BN: Tensor) -> Order:
        links_BNN = link(last.links_BNN, written_BN, last.precedence_BN)
        precedence_BN = precede(last.precedence_BN, written_BN)
        return Order(precedence_BN, probe_step("links_BTNN", links_BNN, 1))

    def _in_order(
        self, modes_BHM: Tensor, found_BHN: Tensor, last_BHN: Tensor, order: Order
    ) -> Tensor:
        """What was found by content, or what was written before or after what was read last."""
        modes_BHM = probe_step("read_modes_BHT3", modes_BHM.softmax(-1), 2)
        before_BH1, content_BH1, after_BH1 = modes_BHM.split(1, -1)
        return (
            before_BH1 * (last_BHN @ order.links_BNN)
            + content_BH1 * found_BHN
            + after_BH1 * (last_BHN @ order.links_BNN.transpose(1, 2))
        )

    def _write_weights(self, says: _Interface, usage_BN: Tensor, content_BNW: Tensor) -> Tensor:
        """g_w (g_a a + (1 - g_a) c), a the free slots and c those found by content."""
        allocation_BN = probe_step("allocation_BTN", allocate(usage_BN), 1)
        found_B1N = look_up(says.write_key_B1W, says.write_strength_B11, content_BNW)
        gated_BN = torch.lerp(found_B1N.squeeze(1), allocation_BN, says.allocation_gate_B1)
        written_B1N = (says.write_gate_B1 * gated_BN).unsqueeze(1)
        return probe_step("write_weights_BHTN", written_B1N, 2).squeeze(1)

    def _interface(self, parameters_BP: Tensor) -> _Interface:
        heads, width = self.reads, self.width
        head_BP, erase_BW, add_BW, key_BW, rest_B3 = parameters_BP.split(
            (heads * (width + 2 + self.modes), width, width, width, 3), -1
        )
        keys_BHW, modes_BHM, strengths_BH1, free_BH1 = head_BP.unflatten(-1, (heads, -1)).split(
            (width, self.modes, 1, 1), -1
        )
        strength_B1, gates_B2 = rest_B3.split((1, 2), -1)
        allocation_gate_B1, write_gate_B1 = gates_B2.sigmoid().chunk(2, -1)
        return _Interface(
            read_keys_BHW=keys_BHW,
            read_strengths_BH1=oneplus(strengths_BH1),
            modes_BHM=modes_BHM,
            free_gates_BH=probe_step("free_gates_BTH", free_BH1.squeeze(-1).sigmoid(), 1),
            write_key_B1W=key_BW.unsqueeze(1),
            write_strength_B11=oneplus(strength_B1).unsqueeze(1),
            erase_B1W=erase_BW.sigmoid().unsqueeze(1),
            add_B1W=add_BW.unsqueeze(1),
            allocation_gate_B1=probe_step("allocation_gate_BT1", allocation_gate_B1, 1),
            write_gate_B1=probe_step("write_gate_BT1", write_gate_B1, 1),
        )
