"""Attention after the cell -- Luong et al. 2015.

Shapes: B batch, T steps, I embedding size, D cell size, G gates, F feature size, V context size.
"""

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor

from seq2seq.config import BridgeKind, CellConfig
from seq2seq.model.attention import Attended, Memory
from seq2seq.model.attention import join as join_attended
from seq2seq.model.cells import refuse_residual, run_stack
from seq2seq.model.contract import Cell, Decoded, Surroundings, Tree
from seq2seq.model.decoders.attending import (
    AttendingDecoder,
    DecoderState,
    build_cells,
    cells_of,
)
from seq2seq.model.decoders.readout import Readout


class Luong(AttendingDecoder):
    """Attention after the cell: s_t = cell(y_t, s_t-1), then f_t = tanh(W [c_t ; s_t]).

    -- Luong et al. 2015, equation 5; with input feeding (section 3.3) f_t-1 joins y_t.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        size: int,
        cell: CellConfig | None = None,
        layers: int = 1,
        residual: bool = False,
        input_feeding: bool = False,
        bridge: BridgeKind = "last",
        readout: Literal["tanh", "maxout"] = "tanh",
    ) -> None:
        embedding = surroundings.embedding
        super().__init__(surroundings, size, fed_size=embedding if input_feeding else 0)
        if residual:
            refuse_residual("model.decoder", layers)
        self.residual = residual
        sizes = [embedding + self.fed_size] + [size] * (layers - 1)
        self.layers = build_cells(cell, sizes, size)
        self.readout = Readout(readout, self.attention.context_size + size, embedding)
        self.bridge = self.build_bridge(bridge, surroundings.memory_size)

    @property
    def parallel(self) -> bool:
        """True without input feeding."""
        return not self.fed_size

    @property
    def cells(self) -> Sequence[Cell]:
        """All layers."""
        return cells_of(self.layers)

    def forward(self, embedded_BTI: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        memory, state = cast("Memory", memory), cast("DecoderState", state)
        if self.parallel:
            return self._all_at_once(embedded_BTI, memory, state)
        return self._step_by_step(embedded_BTI, memory, state)

    def _all_at_once(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        first, *upper = self.cells
        outputs_BTD, end_of_first = first(embedded_BTI, state.layers[0])
        outputs_BTD, ends = run_stack(
            upper, outputs_BTD, state.layers[1:], self.dropout, residual=self.residual
        )
        layers = (end_of_first, *ends)
        attended = self.attend(outputs_BTD, embedded_BTI, memory, state.attention)
        features_BTF = self.readout(attended.context_BTV, outputs_BTD)
        end = DecoderState(layers, state.fed_BF, attended.state)
        return Decoded(features_BTF, attended.weights_BHTS, end, attended.named_choices("source"))

    def _step_by_step(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        first, *upper = self.cells
        token_share, fed_share = first.shares(embedded_BTI.size(-1), self.fed_size)
        shares = [cell.shares(cell.input_size)[0] for cell in upper]
        tokens_BTG = token_share(embedded_BTI)  # no step waits for these
        layers, fed_BF, attention = list(state.layers), state.fed_BF, state.attention
        features: list[Tensor] = []
        steps: list[Attended] = []
        # unbind, not indexing: the backward of T slices would fill T tensors with zeros
        for token_BG, embedded_B1I in zip(
            tokens_BTG.unbind(1), embedded_BTI.split(1, dim=1), strict=True
        ):
            layers[0] = first.step(token_BG + fed_share(fed_BF), layers[0])
            output_BD = first.output(layers[0])
            for number, (cell, share) in enumerate(zip(upper, shares, strict=True), 1):
                layers[number] = cell.step(share(self.dropout(output_BD)), layers[number])
                above_BD = cell.output(layers[number])
                output_BD = output_BD + above_BD if self.residual else above_BD
            output_B1D = output_BD.unsqueeze(1)
            steps.append(self.attend(output_B1D, embedded_B1I, memory, attention))
            attention = steps[-1].state
            feature_BF = self.readout(steps[-1].context_BTV, output_B1D).squeeze(1)
            fed_BF = feature_BF[:, : self.fed_size]
            features.append(feature_BF)
        attended = join_attended(steps)
        end = DecoderState(tuple(layers), fed_BF, attention)
        features_BTF = torch.stack(features, 1)
        return Decoded(features_BTF, attended.weights_BHTS, end, attended.named_choices("source"))
