"""What an attention unit is: score -> address -> read.

Shapes: B batch, T decoder steps (any T >= 1), S memory positions, H heads, Q query size,
E memory size, K key size, V value size.

The same code serves a whole target sequence (T = all) and one step of decoding (T = 1). Nothing
about a sentence is kept on the module: state goes in and comes out, batch first, so that a beam
may reorder it without knowing what it is.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.model.trace import trace


class Memory(NamedTuple):
    """What is attended to, projected once a source sentence; the mask is True where it may be."""

    keys_BHSK: Tensor
    values_BHSV: Tensor
    mask_BS: Tensor


class AttentionState(NamedTuple):
    """What step t may need of step t - 1: how many steps there were, and the last one's weights."""

    step_B: Tensor
    weights_BHS: Tensor


class Attended(NamedTuple):
    """The context read (heads side by side), the weights it was read with, and the next state."""

    context_BTV: Tensor
    weights_BHTS: Tensor
    state: AttentionState


class Attention(nn.Module):
    """The contract; a unit overrides `score`, and `prepare` and `queries` when it has weights.

    A unit's own settings are the keyword-only arguments of its `__init__`: the configuration
    gives them beside `kind` and they are checked against the annotations there.
    """

    recurrent: ClassVar[bool] = False
    """True when step t reads the state of step t - 1, so that steps can't be taken at once."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.query_size = query_size
        self.memory_size = memory_size
        self.heads = 1
        self.context_size = memory_size

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return the keys and values of encoder states: here the states themselves, one head."""
        states_B1SE = memory_BSE.unsqueeze(1)
        return Memory(states_B1SE, states_B1SE, mask_BS)

    def start(self, memory: Memory) -> AttentionState:
        """Return the state before the first step."""
        batch, positions = memory.mask_BS.shape
        return AttentionState(
            memory.mask_BS.new_zeros(batch, dtype=torch.long),
            memory.values_BHSV.new_zeros(batch, self.heads, positions),
        )

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return queries_BHTK: here the decoder's vectors themselves, one head."""
        return query_BTQ.unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return scores_BHTS, how well each position answers each query: the paper's equation."""
        raise NotImplementedError

    def address(self, scores_BHTS: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return weights_BHTS, non-negative and summing to 1 over the positions of the mask."""
        return masked_softmax(scores_BHTS, memory.mask_BS[:, None, None, :])

    def merge(self, contexts_BHTV: Tensor) -> Tensor:
        """Return context_BTV of the contexts of all heads, side by side."""
        return contexts_BHTV.transpose(1, 2).flatten(2)

    def forward(self, query_BTQ: Tensor, memory: Memory, state: AttentionState) -> Attended:
        """Attend to `memory` with T queries a sentence."""
        queries_BHTK = trace("queries_BHTK", self.queries(query_BTQ))
        scores_BHTS = trace("scores_BHTS", self.score(queries_BHTK, memory, state))
        weights_BHTS = trace("weights_BHTS", self.address(scores_BHTS, memory, state))
        contexts_BHTV = weights_BHTS.to(memory.values_BHSV.dtype) @ memory.values_BHSV
        context_BTV = trace("context_BTV", self.merge(contexts_BHTV))
        state = AttentionState(state.step_B + query_BTQ.size(1), weights_BHTS[:, :, -1])
        return Attended(context_BTV, weights_BHTS, state)


def masked_softmax(scores_BHTS: Tensor, mask_B11S: Tensor) -> Tensor:
    """Return the softmax over the positions where the mask is True, in float32 or wider.

    A position outside the mask gets exactly 0. Each row needs one position inside it.
    """
    scores_BHTS = scores_BHTS.to(torch.promote_types(scores_BHTS.dtype, torch.float32))
    return scores_BHTS.masked_fill(~mask_B11S, float("-inf")).softmax(-1)


def split_heads(vectors_BXD: Tensor, heads: int) -> Tensor:
    """Return vectors_BHXd of vectors whose last axis holds `heads` slices of equal width."""
    return vectors_BXD.unflatten(-1, (heads, -1)).transpose(1, 2)
