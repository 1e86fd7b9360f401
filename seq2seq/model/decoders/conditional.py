"""Attention between two cells: the conditional GRU of Nematus -- Sennrich et al. 2017, section 2.

Shapes: B batch, I embedding size, D cell size, G gates, V context size.
"""

from torch import Tensor

from seq2seq.config import CellConfig
from seq2seq.model.attention import Attended, AttentionState, Memory
from seq2seq.model.contract import Share, Tree
from seq2seq.model.decoders.attending import build_cells, cells_of
from seq2seq.model.decoders.bahdanau import Bahdanau


class Conditional(Bahdanau):
    """Attention between two cells: s' = cell(y_t, s_t-1), c_t from s', s_t = cell2(c_t, s')."""

    fast_step = True

    def build_first(self, cell: CellConfig | None, embedding: int, size: int) -> None:
        """Make the two cells of the first layer."""
        (self.first,) = cells_of(build_cells(cell, [embedding], size))
        # Without attention there is no context to read, and no cell to read it.
        context = self.attention.context_size
        seconds = build_cells(cell, [context] if context else [], size, role="second")
        self.second = next(iter(cells_of(seconds)), None)

    def shares(self, embedding: int) -> tuple[Share, Share]:
        """Return what tokens contribute to the first cell, and contexts to the second."""
        (token_share,) = self.first.shares(embedding)
        if self.second is None:
            return token_share, token_share
        (context_share,) = self.second.shares(self.attention.context_size)
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
        state = self.first.step(token_BG, state)
        query_B1D = self.first.output(state).unsqueeze(1)
        attended = self.attend(query_B1D, embedded_B1I, memory, attention)
        if self.second is None:
            return state, attended
        return self.second.step(context_share(attended.context_BTV.squeeze(1)), state), attended
