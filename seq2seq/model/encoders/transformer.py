"""The Transformer's encoder: layers of self-attention -- Vaswani et al. 2017, 3.1.

Shapes: B batch, S source positions, I embedding size, D layer size, also that of the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import BelowOne, Heads, InnerUnits, Length
from seq2seq.config import AttentionConfig
from seq2seq.model.attention import Attention
from seq2seq.model.attention.hard import refuse_hard
from seq2seq.model.contract import Encoded, Encoder
from seq2seq.model.probe import probe, scope
from seq2seq.model.transformer import (
    Activation,
    Attending,
    Entrance,
    FeedForward,
    Norm,
    PositionKind,
    build_layer_unit,
)

KEY = "model.encoder"


class EncoderLayer(nn.Module):
    """Self-attention among all tokens, then a feed-forward layer at each."""

    def __init__(self, attending: Attending, feeding: FeedForward) -> None:
        super().__init__()
        self.attending = attending
        self.feeding = feeding

    def forward(self, states_BSD: Tensor, mask_BS: Tensor) -> Tensor:
        """Return the next layer's inputs."""
        unit, vectors_BSD = self.attending.unit, self.attending.residual.enter(states_BSD)
        with scope("self"):
            memory = unit.remember(vectors_BSD, mask_BS)
            attended = unit(vectors_BSD, memory, unit.start(memory))
        after_BSD: Tensor = self.feeding(self.attending.leave(states_BSD, attended))
        return after_BSD


class TransformerEncoder(Encoder):
    """Layers of self-attention over tokens that know their positions.

    What it knows at its end, for the first state of a recurrent decoder, is the mean of its states.
    With norm `pre` a last normalisation follows the layers. Dropout falls on embeddings before
    their positions are added, as the model drops them for every encoder; the paper adds first.
    """

    def __init__(
        self,
        embedding: int,
        dropout: float,
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
        self.memory_size = size
        self.entrance = Entrance(embedding, size, positions, max_positions, key=KEY)

        def build_layer() -> EncoderLayer:
            unit = build_layer_unit(self_attention, heads, size, key=KEY)
            refuse_hard(unit, f"{KEY}.self_attention")
            return EncoderLayer(
                Attending(unit, size, norm, dropout, attention_dropout),
                FeedForward(size, ff or 4 * size, activation, norm, dropout),
            )

        self.layers = nn.ModuleList(build_layer() for _ in range(layers))
        self.norm = nn.LayerNorm(size) if norm == "pre" else nn.Identity()

    @property
    def units(self) -> Mapping[str, Attention]:
        """`1.self` of the lowest layer, `2.self` of the next, and so on."""
        layers = [cast("EncoderLayer", layer) for layer in self.layers]
        return {f"{number}.self": layer.attending.unit for number, layer in enumerate(layers, 1)}

    def forward(self, embedded_BSI: Tensor, lengths_B: Tensor) -> Encoded:
        """Return the states of right-padded sentences of the given lengths (each >= 1)."""
        positions_S = torch.arange(embedded_BSI.size(1), device=embedded_BSI.device)
        mask_BS = positions_S < lengths_B.to(positions_S.device, non_blocking=True).unsqueeze(1)
        states_BSD = self.entrance(embedded_BSI, positions_S.unsqueeze(0))
        for number, layer in enumerate(self.layers, 1):
            with scope(str(number)):
                states_BSD = layer(states_BSD, mask_BS)
        states_BSD = probe("states_BSE", self.norm(states_BSD))
        encoded = Encoded(states_BSD, mask_BS, ())
        return encoded._replace(final=encoded.mean_BE())
