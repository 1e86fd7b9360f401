"""Attention that knows where: by position alone, or by where it has looked before."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.bounds import Length, Slots, Units
from seq2seq.kernels.deferred import Linear
from seq2seq.kernels.energies import energies
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.attention.contract import Attention, AttentionState, Memory


class Location(Attention):
    """scores = W [y ; s] + b: a fully connected layer gives position p's score, whatever is there.

    The source article's variant 5, from PyTorch's first tutorial on the matter; y is the embedding
    of the decoder's input token, s its state. `positions` is how many there can be: a longer
    source's further positions get no weight.
    """

    reads_token = True
    needs_positions = True

    def __init__(self, query_size: int, memory_size: int, *, positions: Length = 101) -> None:
        super().__init__(query_size, memory_size)
        self.positions = positions
        self.coefficients = Linear(query_size, positions)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return the states as keys and values, the mask false at further positions."""
        known_S = (
            torch.arange(mask_BS.size(1), device=mask_BS.device) < self.coefficients.out_features
        )
        return super().prepare(memory_BSE, mask_BS & known_S)

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return W [y ; s] + b, one number a position."""
        return self.coefficients(query_BTQ).unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return the numbers of the positions that there are."""
        further = memory.mask_BS.size(1) - queries_BHTK.size(-1)
        return functional.pad(queries_BHTK, (0, further))  # a negative pad cuts


class LocationAware(Additive):
    """score = v . tanh(W s + U h + V f), f the last weights seen through filters along the source.

    -- Chorowski et al. 2015, equations 8 and 9, without their bias; `filters` of `width` positions.
    """

    recurrent = True
    needs_positions = True

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        *,
        size: Units | None = None,
        filters: Units = 10,
        width: Slots = 5,
    ) -> None:
        super().__init__(query_size, memory_size, size=size)
        self.filters = nn.Conv1d(1, filters, width, padding="same", bias=False)
        self.location = Linear(filters, self.energy.in_features, bias=False)

    def features(self, memory: Memory, state: AttentionState) -> Tensor:
        """Return V f for each position, shape BHSK."""
        seen_BFS = self.filters(state.weights_BHS.to(self.filters.weight.dtype))
        return self.location(seen_BFS.transpose(1, 2)).unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return v . tanh(W s + U h + V f)."""
        keys_BHSK = memory.keys_BHSK + self.features(memory, state)
        return energies(queries_BHTK, keys_BHSK, self.energy.weight[0])


class Coverage(Additive):
    """score = v . tanh(W s + U h + u c), c the sum of a position's weights so far.

    -- See, Liu and Manning 2017, equation 11, after Tu et al. 2016.
    """

    recurrent = True

    def __init__(self, query_size: int, memory_size: int, *, size: Units | None = None) -> None:
        super().__init__(query_size, memory_size, size=size)
        self.coverage = Linear(1, self.energy.in_features, bias=False)

    def start(self, memory: Memory) -> AttentionState:
        """Return the state before the first step: nothing is covered."""
        state = super().start(memory)
        return state._replace(own=(state.weights_BHS,))

    def advance(self, state: AttentionState, weights_BHTS: Tensor) -> AttentionState:
        """Return the state after a step, its weights added to what is covered."""
        (covered_BHS,) = state.own
        return (
            super().advance(state, weights_BHTS)._replace(own=(covered_BHS + weights_BHTS.sum(2),))
        )

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return v . tanh(W s + U h + u c)."""
        (covered_BHS,) = state.own
        covered_BHSK = self.coverage(covered_BHS.unsqueeze(-1).to(self.coverage.weight.dtype))
        keys_BHSK = memory.keys_BHSK + covered_BHSK
        return energies(queries_BHTK, keys_BHSK, self.energy.weight[0])
