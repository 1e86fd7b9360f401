"""Attention before the cell -- Bahdanau, Cho and Bengio 2015, A.1.2.

Shapes: B batch, T steps, I embedding size, D cell size, G gates, F feature size, V context size.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor

from seq2seq.config import BridgeKind, CellConfig
from seq2seq.kernels.attention_loop import Read, StepWeights, attend_before_gru
from seq2seq.kernels.deferred import is_deferring
from seq2seq.model.attention import Attended, AttentionState, Memory
from seq2seq.model.attention import join as join_attended
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.cells import Cell, refuse_residual, run_stack
from seq2seq.model.cells.gru import GRU
from seq2seq.model.contract import Decoded, Share, Surroundings, Tree
from seq2seq.model.decoders.attending import (
    AttendingDecoder,
    DecoderState,
    build_cells,
    cells_of,
)
from seq2seq.model.decoders.readout import Readout
from seq2seq.model.fast import offers
from seq2seq.model.probe import scope


class Steps(NamedTuple):
    """What the steps of the first layer gave: outputs, the state after them, and attention."""

    outputs_BTD: Tensor
    state: Tree
    attended: Attended


class Bahdanau(AttendingDecoder):
    """Attention before the cell: c_t from s_t-1, then s_t = cell([y_t ; c_t], s_t-1).

    -- Bahdanau et al. 2015, A.1.2. Their next token depends on y_t-1, s_t and c_t in equation 4,
    but on s_t-1 in A.2.2; this is equation 4, as in most systems since. Upper layers, if any, read
    the first one's outputs and take no part in attention, so no step waits for them.
    """

    fused_loop = True
    fast_step = True

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        size: int,
        cell: CellConfig | None = None,
        layers: int = 1,
        residual: bool = False,
        bridge: BridgeKind = "last",
        readout: Literal["tanh", "maxout"] = "tanh",
    ) -> None:
        super().__init__(surroundings, size)
        if residual:
            refuse_residual("model.decoder", layers)
        self.residual = residual
        embedding, context = surroundings.embedding, self.attention.context_size
        self.build_first(cell, embedding, size)
        self.upper = build_cells(cell, [size] * (layers - 1), size, lowest=2)
        self.readout = Readout(readout, size + embedding + context, embedding)
        self.bridge = self.build_bridge(bridge, surroundings.memory_size)

    def build_first(self, cell: CellConfig | None, embedding: int, size: int) -> None:
        """Make what the first layer consists of."""
        (self.first,) = cells_of(build_cells(cell, [embedding + self.attention.context_size], size))

    @property
    def cells(self) -> Sequence[Cell]:
        """The first layer's, and those above."""
        return [self.first, *cells_of(self.upper)]

    def forward(self, embedded_BTI: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        memory, state = cast("Memory", memory), cast("DecoderState", state)
        if embedded_BTI.size(1) > 1 and is_deferring() and self._offers_loop():
            steps = self._fused_loop(embedded_BTI, memory, state)
        else:
            steps = self._step_by_step(embedded_BTI, memory, state)
        # What no step waits for follows over all T at once.
        outputs_BTD, attended = steps.outputs_BTD, steps.attended
        upper = state.layers[1:]
        if self.upper:
            outputs_BTD, upper = run_stack(
                self.upper, outputs_BTD, upper, self.dropout, residual=self.residual
            )
        features_BTF = self.readout(outputs_BTD, embedded_BTI, attended.context_BTV)
        end = DecoderState((steps.state, *upper), state.fed_BF, attended.state)
        return Decoded(features_BTF, attended.weights_BHTS, end, attended.named_choices("source"))

    def _offers_loop(self) -> bool:
        parts = self, self.attention, self.attention.addressing, self.first
        return all(offers(part, "fused_loop") for part in parts)

    def _fused_loop(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Steps:
        """`_step_by_step` as one function: training by additive attention over one GRU layer."""
        cell, unit, initial_BD = self.first, self.attention, state.layers[0]
        assert isinstance(cell, GRU)
        assert isinstance(unit, Additive)
        assert isinstance(initial_BD, Tensor)
        sizes = embedded_BTI.size(-1), unit.context_size
        token_share, _ = cell.shares(*sizes)
        states_BTD, context_BTV, weights_BTS = attend_before_gru(
            token_share(embedded_BTI),
            initial_BD,
            StepWeights(cell.input_weights(*sizes)[1], *cell.hidden_weights()),
            Read(
                memory.keys_BHSK[:, 0],
                memory.values_BHSV[:, 0],
                unit.query.weight,
                unit.energy.weight[0],
                memory.mask_BS,
            ),
            partial(scope, "source"),
        )
        weights_BHTS = weights_BTS.unsqueeze(1)
        end = unit.advance(state.attention, weights_BHTS)
        return Steps(states_BTD, states_BTD[:, -1], Attended(context_BTV, weights_BHTS, end))

    def _step_by_step(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Steps:
        token_share, context_share = self.shares(embedded_BTI.size(-1))
        tokens_BTG = token_share(embedded_BTI)  # no step waits for these
        first, attention = state.layers[0], state.attention
        outputs: list[Tensor] = []
        steps: list[Attended] = []
        for token_BG, embedded_B1I in zip(
            tokens_BTG.unbind(1), embedded_BTI.split(1, dim=1), strict=True
        ):
            first, attended = self._step(
                token_BG, embedded_B1I, context_share, first, memory, attention
            )
            attention = attended.state
            outputs.append(self.first.output(first))
            steps.append(attended)
        return Steps(torch.stack(outputs, 1), first, join_attended(steps))

    def shares(self, embedding: int) -> tuple[Share, Share]:
        """Return what tokens, and what contexts, contribute to a step."""
        token_share, context_share = self.first.shares(embedding, self.attention.context_size)
        return token_share, context_share

    def _step(
        self,
        token_BG: Tensor,
        embedded_B1I: Tensor,
        context_share: Share,
        state: Tree,
        memory: Memory,
        attention: AttentionState,
    ) -> tuple[Tree, Attended]:
        """The first layer's next state, given the token's share of its input."""
        query_B1D = self.first.output(state).unsqueeze(1)
        attended = self.attend(query_B1D, embedded_B1I, memory, attention)
        context_BG = context_share(attended.context_BTV.squeeze(1))
        return self.first.step(token_BG + context_BG, state), attended
