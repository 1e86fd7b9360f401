"""The Transformer's decoder: self-attention, attention to the source -- Vaswani et al. 2017, 3.1.

Shapes: B batch, T steps, I embedding size, D layer size, S source positions, F feature size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import BelowOne, Heads, InnerUnits, Length
from seq2seq.config import AttentionConfig
from seq2seq.kernels.deferred import Linear
from seq2seq.model.attention import Attended, Attention, AttentionState, Memory, causal
from seq2seq.model.attention.causal import Past, Shared
from seq2seq.model.contract import Decoded, Decoder, Encoded, Surroundings, Tree
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import probe, scope
from seq2seq.model.transformer import (
    EMBEDDED,
    Activation,
    Attending,
    Entrance,
    FeedForward,
    Norm,
    PositionKind,
    build_layer_unit,
)

KEY = "model.decoder"


Attend = Callable[[Attention, Tensor, Any], tuple[Attended, Any]]
"""(unit, vectors_BTD, past) -> what was attended to of the past and of the new tokens, both."""


class LayerState(NamedTuple):
    """What a layer needs of the steps before."""

    past: Past | Shared
    source: AttentionState


class TransformerState(NamedTuple):
    """How many steps there were, and what each layer keeps of them."""

    step_B: Tensor
    layers: tuple[LayerState, ...]


class Read(NamedTuple):
    """What the layers make of T tokens."""

    features_BTF: Tensor
    attended: dict[str, Attended]
    """By the unit's name."""
    layers: tuple[LayerState, ...]


class DecoderLayer(nn.Module):
    """Self-attention to the tokens so far, attention to the source, a feed-forward layer."""

    def __init__(self, itself: Attending, source: Attending, feeding: FeedForward) -> None:
        super().__init__()
        self.itself = itself
        self.source = source
        self.feeding = feeding

    def forward(
        self,
        states_BTD: Tensor,
        tokens_BTI: Tensor,
        memory: Memory,
        state: LayerState,
        attend: Attend,
    ) -> tuple[Tensor, dict[str, Attended], LayerState]:
        """Return the next layer's inputs, what was attended to, and the state after T steps."""
        with scope("self"):
            attended, past = attend(
                self.itself.unit, self.itself.residual.enter(states_BTD), state.past
            )
        states_BTD = self.itself.leave(states_BTD, attended)
        query_BTQ = probe("states_BTD", self.source.residual.enter(states_BTD))
        if self.source.unit.reads_token:
            query_BTQ = torch.cat((tokens_BTI, query_BTQ), -1)
        with scope("source"):
            read: Attended = self.source.unit(query_BTQ, memory, state.source)
        states_BTD = self.feeding(self.source.leave(states_BTD, read))
        return states_BTD, {"self": attended, "source": read}, LayerState(past, read.state)


class TransformerDecoder(Decoder):
    """Layers that attend to the tokens so far and to the source.

    Self-attention is `multihead` with `heads` unless `self_attention` names another unit; attention
    to the source is `model.attention`, a unit in each layer. Nothing but these units joins the
    decoder to the source: with kind `none` it is a language model.
    """

    fast_step = True

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        size: int,
        layers: int = 6,
        heads: Heads | None = None,
        ff: InnerUnits | None = None,
        norm: Norm = "post",
        positions: PositionKind = "sinusoidal",
        max_positions: Length | None = None,
        activation: Activation = "relu",
        attention_dropout: BelowOne = 0.0,
        self_attention: AttentionConfig | None = None,
    ) -> None:
        super().__init__()
        embedding, dropout = surroundings.embedding, surroundings.dropout
        self.entrance = Entrance(embedding, size, positions, max_positions, key=KEY)

        def attending(unit: Attention) -> Attending:
            return Attending(unit, size, norm, dropout, attention_dropout)

        self.layers = nn.ModuleList(
            DecoderLayer(
                attending(build_layer_unit(self_attention, heads, size, key=KEY)),
                attending(surroundings.attention(size)),
                FeedForward(size, ff or 4 * size, activation, norm, dropout),
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(size) if norm == "pre" else nn.Identity()
        self.dropout = Dropout(dropout)
        self.fit = nn.Identity() if embedding == size else Linear(size, embedding, bias=False)
        # The paper's embeddings, which are the output layer too, have deviation size^-0.5.
        self.scale = EMBEDDED * embedding**-0.5

    @property
    def _layers(self) -> list[DecoderLayer]:
        return [cast("DecoderLayer", layer) for layer in self.layers]

    @property
    def parallel(self) -> bool:
        """True where the units allow it."""
        return all(
            causal.takes_all_at_once(layer.itself.unit)
            and not (layer.source.unit.recurrent or layer.source.unit.addressing.recurrent)
            for layer in self._layers
        )

    @property
    def units(self) -> Mapping[str, Attention]:
        """`1.self` and `1.source` of the lowest layer, `2.self` and so on."""
        found: dict[str, Attention] = {}
        for number, layer in enumerate(self._layers, 1):
            found[f"{number}.self"] = layer.itself.unit
            found[f"{number}.source"] = layer.source.unit
        return found

    def start(self, encoded: Encoded) -> tuple[Tree, Tree]:
        """Return the source's keys and values for each layer, and a state without any token."""
        memories: list[Memory] = []
        states: list[LayerState] = []
        none_B0D = encoded.states_BSE.new_zeros(
            encoded.mask_BS.size(0), 0, self.entrance.positions.size
        )
        for number, layer in enumerate(self._layers, 1):
            with scope(str(number)), scope("source"):
                unit = layer.source.unit
                memories.append(unit.remember(encoded.states_BSE, encoded.mask_BS))
            past = causal.start(layer.itself.unit, none_B0D)
            states.append(LayerState(past, unit.start(memories[-1])))
        step_B = states[0].source.step_B
        return tuple(memories), TransformerState(step_B, tuple(states))

    def forward(self, embedded_BTI: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        memories, state = cast("tuple[Memory, ...]", memory), cast("TransformerState", state)
        steps_T = torch.arange(embedded_BTI.size(1), device=embedded_BTI.device)
        positions_BT = state.step_B.unsqueeze(1) + steps_T
        read = self.read(embedded_BTI, positions_BT, memories, state.layers, causal.attend)
        choices = {name: each.choices for name, each in read.attended.items()}
        return Decoded(
            read.features_BTF,
            self.source_weights(read),
            TransformerState(state.step_B + embedded_BTI.size(1), read.layers),
            {name: made for name, made in choices.items() if made is not None},
        )

    def read(
        self,
        embedded_BTI: Tensor,
        positions_XT: Tensor,
        memories: tuple[Memory, ...],
        states: tuple[LayerState, ...],
        attend: Attend,
    ) -> Read:
        """Read tokens at these positions; `attend` says how they attend to what came before."""
        states_BTD = self.entrance(embedded_BTI, positions_XT)
        attended: dict[str, Attended] = {}
        ends: list[LayerState] = []
        for number, (layer, memory, state) in enumerate(
            zip(self._layers, memories, states, strict=True), 1
        ):
            with scope(str(number)):
                states_BTD, found, end = layer(states_BTD, embedded_BTI, memory, state, attend)
            attended |= {f"{number}.{name}": each for name, each in found.items()}
            ends.append(end)
        features_BTF = self.fit(self.norm(states_BTD)) * self.scale
        return Read(features_BTF, attended, tuple(ends))

    def source_weights(self, read: Read) -> Tensor:
        """Return the weights over the source of all layers, their heads side by side."""
        return torch.cat([read.attended[name].weights_BHTS for name in self.source_units], 1)
