"""What decoders with one attention unit and a stack of cells have in common.

Shapes: B batch, T steps, I embedding size, D cell size, Q query size, F feature size.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import CellConfig
from seq2seq.model.attention import Attended, Attention, AttentionState, Memory
from seq2seq.model.cells import build_cell
from seq2seq.model.contract import Cell, Decoder, Encoded, Surroundings, Tree, named_leaves
from seq2seq.model.decoders.bridge import Bridge
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import probe, scope


class DecoderState(NamedTuple):
    """What step t needs of step t - 1; the feature fed back has size 0 without input feeding."""

    layers: tuple[Tree, ...]
    fed_BF: Tensor
    attention: AttentionState


class AttendingDecoder(Decoder):
    """A decoder whose cells start from a bridge, and whose unit attends to the source."""

    bridge: Bridge
    """Made by the subclass, after its cells."""

    def __init__(self, surroundings: Surroundings, size: int, *, fed_size: int = 0) -> None:
        super().__init__()
        self.attention = surroundings.attention(size)
        self.dropout = Dropout(surroundings.dropout)
        self.states_dropout = Dropout(surroundings.states_dropout)
        self.fed_size = fed_size

    @property
    def continues(self) -> bool:
        """Whether the cells go on from the states of the encoder's."""
        return self.bridge.continues

    @property
    def units(self) -> Mapping[str, Attention]:
        """`source`."""
        return {"source": self.attention}

    @property
    def cells(self) -> Sequence[Cell]:
        """Those that keep a state, from the lowest layer up."""
        raise NotImplementedError

    def build_bridge(self, kind: str, memory_size: int) -> Bridge:
        """Return the bridge to all cells, to be made after them."""
        return Bridge(kind, memory_size, len(self.cells), self.cells[0].state_size)

    def start(self, encoded: Encoded) -> tuple[Memory, DecoderState]:
        """Return keys and values of the encoder states, and the state before the first step."""
        with scope("source"):
            states_BSE = self.states_dropout(encoded.states_BSE)
            memory = self.attention.remember(states_BSE, encoded.mask_BS)
        layers = self.bridge.start(self.cells, encoded)
        # B of the mask: that of the layers would be a constant in the exported graph
        _, first = next(named_leaves(layers))
        fed_BF = first.new_zeros(memory.mask_BS.size(0), self.fed_size)
        return memory, DecoderState(layers, fed_BF, self.attention.start(memory))

    def attend(
        self, outputs_BTD: Tensor, embedded_BTI: Tensor, memory: Memory, state: AttentionState
    ) -> Attended:
        """Attend with a cell's outputs, joined to the input tokens if the unit reads them."""
        query_BTQ = probe("states_BTD", outputs_BTD)
        if self.attention.reads_token:
            query_BTQ = torch.cat((embedded_BTI, query_BTQ), -1)
        with scope("source"):
            attended: Attended = self.attention(query_BTQ, memory, state)
        return attended


def build_cells(
    config: CellConfig | None, sizes: Iterable[int], size: int, *, lowest: int = 1, role: str = ""
) -> nn.ModuleList:
    """Return a cell for each size of an input, the first in layer `lowest`.

    `role` tells cells of one layer apart.
    """
    cell = config or CellConfig()
    return nn.ModuleList(
        build_cell(cell, n, size, key="model.decoder.cell", place=f"{number}{role and '.'}{role}")
        for number, n in enumerate(sizes, lowest)
    )


def cells_of(modules: Iterable[nn.Module]) -> list[Cell]:
    """Return the cells of a list of modules, as what they are."""
    return [cell for cell in modules if isinstance(cell, Cell)]
