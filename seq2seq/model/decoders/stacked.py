"""Attention in every layer of a recurrent decoder -- after Gehring et al. 2017, section 3.3.

There each layer of a convolutional decoder has an attention of its own; here each layer is a cell.

Shapes: B batch, T steps, I embedding size, D cell size, S source positions, V context size.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.config import BridgeKind, CellConfig
from seq2seq.model.attention import Attended, Attention, AttentionState, Memory, join
from seq2seq.model.cells import build_cell
from seq2seq.model.contract import Decoded, Decoder, Encoded, Surroundings, Tree
from seq2seq.model.decoders.bridge import Bridge
from seq2seq.model.decoders.readout import Readout
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import probe, scope


class LayerState(NamedTuple):
    """What a layer needs of its step before."""

    cell: Tree
    attention: AttentionState


class Layer(nn.Module):
    """c_t from s_t-1, then s_t = cell([x_t ; c_t], s_t-1), x_t the output of the layer below."""

    def __init__(
        self, attention: Attention, cell: CellConfig | None, input_size: int, size: int
    ) -> None:
        super().__init__()
        self.attention = attention
        self.sizes = input_size, attention.context_size
        self.cell = build_cell(
            cell or CellConfig(), sum(self.sizes), size, key="model.decoder.cell"
        )

    def forward(
        self, inputs_BTI: Tensor, tokens_BTI: Tensor, memory: Memory, state: LayerState
    ) -> tuple[Tensor, Attended, LayerState]:
        """Return outputs_BTD, what they attended to, and the state after T steps."""
        input_share, context_share = self.cell.shares(*self.sizes)
        cell, attention = state
        outputs: list[Tensor] = []
        steps: list[Attended] = []
        for input_BG, token_B1I in zip(
            input_share(inputs_BTI).unbind(1), tokens_BTI.split(1, dim=1), strict=True
        ):
            query_B1Q = probe("states_BTD", self.cell.output(cell).unsqueeze(1))
            if self.attention.reads_token:
                query_B1Q = torch.cat((token_B1I, query_B1Q), -1)
            with scope("source"):
                steps.append(self.attention(query_B1Q, memory, attention))
            attention = steps[-1].state
            context_BG = context_share(steps[-1].context_BTV.squeeze(1))
            cell = self.cell.step(input_BG + context_BG, cell)
            outputs.append(self.cell.output(cell))
        return torch.stack(outputs, 1), join(steps), LayerState(cell, attention)


class Stacked(Decoder):
    """Layers that each attend to the source by a unit of their own, before their cell."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        size: int,
        cell: CellConfig | None = None,
        layers: int = 2,
        bridge: BridgeKind = "last",
        readout: Literal["tanh", "maxout"] = "tanh",
    ) -> None:
        super().__init__()
        embedding = surroundings.embedding
        self.layers = nn.ModuleList(
            Layer(surroundings.attention(size), cell, size if number else embedding, size)
            for number in range(layers)
        )
        self.dropout = Dropout(surroundings.dropout)
        self.states_dropout = Dropout(surroundings.states_dropout)
        contexts = sum(unit.context_size for unit in self.units.values())
        self.readout = Readout(readout, size + embedding + contexts, embedding)
        state_size = self._layers[0].cell.state_size
        self.bridge = Bridge(bridge, surroundings.memory_size, layers, state_size)

    @property
    def _layers(self) -> list[Layer]:
        return [cast("Layer", layer) for layer in self.layers]

    @property
    def continues(self) -> bool:
        """Whether the cells go on from the states of the encoder's."""
        return self.bridge.continues

    @property
    def units(self) -> Mapping[str, Attention]:
        """`1.source` of the lowest layer, `2.source` of the next, and so on."""
        return {f"{number}.source": layer.attention for number, layer in self._numbered()}

    def start(self, encoded: Encoded) -> tuple[Tree, Tree]:
        """Return a memory and a state for each layer."""
        states_BSE = self.states_dropout(encoded.states_BSE)
        memories: list[Memory] = []
        states: list[LayerState] = []
        cells = self.bridge.start([layer.cell for layer in self._layers], encoded)
        for (number, layer), cell in zip(self._numbered(), cells, strict=True):
            with scope(str(number)), scope("source"):
                memories.append(layer.attention.remember(states_BSE, encoded.mask_BS))
            states.append(LayerState(cell, layer.attention.start(memories[-1])))
        return tuple(memories), tuple(states)

    def forward(self, embedded_BTI: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        memories, states = cast("tuple[Memory, ...]", memory), cast("tuple[LayerState, ...]", state)
        outputs_BTD = embedded_BTI
        attended: dict[str, Attended] = {}
        ends: list[LayerState] = []
        for (number, layer), own, layer_state in zip(
            self._numbered(), memories, states, strict=True
        ):
            inputs_BTD = self.dropout(outputs_BTD) if number > 1 else outputs_BTD
            with scope(str(number)):
                outputs_BTD, found, end = layer(inputs_BTD, embedded_BTI, own, layer_state)
            attended[f"{number}.source"] = found
            ends.append(end)
        contexts = [found.context_BTV for found in attended.values()]
        return Decoded(
            self.readout(outputs_BTD, embedded_BTI, *contexts),
            torch.cat([found.weights_BHTS for found in attended.values()], 1),
            tuple(ends),
            {name: found.choices for name, found in attended.items() if found.choices is not None},
        )

    def _numbered(self) -> list[tuple[int, Layer]]:
        return list(enumerate(self._layers, 1))
