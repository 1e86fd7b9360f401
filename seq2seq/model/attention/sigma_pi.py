"""A score that adds up products of more than two units -- Rumelhart, Hinton and McClelland 1986.

Shapes: as in the contract; R rank.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from seq2seq.bounds import Heads, Units
from seq2seq.kernels.deferred import Linear
from seq2seq.model.attention.contract import Attention, AttentionState, Memory
from seq2seq.model.attention.luong import dot_product


class SigmaPi(Attention):
    """score(s, h) is the net input of a sigma-pi unit that sees the units of s and of h.

    Luong's `general` is one whose conjuncts are pairs: sum_jk w_jk s_j h_k. Here a conjunct has
    `query_factors` units of s and `key_factors` of h: with 1 and 2, sum_jkl w_jkl s_j h_k h_l. The
    weights are a sum of `rank` products (default: the query's size), so that the score is a dot
    product as always: q_r = (Q_1 s)_r (Q_2 s + 1)_r ..., k_r = (K_1 h)_r (K_2 h + 1)_r ... The
    biases, 1 before training, stand for a unit that is always on: so conjuncts with fewer units
    count too, and the score starts from that of pairs.
    """

    timeless = True

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        *,
        rank: Units | None = None,
        query_factors: Heads = 1,
        key_factors: Heads = 2,
    ) -> None:
        super().__init__(query_size, memory_size)
        rank = rank or query_size
        self.query = _factors(query_size, rank, query_factors)
        self.key = _factors(memory_size, rank, key_factors)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return the products of the factors of h as keys, once a sentence, and h as values."""
        keys_BSR = product(self.key, memory_BSE)
        return Memory(keys_BSR.unsqueeze(1), memory_BSE.unsqueeze(1), mask_BS)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return the products of the factors of s."""
        return product(self.query, query_BTQ).unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return the sum over all conjuncts."""
        return dot_product(queries_BHTK, memory.keys_BHSK)


def product(factors: Sequence[nn.Module] | nn.ModuleList, vectors_BXD: Tensor) -> Tensor:
    """Return products_BXR of what all factors make of the vectors."""
    first, *others = factors
    products_BXR: Tensor = first(vectors_BXD)
    for factor in others:
        products_BXR = products_BXR * factor(vectors_BXD)
    return products_BXR


def _factors(size: int, rank: int, count: int) -> nn.ModuleList:
    first = Linear(size, rank, bias=False)
    return nn.ModuleList([first, *(_Further(size, rank) for _ in range(count - 1))])


class _Further(Linear):
    """A factor that a conjunct may lack: its bias is a unit that is always on."""

    def initialise(self) -> None:
        """Give a Xavier matrix, and 1 as the bias."""
        nn.init.xavier_uniform_(self.weight)
        nn.init.ones_(self.bias)
