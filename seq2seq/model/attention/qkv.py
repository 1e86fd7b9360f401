"""Scaled dot-product attention with learnt queries, keys and values -- Vaswani et al. 2017, 3.2."""

import math

from torch import Tensor

from seq2seq.bounds import Heads, Units
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear
from seq2seq.model.attention.contract import Attention, AttentionState, Memory, split_heads
from seq2seq.model.attention.luong import dot_product


class QKV(Attention):
    """score(s, h) = (Q s) . (K h) / sqrt(d); the context is a mean of V h; all three d = `size`.

    The source article's variant 2: three fully connected layers, without bias unless `bias`.
    """

    timeless = True

    def __init__(
        self, query_size: int, memory_size: int, *, size: Units | None = None, bias: bool = False
    ) -> None:
        super().__init__(query_size, memory_size)
        self.context_size = size = size or query_size
        self.query = Linear(query_size, size, bias=bias)
        self.key = Linear(memory_size, size, bias=bias)
        self.value = Linear(memory_size, size, bias=bias)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return K h as keys and V h as values."""
        keys_BHSK = split_heads(self.key(memory_BSE), self.heads)
        values_BHSV = split_heads(self.value(memory_BSE), self.heads)
        # Each head's together, as the product of every step would else copy them.
        return Memory(keys_BHSK.contiguous(), values_BHSV.contiguous(), mask_BS)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return Q s."""
        return split_heads(self.query(query_BTQ), self.heads)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return (Q s) . (K h) / sqrt(d), d the width of one head."""
        return dot_product(queries_BHTK, memory.keys_BHSK) / math.sqrt(queries_BHTK.size(-1))


class MultiHead(QKV):
    """`heads` QKV units on slices of d = size / heads, their contexts mixed by one more layer."""

    timeless = True

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        *,
        size: Units | None = None,
        heads: Heads = 4,
        bias: bool = False,
    ) -> None:
        super().__init__(query_size, memory_size, size=size, bias=bias)
        if self.context_size % heads:
            raise UserError(
                f"model.attention.heads: expected a divisor of size {self.context_size}, "
                f"found {heads}"
            )
        self.heads = heads
        self.output = Linear(self.context_size, self.context_size, bias=bias)

    def merge(self, contexts_BHTV: Tensor) -> Tensor:
        """Return the output layer's mix of all heads."""
        return self.output(super().merge(contexts_BHTV))
