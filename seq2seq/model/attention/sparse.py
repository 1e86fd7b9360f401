"""Weights of which many are exactly 0, by the `entmax` package.

-- sparsemax: Martins and Astudillo 2016; entmax: Peters, Niculae and Martins 2019.
"""

from functools import partial

import torch
from torch import Tensor

from seq2seq.bounds import Alpha
from seq2seq.errors import UserError
from seq2seq.extras import install_hint
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention.contract import (
    Addressed,
    Addressing,
    AttentionState,
    Memory,
)


class Entmax(Addressing):
    """weights = alpha-entmax(scores): alpha 1 would be softmax, 2 is sparsemax."""

    timeless = True
    causal = True

    def __init__(self, query_size: int, heads: int, *, alpha: Alpha = 1.5) -> None:
        super().__init__(query_size, heads)
        try:
            import entmax
        except ImportError:
            raise UserError(
                f"model.attention.addressing needs the entmax package: {install_hint('sparse')}"
            ) from None
        self.alpha = alpha
        exact = {1.5: entmax.entmax15, 2.0: entmax.sparsemax}.get(alpha)
        function = exact or partial(entmax.entmax_bisect, alpha=alpha)
        self.function = torch.compiler.allow_in_graph(function)  # as it is, not looked into

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return weights that sum to 1 over the positions of the mask."""
        scores_BHTS = at_least_float32(scores_BHTS)
        mask_B1TS = memory.mask_B1TS
        hidden_BHTS = scores_BHTS.detach().masked_fill(~mask_B1TS, float("-inf"))
        # So far below the best that its weight is 0; -inf would make NaN in the sums of squares.
        below_BHT1 = hidden_BHTS.amax(-1, keepdim=True) - 1 / (self.alpha - 1) - 1
        weights_BHTS = self.function(scores_BHTS.where(mask_B1TS, below_BHT1), dim=-1)
        return Addressed(weights_BHTS)


class Sparsemax(Entmax):
    """The nearest point of the simplex to the scores."""

    timeless = True
    causal = True

    def __init__(self, query_size: int, heads: int) -> None:
        super().__init__(query_size, heads, alpha=2.0)
