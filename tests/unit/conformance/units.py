"""Units and addressings with one fault each, as a user might write them. Loaded as a file."""

import torch
from torch import Tensor, nn

from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS, Addressing, AttentionState, Memory
from seq2seq.model.attention.contract import Addressed
from seq2seq.model.attention.luong import General


class RemembersOnSelf(General):
    """Adds the keys' sum of the call before, kept on the module."""

    seen: Tensor | None = None

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        bias = 0.0 if self.seen is None else self.seen
        self.seen = memory.keys_BHSK.detach().sum()
        return super().score(queries_BHTK, memory, state) * (1 + bias)


class AveragesOverTheBatch(General):
    """Centres the queries on the mean of the batch."""

    def queries(self, query_BTQ: Tensor) -> Tensor:
        return super().queries(query_BTQ - query_BTQ.mean(0))


class NormalisesByTheBatch(General):
    """Has batch norm over the keys: in evaluation nothing is wrong with it."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.norm = nn.BatchNorm1d(query_size)

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        memory = super().prepare(memory_BSE, mask_BS)
        keys_BSK = self.norm(memory.keys_BHSK.squeeze(1).transpose(1, 2)).transpose(1, 2)
        return memory._replace(keys_BHSK=keys_BSK.unsqueeze(1))


class LooksAtTheRowBefore(General):
    """Adds up scores along the batch."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        return super().score(queries_BHTK, memory, state).cumsum(0)


class CountsWithoutBeingRecurrent(General):
    """Sharpens with every step, but takes the first one's number for all of them."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        return super().score(queries_BHTK, memory, state) * (1 + state.step_B[:, None, None, None])


class EditsTheMemory(General):
    """Halves the keys where they are."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        memory.keys_BHSK.mul_(0.5)
        return super().score(queries_BHTK, memory, state)


class HasAnIdleParameter(General):
    """Has a bias that nothing reads."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.bias = nn.Parameter(torch.zeros(query_size))


class CutsTheGradient(General):
    """Detaches what its scores are made of."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        return super().score(queries_BHTK.detach(), memory, state)


class KeepsStateTimeFirst(General):
    """Carries a state whose first axis is not the batch's."""

    recurrent = True

    def start(self, memory: Memory) -> AttentionState:
        state = super().start(memory)
        return state._replace(own=(memory.mask_BS.new_zeros(1, len(memory.mask_BS)).double(),))

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        scores_BHTS = super().score(queries_BHTK, memory, state)
        return scores_BHTS + state.own[0].transpose(0, 1)[:, :, None, None]


class DrawsWithoutASeed(General):
    """Drops scores by a generator of its own, in training."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        scores_BHTS = super().score(queries_BHTK, memory, state)
        if not self.training:
            return scores_BHTS
        generator = torch.Generator()
        generator.seed()
        return scores_BHTS * torch.rand(scores_BHTS.shape, generator=generator).to(scores_BHTS)


class BranchesOnValues(General):
    """Asks a tensor what it holds."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        scores_BHTS = super().score(queries_BHTK, memory, state)
        return scores_BHTS if float(scores_BHTS.sum()) > 0 else 2 * scores_BHTS


class Raises(General):
    """Multiplies what doesn't fit."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        return queries_BHTK @ memory.keys_BHSK


class CanNotBeBuilt(General):
    """Asks for a layer of no size."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        raise RuntimeError("no layer of this size\nand more about it")


class ForgetsTheMask(Addressing):
    """Softmax over padding, too."""

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        return Addressed(scores_BHTS.softmax(-1))


class DoesNotNormalise(Addressing):
    """Sigmoids, whose sum is anything."""

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        return Addressed(scores_BHTS.sigmoid() * memory.mask_BS[:, None, None])


class Overflows(Addressing):
    """A softmax in the plain way, without taking the greatest score off."""

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        raised_BHTS = scores_BHTS.exp() * memory.mask_BS[:, None, None]
        return Addressed(raised_BHTS / raised_BHTS.sum(-1, keepdim=True))


ATTENTIONS.update(
    {
        unit.__name__: unit
        for unit in (
            RemembersOnSelf,
            AveragesOverTheBatch,
            NormalisesByTheBatch,
            LooksAtTheRowBefore,
            CountsWithoutBeingRecurrent,
            EditsTheMemory,
            HasAnIdleParameter,
            CutsTheGradient,
            KeepsStateTimeFirst,
            DrawsWithoutASeed,
            BranchesOnValues,
            Raises,
            CanNotBeBuilt,
        )
    }
)
ADDRESSINGS.update({unit.__name__: unit for unit in (ForgetsTheMask, DoesNotNormalise, Overflows)})
