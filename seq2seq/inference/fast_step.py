"""The step of `model_step` with all that no step waits for done ahead: the same in less time.

`fast_step_of` chooses the one that a decoder has, if any. `FastStep` is that of decoders that
attend before or between their cells; `transformer_step.py` has the Transformer's.

- A token's share of the gates and of the readout is a row of a table, filled as tokens come up.
- In a beam the memory's values are first multiplied by the matrices that the context will meet:
  once a source position, not once a hypothesis and step. The mean of the products is the product
  of the mean.
- Where attention reads nothing of the steps before, the hypotheses of a sentence are so many
  queries to one memory, which is neither repeated nor copied.

Shapes: N hypotheses, B memories (one a sentence if shared, else one a hypothesis), S source
positions, H heads, V context size, I embedding size, D layer size, X state size, G gates, R readout
before its nonlinearity, P = G + R, W vocabulary, L tokens of a block.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor

from seq2seq.inference import transformer_step
from seq2seq.inference.transformer_step import TransformerStep
from seq2seq.kernels import products
from seq2seq.model.attention import Attended, Attention, AttentionState, Memory
from seq2seq.model.cells.library import LibraryCell
from seq2seq.model.contract import (
    Decoder,
    Tree,
    apart,
    named_leaves,
    over_source,
    select,
)
from seq2seq.model.decoders.attending import DecoderState
from seq2seq.model.decoders.bahdanau import Bahdanau
from seq2seq.model.decoders.conditional import Conditional
from seq2seq.model.fast import offers
from seq2seq.model.model import Seq2Seq
from seq2seq.search.step import Stepped


class FastState(NamedTuple):
    """What a step needs of the one before, and the memory."""

    memory: Memory
    layers: tuple[Tree, ...]  # the state of each cell
    attention: AttentionState
    shared: bool  # the hypotheses of a sentence share its memory
    projected: bool  # the memory's values have met their matrices
    latents: tuple[Tensor, ...] = ()  # of a memory of latents: `OverLatents.weights_BNS`

    def reorder(self, rows_N: Tensor) -> FastState:
        """Continue other rows of the same sentences."""
        attention = self.attention if self.shared else select(self.attention, rows_N)
        return self._replace(layers=select(self.layers, rows_N), attention=attention)

    def keep(self, rows_N: Tensor) -> FastState:
        """Keep only these rows."""
        sharing = _rows(self.layers) // len(self.memory.mask_BS)
        return self._of(rows_N[::sharing] // sharing, select(self.layers, rows_N))

    def repeat(self, times: int) -> FastState:
        """Repeat each row, side by side."""
        rows = torch.arange(_rows(self.layers), device=self.memory.mask_BS.device)
        rows = rows.repeat_interleave(times)
        layers = select(self.layers, rows)
        return self._replace(layers=layers) if self.shared else self._of(rows, layers)

    def _of(self, rows_B: Tensor, layers: tuple[Tree, ...]) -> FastState:
        return self._replace(
            memory=select(self.memory, rows_B),
            layers=layers,
            attention=select(self.attention, rows_B),
            latents=select(self.latents, rows_B),
        )


class FastStep:
    """The step of one model, whose weights must stay as they are."""

    def __init__(self, model: Seq2Seq) -> None:
        decoder = model.decoder
        assert isinstance(decoder, Bahdanau)
        first, *self._upper = decoder.cells
        self._residual = decoder.residual
        assert isinstance(first, LibraryCell)
        self._model = model
        self._decoder = decoder
        self._first, self._second = first, None
        embedding, context = model.target_embedding.embedding_dim, decoder.attention.context_size
        if isinstance(decoder, Conditional):
            assert isinstance(decoder.second, LibraryCell)
            self._second = decoder.second
            (token_weights,) = first.input_weights(embedding)
            (context_weights,) = decoder.second.input_weights(context)
        else:
            token_weights, context_weights = first.input_weights(embedding, context)
        state_part, token_part, context_part = decoder.readout.linear.weight.split(
            (first.size, embedding, context), dim=1
        )
        self._sizes = [len(context_weights), len(context_part)]
        self._state_weights_RD = state_part.contiguous()
        self._context_weights_PV = torch.cat((context_weights, context_part))
        self._table = TokenTable(
            model.target_embedding.weight,
            torch.cat((token_weights, token_part)),
            torch.cat((first.input_bias, decoder.readout.linear.bias)),
        )

    def start(self, memory: Tree, state: Tree, *, slots: int) -> FastState:
        """Return the state before the first step, a row a sentence, each to have so many slots."""
        memory, latents = apart(memory)
        memory, state = cast("Memory", memory), cast("DecoderState", state)
        attention = self._decoder.attention
        projected = slots > 1 and _reads_means(attention)
        if projected:
            values_BHSP = products.linear(memory.values_BHSV, self._context_weights_PV)
            memory = memory._replace(values_BHSV=values_BHSP)
        return FastState(
            memory,
            state.layers,
            state.attention,
            shared=offers(attention, "timeless") and offers(attention.addressing, "timeless"),
            projected=projected,
            latents=latents,
        )

    def __call__(self, tokens_N: Tensor, state: FastState) -> Stepped:
        """Return what follows `tokens_N`."""
        first, second, (cell, *upper) = self._first, self._second, state.layers
        token_NG, token_NR = self._table(tokens_N).split(self._sizes, dim=1)
        if second is not None:
            cell = first.step(token_NG, cell)
        attended = self._attend(first.output(cell), tokens_N, state)
        context_NG, context_NR = self._shares(attended, state)
        if second is None:
            cell = first.step(token_NG + context_NG, cell)
        else:
            cell = second.step(context_NG + second.input_bias, cell)
        output_ND = first.output(cell)
        layers = [cell]
        for layer, layer_state in zip(self._upper, upper, strict=True):
            (share,) = layer.shares(output_ND.size(-1))
            layers.append(layer.step(share(output_ND), layer_state))
            above_ND = layer.output(layers[-1])
            output_ND = output_ND + above_ND if self._residual else above_ND
        mixed_NR = products.linear(output_ND, self._state_weights_RD) + token_NR + context_NR
        logits_NW = self._model.output(self._decoder.readout.squash(mixed_NR))
        weights_BHTS = over_source(attended.weights_BHTS, state.latents)
        return Stepped(
            logits_NW.log_softmax(-1, dtype=torch.float32),
            weights_BHTS.transpose(1, 2).flatten(0, 1),
            state._replace(
                layers=tuple(layers),
                attention=state.attention if state.shared else attended.state,
            ),
        )

    def _attend(self, output_ND: Tensor, tokens_N: Tensor, state: FastState) -> Attended:
        """Attend, the hypotheses that share a memory as the T queries to it."""
        attention = self._decoder.attention
        query_NQ = output_ND
        if attention.reads_token:
            query_NQ = torch.cat((self._model.target_embedding(tokens_N), query_NQ), -1)
        query_BTQ = query_NQ.unflatten(0, (len(state.memory.mask_BS), -1))
        attended: Attended = attention(query_BTQ, state.memory, state.attention)
        return attended

    def _shares(self, attended: Attended, state: FastState) -> list[Tensor]:
        """The context's share of gates and readout."""
        context_NP = attended.context_BTV.flatten(0, 1)
        if not state.projected:
            context_NP = products.linear(context_NP, self._context_weights_PV)
        return list(context_NP.split(self._sizes, dim=1))


