"""Additive attention, Luong's `concat` -- Bahdanau, Cho and Bengio 2015, A.1.2."""

from torch import Tensor, nn

from seq2seq.bounds import Units
from seq2seq.kernels.deferred import Linear
from seq2seq.kernels.energies import energies
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention.contract import (
    Attention,
    AttentionState,
    Memory,
)


class Additive(Attention):
    """score(s, h) = v . tanh(W s + U h), with `size` units between (default: the query's size)."""

    timeless = True
    fused_loop = True

    def __init__(self, query_size: int, memory_size: int, *, size: Units | None = None) -> None:
        super().__init__(query_size, memory_size)
        size = size or query_size
        self.query = Linear(query_size, size, bias=False)
        self.key = Linear(memory_size, size, bias=False)
        self.energy = nn.Linear(size, 1, bias=False)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return U h as keys, once a sentence, and h as values."""
        keys_BSK = at_least_float32(self.key(memory_BSE))  # as the energies are
        return Memory(keys_BSK.unsqueeze(1), memory_BSE.unsqueeze(1), mask_BS)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return W s."""
        return self.query(query_BTQ).unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return v . tanh(W s + U h)."""
        return energies(queries_BHTK, memory.keys_BHSK, self.energy.weight[0])
