"""Latents that read the source, and then each other -- Jaegle et al. 2021.

    latents -> cross-attention to the source, MLP -> (self-attention, MLP) x self_layers -> ...

and this `blocks` times. The decoder attends to the latents: neither their number nor the cost of
self-attention grows with the source.

Shapes: B batch, S source positions, N latents, D latent size, I embedding size, E size of what is
attended to, P position features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from seq2seq.bounds import Heads, InnerUnits, Layers, Slots
from seq2seq.config import AttentionConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import Attention
from seq2seq.model.attention.hard import refuse_hard
from seq2seq.model.contract import Encoded, Encoder
from seq2seq.model.positions import fourier_features
from seq2seq.model.probe import probe, scope
from seq2seq.model.transformer import (
    EMBEDDED,
    Attending,
    FeedForward,
    Positions,
    build_layer_unit,
)

KEY = "model.encoder"

InitScale = Annotated[float, Field(gt=0, le=10)]
SelfLayers = Annotated[int, Field(ge=0, le=256)]
Bands = Annotated[int, Field(ge=1, le=1_024)]
Span = Annotated[int, Field(ge=2, le=1_000_000)]
PositionKind = Literal["fourier", "sinusoidal", "none"]


class Perceiver(Encoder):
    """Latents read the source by cross-attention, and each other by self-attention.

    With `share` all cross-attentions but the first have one set of weights, and all blocks of
    self-attention one: an RNN that reads the same source at each step. The first cross-attention
    has its own, since the paper found training unstable without.

    What is known at the end, for the first state of a recurrent decoder, is the latents' mean.

    A latent stands at no position. How much of each it has is taken to be how much it has read:
    `Encoded.weights_BNS` are the weights of the cross-attentions, the mean of all heads and blocks.
    What latents read of each other is not followed. Followed by the rule of attention rollout (half
    of a latent stays at each layer -- Abnar and Zuidema 2020), the composed weights of a decoder
    were largest at the right place for 51 % of the symbols in the toy task `copy` and for 62 % in
    `sort`. They are for 70 and 71 %; with the last cross-attention alone they were for 71 and 59 %.
    """

    keeps_positions = False

    def __init__(
        self,
        embedding: int,
        dropout: float,
        *,
        size: int,
        latents: Slots = 32,
        init_scale: InitScale = 0.02,
        blocks: Layers = 2,
        self_layers: SelfLayers = 1,
        share: bool = True,
        heads: Heads | None = None,
        ff: InnerUnits | None = None,
        cross_attention: AttentionConfig | None = None,
        self_attention: AttentionConfig | None = None,
        positions: PositionKind = "fourier",
        bands: Bands | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__()
        self.memory_size = size
        self.source = Source(embedding, positions, bands, span)
        if heads is not None and cross_attention and self_attention:
            raise UserError(f"{KEY}.heads: both units are given, each with its own heads")

        def build_cross() -> Reading:
            unit = _build_unit("cross_attention", cross_attention, heads, size, self.source.size)
            return Reading(unit, size, ff or 4 * size, dropout, norm_memory=True)

        def build_block() -> nn.ModuleList:
            return nn.ModuleList(
                Reading(
                    _build_unit("self_attention", self_attention, heads, size, size),
                    size,
                    ff or 4 * size,
                    dropout,
                )
                for _ in range(self_layers)
            )

        self.latents = Latents(latents, size, init_scale)
        self.crosses = nn.ModuleList(
            build_cross() for _ in range(min(2, blocks) if share else blocks)
        )
        self.selves = nn.ModuleList(build_block() for _ in range(1 if share else blocks))
        self.blocks = blocks
        self.norm = nn.LayerNorm(size)

    @property
    def units(self) -> Mapping[str, Attention]:
        """`1.cross`, `1.self.1` and so on of the first block, `2.cross` of the next."""
        units: dict[str, Attention] = {}
        for number in range(1, self.blocks + 1):
            cross, selves = self._block(number)
            units[f"{number}.cross"] = cross.unit
            units |= {f"{number}.self.{layer}": own.unit for layer, own in enumerate(selves, 1)}
        return units

    def forward(self, embedded_BSI: Tensor, lengths_B: Tensor) -> Encoded:
        """Return the latents after reading right-padded sentences of the given lengths (>= 1)."""
        positions_S = torch.arange(embedded_BSI.size(1), device=embedded_BSI.device)
        mask_BS = positions_S < lengths_B.to(positions_S.device, non_blocking=True).unsqueeze(1)
        source_BSE = self.source(embedded_BSI, positions_S)
        latents_BND = self.latents(mask_BS)
        mask_BN = mask_BS[:, :1].expand(-1, latents_BND.size(1))  # True: no sentence is empty
        read: list[Tensor] = []
        for number in range(1, self.blocks + 1):
            cross, selves = self._block(number)
            with scope(str(number)):
                with scope("cross"):
                    latents_BND, weights_BNS = cross(latents_BND, source_BSE, mask_BS)
                read.append(weights_BNS)
                for layer, own in enumerate(selves, 1):
                    with scope("self"), scope(str(layer)):
                        latents_BND, _ = own(latents_BND, None, mask_BN)
        states_BNE = probe("states_BSE", self.norm(latents_BND))
        weights_BNS = probe("weights_BNS", torch.stack(read).mean(0))
        return Encoded(states_BNE, mask_BN, states_BNE.mean(1), weights_BNS=weights_BNS)

    def _block(self, number: int) -> tuple[Reading, list[Reading]]:
        """The cross-attention and the self-attentions of a block, counted from 1."""
        cross, block = min(number, len(self.crosses)) - 1, min(number, len(self.selves)) - 1
        selves = cast("nn.ModuleList", self.selves[block])
        return cast("Reading", self.crosses[cross]), [cast("Reading", own) for own in selves]


# --- parts ----------------------------------------------------------------------------------------


class Latents(nn.Module):
    """The array that reads: N learnt vectors, drawn with deviation `scale` (the paper: 0.02)."""

    def __init__(self, number: int, size: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.vectors_ND = nn.Parameter(torch.zeros(number, size))

    def initialise(self) -> None:
        """Draw them anew."""
        nn.init.trunc_normal_(self.vectors_ND, std=self.scale, a=-2.0, b=2.0)

    def forward(self, mask_BS: Tensor) -> Tensor:
        """Return latents_BND, the same for each row of the mask."""
        # B of the mask: a size in Python would be a constant in the exported graph
        return self.vectors_ND.expand(mask_BS.size(0), -1, -1)


class Source(nn.Module):
    """Embedded tokens with their positions: what is read.

    Fourier features stand beside the embedding (section 3.2). They have `bands` frequencies, and
    their places go from -1 to 1 in `span` positions; a longer source goes on beyond 1.
    """

    BANDS, SPAN = 16, 100

    def __init__(
        self, embedding: int, positions: PositionKind, bands: int | None, span: int | None
    ) -> None:
        super().__init__()
        for name, value in (("bands", bands), ("span", span)):
            if value is not None and positions != "fourier":
                raise UserError(f"{KEY}.{name}: it belongs to positions fourier, found {positions}")
        self.bands = self.BANDS if bands is None else bands
        self.span = self.SPAN if span is None else span
        self.fourier = positions == "fourier"
        self.size = embedding + (2 * self.bands + 1 if positions == "fourier" else 0)
        self.added = Positions(
            "none" if positions == "fourier" else positions, embedding, None, key=KEY
        )

    def forward(self, embedded_BSI: Tensor, positions_S: Tensor) -> Tensor:
        """Return source_BSE."""
        embedded_BSI = self.added(embedded_BSI * EMBEDDED, positions_S.unsqueeze(0))
        if not self.fourier:
            return embedded_BSI
        exact = torch.promote_types(embedded_BSI.dtype, torch.float32)  # bf16 rounds angles away
        places_S1 = positions_S.to(exact).unsqueeze(1) * (2 / (self.span - 1)) - 1
        features_SP = fourier_features(places_S1, self.bands, (self.span,)).to(embedded_BSI.dtype)
        return torch.cat((embedded_BSI, features_SP.expand(embedded_BSI.size(0), -1, -1)), -1)


class Reading(nn.Module):
    """x + attention(norm(x), norm(memory)), then x + MLP(norm(x))."""

    def __init__(
        self, unit: Attention, size: int, ff: int, dropout: float, *, norm_memory: bool = False
    ) -> None:
        super().__init__()
        self.memory_norm = nn.LayerNorm(unit.memory_size) if norm_memory else None
        self.attending = Attending(unit, size, "pre", dropout, 0.0)
        self.feeding = FeedForward(size, ff, "gelu", "pre", dropout)

    @property
    def unit(self) -> Attention:
        """The unit that reads."""
        return self.attending.unit

    def forward(
        self, latents_BND: Tensor, memory_BSE: Tensor | None, mask_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next latents, and weights_BNS, the mean of the heads they read with.

        Without a memory latents read each other.
        """
        queries_BND = self.attending.residual.enter(latents_BND)
        if memory_BSE is None or self.memory_norm is None:
            memory_BSE = queries_BND
        else:
            memory_BSE = self.memory_norm(memory_BSE)
        memory = self.unit.remember(memory_BSE, mask_BS)
        attended = self.unit(queries_BND, memory, self.unit.start(memory))
        latents_BND = self.feeding(self.attending.leave(latents_BND, attended))
        return latents_BND, attended.weights_BHTS.mean(1)


def _build_unit(
    name: str, config: AttentionConfig | None, heads: int | None, size: int, memory_size: int
) -> Attention:
    """The unit given as `name`, or `multihead` with so many heads."""
    key = f"{KEY}.{name}"
    if config is not None and config.kind == "dot" and size != memory_size:
        raise UserError(
            f"{key}: kind dot needs latents and source of one size, found {size} and "
            f"{memory_size} (embedding and position features); kind general fits any"
        )
    unit = build_layer_unit(
        config,
        heads if config is None else None,
        size,
        key=KEY,
        name=name,
        memory_size=memory_size,
        positions=name == "cross_attention",
    )
    refuse_hard(unit, key)
    return unit