class TokenTable:
    """Embedding -> W x + b of each token, kept.

    A row is made when its token first comes up, always with the same others: its bits must not
    depend on what was translated before.
    """

    _BLOCK = 16

    def __init__(self, embedding_WI: Tensor, weights_PI: Tensor, bias_P: Tensor) -> None:
        self._embedding_WI = embedding_WI
        self._weights_PI = weights_PI
        self._bias_P = bias_P
        self._table_WP = embedding_WI.new_empty(len(embedding_WI), len(weights_PI))
        self._missing = [True] * -(-len(embedding_WI) // self._BLOCK)

    def __call__(self, tokens_N: Tensor) -> Tensor:
        """Return the rows of the tokens."""
        if tokens_N.is_cuda:  # looking what is missing would wait for the device
            return self._shares(self._embedding_WI[tokens_N])
        for block in set((tokens_N // self._BLOCK).tolist()):
            if self._missing[block]:
                rows = slice(block * self._BLOCK, (block + 1) * self._BLOCK)
                self._table_WP[rows] = self._shares(self._embedding_WI[rows])
                self._missing[block] = False
        return self._table_WP.index_select(0, tokens_N)

    def _shares(self, embedded_LI: Tensor) -> Tensor:
        return products.linear(embedded_LI, self._weights_PI, self._bias_P)


def fast_step_of(model: Seq2Seq) -> FastStep | TransformerStep | None:
    """Return the step that does what the model does, as long as nobody probes it; None: there is
    none.

    The weights must then stay as they are.
    """
    if fits(model.decoder):
        return FastStep(model)
    if transformer_step.fits(model.decoder):
        return TransformerStep(model)
    return None


def fits(decoder: Decoder) -> bool:
    """Whether `FastStep` does what the decoder does."""
    return (
        offers(decoder, "fast_step")
        and isinstance(decoder, Bahdanau)
        and isinstance(decoder.first, LibraryCell)
        and decoder.attention.heads > 0
    )


def _rows(layers: tuple[Tree, ...]) -> int:
    _, first = next(named_leaves(layers))
    return first.size(0)


def _reads_means(attention: Attention) -> bool:
    """Whether the context is the weighted mean of the values and nothing else."""
    return attention.heads == 1 and offers(
        attention, "reads_means", ("forward", "_attend", "merge")
    )
