"""What the layers of the Transformer's encoder and decoder are made of -- Vaswani et al. 2017, 3.

Shapes: B batch, T tokens, I embedding size, D layer size, F feed-forward size, V context size.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.config import AttentionConfig
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear
from seq2seq.model.attention import Attended, Attention, build_attention
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding

Norm = Literal["pre", "post"]
PositionKind = Literal["sinusoidal", "learnt", "none"]
Activation = Literal["relu", "gelu"]

POSITIONS = 512
"""How many learnt positions there are, unless `max_positions` says."""

EMBEDDED = 1 / Embedding.DEVIATION
"""What embeddings are multiplied by. The paper's are drawn with deviation D^-0.5 and multiplied by
D^0.5, so they begin with deviation 1, beside positions whose deviation is 0.7. Ours are drawn with
another, whatever decoder reads them; so they begin with deviation 1 here too."""


class Positions(nn.Module):
    """Vectors of positions, to be added to the tokens'.

    `sinusoidal` is section 3.5's: sin(p / 10000^(2i / D)) in the even places, the cosine in the
    odd ones. Of `learnt` ones there are `max_positions`; further tokens share the last.
    """

    def __init__(
        self, kind: PositionKind, size: int, max_positions: int | None, *, key: str
    ) -> None:
        super().__init__()
        self.kind = kind
        self.size = size
        if max_positions is not None and kind != "learnt":
            raise UserError(f"{key}.max_positions: it belongs to positions learnt, found {kind}")
        self.vectors_PD: nn.Parameter | None = None
        if kind == "learnt":
            self.vectors_PD = nn.Parameter(torch.zeros(max_positions or POSITIONS, size))

    @property
    def count(self) -> int | None:
        """How many positions have a vector of their own; None: all."""
        return None if self.vectors_PD is None else len(self.vectors_PD)

    def initialise(self) -> None:
        """Draw learnt vectors with the deviation of sines."""
        if self.vectors_PD is not None:
            nn.init.normal_(self.vectors_PD, std=0.5**0.5)

    def forward(self, tokens_BTD: Tensor, positions_XT: Tensor) -> Tensor:
        """Return the tokens with their positions added; X is B, or 1 where all rows have the same.

        Positions are counted from 0.
        """
        if self.kind == "none":
            return tokens_BTD
        if self.vectors_PD is not None:
            last = len(self.vectors_PD) - 1
            return tokens_BTD + functional.embedding(positions_XT.clamp(max=last), self.vectors_PD)
        return tokens_BTD + sinusoids(positions_XT, self.size, tokens_BTD.dtype)


def sinusoids(positions_XT: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Return vectors_XTD of positions -- Vaswani et al. 2017, 3.5."""
    exact = torch.promote_types(dtype, torch.float32)
    pairs_I = torch.arange(0, size, 2, device=positions_XT.device, dtype=exact)
    rates_I = torch.exp(pairs_I * (-math.log(10000) / size))
    angles_XTI = positions_XT.unsqueeze(-1) * rates_I
    # sines and cosines in turn; of an odd size the last cosine falls away
    turns_XTI2 = torch.stack((angles_XTI.sin(), angles_XTI.cos()), -1)
    return turns_XTI2.flatten(-2)[..., :size].to(dtype)


class Residual(nn.Module):
    """What a sub-layer f reads of x, and how its answer joins x.

    `post` is the paper's norm(x + f(x)); `pre` is x + f(norm(x)) -- Xiong et al. 2020. Dropout
    falls on the answer -- section 5.4.
    """

    def __init__(self, size: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.pre = norm == "pre"
        self.norm = nn.LayerNorm(size)
        self.dropout = Dropout(dropout)

    def enter(self, inputs_BTD: Tensor) -> Tensor:
        """Return what the sub-layer reads."""
        normed_BTD: Tensor = self.norm(inputs_BTD) if self.pre else inputs_BTD
        return normed_BTD

    def leave(self, inputs_BTD: Tensor, answer_BTD: Tensor) -> Tensor:
        """Return the inputs with the sub-layer's answer."""
        total_BTD: Tensor = inputs_BTD + self.dropout(answer_BTD)
        return total_BTD if self.pre else self.norm(total_BTD)


class FeedForward(nn.Module):
    """x -> W2 activation(W1 x + b1) + b2, at each position alone -- section 3.3."""

    def __init__(
        self, size: int, inner: int, activation: Activation, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        self.residual = Residual(size, norm, dropout)
        self.widen = Linear(size, inner)
        self.narrow = Linear(inner, size)
        self.activation = functional.relu if activation == "relu" else functional.gelu

    def forward(self, inputs_BTD: Tensor) -> Tensor:
        """Return the inputs with the layer's answer."""
        inner_BTF = self.activation(self.widen(self.residual.enter(inputs_BTD)))
        return self.residual.leave(inputs_BTD, self.narrow(inner_BTF))


class Attending(nn.Module):
    """A unit as a sub-layer; a layer makes its context fit where the two have other sizes."""

    def __init__(
        self, unit: Attention, size: int, norm: Norm, dropout: float, attention_dropout: float
    ) -> None:
        super().__init__()
        self.unit = unit
        self.residual = Residual(size, norm, dropout)
        fits = unit.context_size in (0, size)
        self.fit = nn.Identity() if fits else Linear(unit.context_size, size, bias=False)
        unit.weight_dropout = Dropout(attention_dropout)

    def leave(self, inputs_BTD: Tensor, attended: Attended) -> Tensor:
        """Return the inputs with what was attended to; without heads, as they are."""
        if not self.unit.context_size:
            return inputs_BTD
        return self.residual.leave(inputs_BTD, self.fit(attended.context_BTV))


class Entrance(nn.Module):
    """Embedded tokens -> what the first layer reads: scaled, made to fit, with their positions."""

    def __init__(
        self,
        embedding: int,
        size: int,
        positions: PositionKind,
        max_positions: int | None,
        *,
        key: str,
    ) -> None:
        super().__init__()
        self.fit = nn.Identity() if embedding == size else Linear(embedding, size, bias=False)
        self.positions = Positions(positions, size, max_positions, key=key)

    def forward(self, embedded_BTI: Tensor, positions_XT: Tensor) -> Tensor:
        """Return vectors_BTD."""
        vectors_BTD: Tensor = self.positions(self.fit(embedded_BTI * EMBEDDED), positions_XT)
        return vectors_BTD


def build_layer_unit(
    config: AttentionConfig | None,
    heads: int | None,
    size: int,
    *,
    key: str,
    name: str = "self_attention",
    memory_size: int | None = None,
    positions: bool = True,
) -> Attention:
    """Return the unit of a layer: by default `multihead` with so many heads, and to itself.

    `key` says in messages where the layer's settings stand, `name` which of them is the unit's;
    `memory_size` is that of what is attended to, and `positions` whether it has any. Raises
    UserError for a unit that has no weights, or needs another's tokens.
    """
    if config is None:
        if heads is not None and size % heads:
            raise UserError(f"{key}.heads: expected a divisor of size {size}, found {heads}")
        config = AttentionConfig.model_validate({"kind": "multihead", "heads": heads or 4})
        if size % 4 and heads is None:
            raise UserError(f"{key}.size: expected a multiple of the 4 heads, found {size}")
    elif heads is not None:
        raise UserError(f"{key}.heads: set {key}.{name}.heads, as the unit is given there")
    unit = build_attention(
        config, size, memory_size or size, positions=positions, key=f"{key}.{name}"
    )
    if not unit.heads:
        raise UserError(f"{key}.{name}: kind none has no weights; null is multihead")
    return unit
