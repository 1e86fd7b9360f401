"""Controls: what a model does when attention can say nothing, or is not there."""

from torch import Tensor

from seq2seq.model.attention.contract import Attention, AttentionState, Memory


class Uniform(Attention):
    """Every position alike, whatever the query: the context is the mean of the memory."""

    timeless = True

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return 0 everywhere."""
        batch, positions = memory.mask_BS.shape
        return queries_BHTK.new_zeros(batch, 1, queries_BHTK.size(2), positions)


class NoAttention(Attention):
    """Nothing but the bridge joins encoder and decoder -- Cho et al. 2014.

    Zero heads: a context of size 0, weights of shape (B, 0, T, S).
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.heads = 0
        self.context_size = 0

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return a memory of no heads."""
        batch, positions, _ = memory_BSE.shape
        empty_BHSV = memory_BSE.new_zeros(batch, 0, positions, 1)
        return Memory(empty_BHSV, empty_BHSV, mask_BS)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return queries of no heads."""
        return query_BTQ.new_zeros(query_BTQ.size(0), 0, query_BTQ.size(1), 1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return the scores of no heads."""
        return queries_BHTK @ memory.keys_BHSK.transpose(-1, -2)
