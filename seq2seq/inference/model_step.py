"""A trained model as the `step` that search works with.

Shapes: N live hypotheses, S source positions, H heads, W target vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from seq2seq.model.attention import Memory
from seq2seq.model.decoder import DecoderState
from seq2seq.model.model import Seq2Seq
from seq2seq.search.step import Step, Stepped

Tree = TypeVar("Tree", bound="Tensor | tuple[Any, ...]")


class ModelState(NamedTuple):
    """The memory of each hypothesis's sentence, and its own decoder state."""

    memory: Memory
    decoder: DecoderState

    def reorder(self, rows_N: Tensor) -> ModelState:
        """Continue other rows of the same sentences: their memory is the same."""
        return self._replace(decoder=select(self.decoder, rows_N))

    def keep(self, rows_N: Tensor) -> ModelState:
        """Keep only these rows."""
        return select(self, rows_N)

    def repeat(self, times: int) -> ModelState:
        """Repeat each row, side by side."""
        rows = torch.arange(self.memory.mask_BS.size(0), device=self.memory.mask_BS.device)
        return self if times == 1 else select(self, rows.repeat_interleave(times))


def select(tree: Tree, rows_N: Tensor) -> Tree:
    """Return the tensors of `tree`, tuples in tuples, with these rows of every one."""
    if isinstance(tree, Tensor):
        return cast(Tree, tree.index_select(0, rows_N))
    branches = (select(branch, rows_N) for branch in tree)
    return cast(Tree, tuple(branches)) if type(tree) is tuple else type(tree)(*branches)


def model_step(model: Seq2Seq) -> Step:
    """Return the step of `model`; it starts from `ModelState(*model.encode(...))`."""

    def step(tokens_N: Tensor, state: ModelState) -> Stepped:
        decoded = model.decode(tokens_N.unsqueeze(1), state.memory, state.decoder)
        logits_NW = model.output(decoded.features_BTF.squeeze(1))
        return Stepped(
            logits_NW.log_softmax(-1, dtype=torch.float32),
            decoded.weights_BHTS.squeeze(2),
            ModelState(state.memory, decoded.state),
        )

    return step
