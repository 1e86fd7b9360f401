"""The scores of Luong, Pham and Manning 2015, section 3.1 (global attention).

Their third score, `concat`, is Bahdanau's: see `bahdanau.py`.
"""

from torch import Tensor

from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear, matmul
from seq2seq.model.attention.contract import Attention, AttentionState, Memory


def dot_product(queries_BHTK: Tensor, keys_BHSK: Tensor) -> Tensor:
    """Return scores_BHTS, q . k of every query with every key."""
    return matmul(queries_BHTK, keys_BHSK, transposed=True)


class Dot(Attention):
    """score(s, h) = s . h; no weights of its own, so decoder and memory must be of one size."""

    timeless = True

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        if query_size != memory_size:
            raise UserError(
                "model.attention.kind dot needs decoder and encoder states of one size, "
                f"found decoder {query_size} and encoder {memory_size} "
                "(a bidirectional encoder gives 2 x model.encoder.size); kind general fits any"
            )

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return s . h."""
        return dot_product(queries_BHTK, memory.keys_BHSK)


class General(Attention):
    """score(s, h) = s . W h."""

    timeless = True

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.key = Linear(memory_size, query_size, bias=False)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return W h as keys, once a sentence, and h as values."""
        return Memory(self.key(memory_BSE).unsqueeze(1), memory_BSE.unsqueeze(1), mask_BS)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return s . W h."""
        return dot_product(queries_BHTK, memory.keys_BHSK)
