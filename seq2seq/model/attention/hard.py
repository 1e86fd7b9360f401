"""Hard attention: one position is read, not a mean; in decoding always the likeliest one."""

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.bounds import Fraction, Temperature, Weight
from seq2seq.errors import UserError
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention.contract import (
    Addressed,
    Addressing,
    Attention,
    AttentionState,
    Choices,
    Memory,
    masked_softmax,
)


class Stochastic(Addressing):
    """Positions drawn with the softmax's probabilities, learnt by REINFORCE -- Xu et al. 2015, 4.1.

    The gradient of log p(y | s) reaches the scores through `surrogate` only:

        reward_weight (log p(y | s) - baseline) grad log p(s) + entropy_weight grad H(s)

    The baseline is a moving mean. `expected` is the fraction of steps that read the soft context
    instead of a drawn one; the paper has one half, drawn for a whole image, here for each step.
    """

    causal = True

    def __init__(
        self,
        query_size: int,
        heads: int,
        *,
        reward_weight: Weight = 0.3,
        entropy_weight: Weight = 0.01,
        expected: Fraction = 0.5,
        decay: Fraction = 0.9,
    ) -> None:
        super().__init__(query_size, heads)
        self.reward_weight = reward_weight
        self.entropy_weight = entropy_weight
        self.expected = expected
        self.decay = decay
        self.baseline: Tensor
        self.register_buffer("baseline", torch.zeros(()))

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return one-hot weights (soft ones at `expected` of the steps, in training)."""
        soft_BHTS = masked_softmax(scores_BHTS, memory.mask_B1TS)
        if not self.training:
            return Addressed(one_hot(soft_BHTS.argmax(-1), soft_BHTS))
        # A draw from NaN is an error, on CUDA one that ends the process; the loss will tell of it.
        probs_XS = soft_BHTS.detach().flatten(0, 2).nan_to_num(1.0)
        chosen_BHT = torch.multinomial(probs_XS, 1).view(soft_BHTS.shape[:3])
        logs_BHTS = soft_BHTS.clamp_min(torch.finfo(soft_BHTS.dtype).tiny).log()
        drawn_BT = torch.rand(soft_BHTS[:, 0, :, 0].shape, device=soft_BHTS.device) >= self.expected
        log_probs_BT = logs_BHTS.gather(-1, chosen_BHT.unsqueeze(-1)).sum((1, 3)) * drawn_BT
        entropies_BT = -(soft_BHTS * logs_BHTS).sum((1, 3))
        hard_BHTS = one_hot(chosen_BHT, soft_BHTS)
        weights_BHTS = torch.where(drawn_BT[:, None, :, None], hard_BHTS, soft_BHTS)
        return Addressed(weights_BHTS, Choices(log_probs_BT, entropies_BT))

    def surrogate(self, choices: Choices, log_probs_BT: Tensor, real_BT: Tensor) -> Tensor:
        """Return what makes the gradient the one above.

        A choice is rewarded by the tokens from its own step on: it can't change those before, so
        the gradient is the same on average and varies less. The baseline is kept for one token, as
        sentences differ in length; in training it moves here.
        """
        rewards_BT = log_probs_BT.detach()
        better_BT = (rewards_BT - self.baseline) * real_BT
        advantages_BT = better_BT.flip(1).cumsum(1).flip(1)  # of the step and all after it
        if self.training:
            mean = rewards_BT.sum() / real_BT.sum().clamp(min=1)  # an emptied batch has none
            self.baseline.lerp_(mean.to(self.baseline.dtype), 1 - self.decay)
        reinforced = (advantages_BT * choices.log_probs_BT * real_BT).sum()
        entropy = (choices.entropies_BT * real_BT).sum()
        return -self.reward_weight * reinforced - self.entropy_weight * entropy


class StraightThrough(Addressing):
    """Positions drawn by the Gumbel-max trick; the gradient is that of the Gumbel-softmax.

    -- Jang, Gu and Poole 2017, 2.2; `temperature` is that of the softmax. The gradient is biased.
    """

    causal = True

    def __init__(self, query_size: int, heads: int, *, temperature: Temperature = 1.0) -> None:
        super().__init__(query_size, heads)
        self.temperature = temperature

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return one-hot weights."""
        masked_BHTS = at_least_float32(scores_BHTS).masked_fill(~memory.mask_B1TS, float("-inf"))
        if self.training:
            return Addressed(functional.gumbel_softmax(masked_BHTS, self.temperature, hard=True))
        return Addressed(one_hot(masked_BHTS.argmax(-1), masked_BHTS))


def refuse_hard(unit: Attention, key: str) -> None:
    """Raise UserError if a unit inside an encoder draws positions; `key` is where it was chosen."""
    if unit.addressing.is_drawn:
        raise UserError(f"{key}.addressing: hard is learnt from the decoder's choices; try gumbel")


def one_hot(chosen_BHT: Tensor, like_BHTS: Tensor) -> Tensor:
    """Return weights of 1 at the chosen positions, in the shape and type of `like_BHTS`."""
    # Not by scatter: an exported graph may keep its zeros in the shape of the first batch.
    positions_S = torch.arange(like_BHTS.size(-1), device=like_BHTS.device)
    return (positions_S == chosen_BHT.unsqueeze(-1)).to(like_BHTS.dtype)
