"""Luong et al. 2015, section 3.2: attention to a window of the source, by any score."""

import torch
from torch import Tensor, nn

from seq2seq.bounds import Length
from seq2seq.kernels.deferred import Linear
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention.contract import (
    Addressed,
    Addressing,
    AttentionState,
    Memory,
    masked_softmax,
)


class LocalMonotonic(Addressing):
    """local-m: softmax over the positions t - D to t + D at step t; D is `window`.

    Beyond the end of a source shorter than t, the window stays at its last position, as an empty
    one would have no weights; the paper does not say.
    """

    needs_positions = True

    def __init__(self, query_size: int, heads: int, *, window: Length = 10) -> None:
        super().__init__(query_size, heads)
        self.window = window

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return weights that sum to 1 over the window."""
        steps_T = torch.arange(scores_BHTS.size(2), device=scores_BHTS.device)
        last_B1 = memory.mask_BS.sum(-1, keepdim=True) - 1
        centres_BT = torch.minimum(state.step_B.unsqueeze(1) + steps_T, last_B1)
        window_B1TS = _distances(centres_BT.unsqueeze(1), memory) <= self.window
        return Addressed(masked_softmax(scores_BHTS, window_B1TS & memory.mask_BS[:, None, None]))


class LocalPredictive(Addressing):
    """local-p: the window's centre p_t is predicted, and weights fall off from it as a Gaussian.

        p_t = S sigmoid(v . tanh(W s_t))
        weights(s) = softmax(scores)(s) exp(-(s - p_t)^2 / (2 sigma^2)),  sigma = D / 2

    By this, their equation 10, weights sum to less than 1.
    """

    sums_to_one = False
    needs_positions = True

    def __init__(self, query_size: int, heads: int, *, window: Length = 10) -> None:
        super().__init__(query_size, heads)
        self.window = window
        self.position = nn.Sequential(
            Linear(query_size, query_size, bias=False),
            nn.Tanh(),
            Linear(query_size, heads, bias=False),
        )

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return weights that sum to at most 1 over the window."""
        lengths_B11 = memory.mask_BS.sum(-1)[:, None, None]
        shares_BTH = at_least_float32(self.position(query_BTQ)).sigmoid()  # bf16 skips positions
        centres_BHT = lengths_B11 * shares_BTH.transpose(1, 2)
        distances_BHTS = _distances(centres_BHT, memory)
        window_BHTS = (distances_BHTS <= self.window) & memory.mask_BS[:, None, None]
        gaussian_BHTS = (-0.5 * (distances_BHTS / (self.window / 2)) ** 2).exp()
        return Addressed(masked_softmax(scores_BHTS, window_BHTS) * gaussian_BHTS)


def _distances(centres_BHT: Tensor, memory: Memory) -> Tensor:
    """How far each position is from each centre, shape BHTS."""
    positions_S = torch.arange(memory.mask_BS.size(1), device=centres_BHT.device)
    return (positions_S - centres_BHT.unsqueeze(-1)).abs()
