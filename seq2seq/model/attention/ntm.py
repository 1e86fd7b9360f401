"""The addressing of the Neural Turing Machine's memory -- Graves, Wayne and Danihelka 2014, 3.3.

Here the memory is the encoder's states, read only. The paper's focusing by content is the unit
`cosine`; what follows it (figure 2) is the addressing `ntm`. The whole machine is the cell `ntm`.
"""

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.kernels.deferred import Linear
from seq2seq.model.attention.contract import (
    Addressed,
    Addressing,
    Attention,
    AttentionState,
    Memory,
    masked_softmax,
)
from seq2seq.model.attention.hard import one_hot
from seq2seq.model.attention.luong import dot_product
from seq2seq.model.memory import interpolate, oneplus, sharpen, shift


class Cosine(Attention):
    """score(s, h) = beta(s) cos(W s, h): key W s and key strength beta > 0 -- equations 5 and 6."""

    timeless = True

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.query = Linear(query_size, memory_size)
        self.strength = Linear(query_size, 1)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return h / |h| as keys and h as values."""
        keys_BSE = functional.normalize(memory_BSE, dim=-1)
        return Memory(keys_BSE.unsqueeze(1), memory_BSE.unsqueeze(1), mask_BS)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return beta W s / |W s|."""
        strength_BT1 = functional.softplus(self.strength(query_BTQ))
        return (strength_BT1 * functional.normalize(self.query(query_BTQ), dim=-1)).unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return beta cos(W s, h)."""
        return dot_product(queries_BHTK, memory.keys_BHSK)


class NTMAddressing(Addressing):
    """Interpolate with the last weights, shift by -1, 0 or 1, sharpen -- equations 7 to 9.

    Gate, shifts and sharpness come from the query. Positions are those of the sentence in a ring.
    Before the first step the weight lies on the first position; the paper leaves it open.
    """

    recurrent = True
    needs_positions = True

    def __init__(self, query_size: int, heads: int) -> None:
        super().__init__(query_size, heads)
        self.control = Linear(query_size, heads * 5)

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return weights that sum to 1 over the positions of the mask; T must be 1."""
        content_BHS = masked_softmax(scores_BHTS, memory.mask_BS[:, None, None]).squeeze(2)
        control_BHC = self.control(query_BTQ.squeeze(1)).unflatten(-1, (self.heads, 5))
        control_BHC = control_BHC.to(content_BHS.dtype)
        gate_BH1 = control_BHC[..., :1].sigmoid()
        shifts_BHR = control_BHC[..., 1:4].softmax(-1)
        gated_BHS = interpolate(content_BHS, _last_weights(state, content_BHS), gate_BH1)
        moved_BHS = shift(_neighbours(gated_BHS, memory.mask_BS), shifts_BHR)
        sharp_BHS = sharpen(moved_BHS, oneplus(control_BHC[..., 4:]), memory.mask_BS.unsqueeze(1))
        return Addressed(sharp_BHS.unsqueeze(2))


def _last_weights(state: AttentionState, like_BHS: Tensor) -> Tensor:
    first_BHS = one_hot(torch.zeros_like(like_BHS[..., 0], dtype=torch.long), like_BHS)
    started_B11 = (state.step_B > 0)[:, None, None]
    return torch.where(started_B11, state.weights_BHS.to(like_BHS.dtype), first_BHS)


def _neighbours(weights_BHS: Tensor, mask_BS: Tensor) -> Tensor:
    """Return neighbours_BHSR: the position before, itself and the one after, in the ring of each
    sentence's own length."""
    places_S = torch.arange(mask_BS.size(1), device=mask_BS.device)
    lengths_B1 = mask_BS.sum(-1, keepdim=True)
    found = []
    for offset in (-1, 0, 1):
        from_BS = (places_S + offset) % lengths_B1
        found.append(weights_BHS.gather(-1, from_BS.unsqueeze(1).expand_as(weights_BHS)))
    return torch.stack(found, -1)
