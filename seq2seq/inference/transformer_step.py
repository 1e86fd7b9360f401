"""The Transformer's step in search: the hypotheses of a sentence share one memory of all tokens.

- The newest tokens of a sentence's hypotheses are so many queries to one memory of the source,
  which is neither repeated nor copied, and to one memory of all tokens emitted so far.
- Each token is stored once. When the beam is reordered, what moves is not keys and values but which
  of the tokens are a hypothesis's own: one bit a token.

Shapes: B sentences, K hypotheses of each, N = B * K, S tokens emitted so far, I embedding size,
W vocabulary.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor

from seq2seq.model.attention import Memory, causal
from seq2seq.model.contract import Decoder, Tree, apart, over_source, select
from seq2seq.model.decoders.transformer import (
    DecoderLayer,
    LayerState,
    TransformerDecoder,
    TransformerState,
)
from seq2seq.model.fast import offers
from seq2seq.model.model import Seq2Seq
from seq2seq.search.step import Stepped


class SharedState(NamedTuple):
    """What a step needs of the steps before, and the memory, a row a sentence.

    The next step writes to it: it is stepped from once.
    """

    memories: tuple[Memory, ...]
    layers: tuple[LayerState, ...]
    visible_BKS: Tensor
    """True where a token is of the hypothesis's own past."""
    step: int
    latents: tuple[Tensor, ...] = ()
    """Of memories of latents: `OverLatents.weights_BNS`."""

    def reorder(self, rows_N: Tensor) -> SharedState:
        """Continue other rows of the same sentences."""
        visible_NS = self.visible_BKS.flatten(0, 1).index_select(0, rows_N)
        return self._replace(visible_BKS=visible_NS.unflatten(0, (len(self.visible_BKS), -1)))

    def keep(self, rows_N: Tensor) -> SharedState:
        """Keep only these rows."""
        slots = self.visible_BKS.size(1)
        rows_B = rows_N[::slots] // slots
        return SharedState(
            select(self.memories, rows_B),
            select(self.layers, rows_B),
            self.visible_BKS[rows_B],
            self.step,
            select(self.latents, rows_B),
        )

    def repeat(self, times: int) -> SharedState:
        """Repeat each row, side by side."""
        return self._replace(visible_BKS=self.visible_BKS.repeat_interleave(times, 1))


class TransformerStep:
    """The step of one model, whose weights must stay as they are."""

    def __init__(self, model: Seq2Seq) -> None:
        assert isinstance(model.decoder, TransformerDecoder)
        self._model = model
        self._decoder = model.decoder

    def start(self, memory: Tree, state: Tree, *, slots: int) -> SharedState:
        """Return the state before the first step, a row a sentence."""
        memory, latents = apart(memory)
        memories, state = cast("tuple[Memory, ...]", memory), cast("TransformerState", state)
        layers = tuple(layer._replace(past=causal.Shared(*layer.past)) for layer in state.layers)
        mask_BS = memories[0].mask_BS
        return SharedState(memories, layers, mask_BS.new_empty(len(mask_BS), 1, 0), 0, latents)

    def __call__(self, tokens_N: Tensor, state: SharedState) -> Stepped:
        """Return what follows `tokens_N`."""
        batch, slots, _ = state.visible_BKS.shape
        itself_KK = torch.eye(slots, dtype=torch.bool, device=tokens_N.device)
        visible_BKS = torch.cat((state.visible_BKS, itself_KK.expand(batch, -1, -1)), 2)
        embedded_BKI = self._model.target_embedding(tokens_N).unflatten(0, (batch, slots))
        positions_11 = torch.full((1, 1), state.step, device=tokens_N.device)
        attend = partial(causal.attend_shared, visible_BKS=visible_BKS)
        read = self._decoder.read(embedded_BKI, positions_11, state.memories, state.layers, attend)
        logits_NW = self._model.output(read.features_BTF.flatten(0, 1))
        weights_BHKS = self._decoder.source_weights(read)[:, self._model.aligned]
        weights_BHKS = over_source(weights_BHKS, state.latents)
        return Stepped(
            logits_NW.log_softmax(-1, dtype=torch.float32),
            weights_BHKS.transpose(1, 2).flatten(0, 1),
            state._replace(
                layers=tuple(
                    new._replace(source=old.source)
                    for new, old in zip(read.layers, state.layers, strict=True)
                ),
                visible_BKS=visible_BKS,
                step=state.step + 1,
            ),
        )


def fits(decoder: Decoder) -> bool:
    """Whether `TransformerStep` does what the decoder does."""
    return (
        offers(decoder, "fast_step")
        and isinstance(decoder, TransformerDecoder)
        and all(_fits(cast("DecoderLayer", layer)) for layer in decoder.layers)
    )


def _fits(layer: DecoderLayer) -> bool:
    source = layer.source.unit
    return (
        causal.takes_all_at_once(layer.itself.unit)
        and offers(source, "timeless")
        and offers(source.addressing, "timeless")
        and source.heads > 0
    )
