"""A trained model as the `step` that search works with.

Shapes: N live hypotheses, S source positions, H heads, W target vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seq2seq.model.contract import Tree, named_leaves, select
from seq2seq.model.model import Seq2Seq
from seq2seq.search.step import Step, Stepped


class ModelState(NamedTuple):
    """The memory of each hypothesis's sentence, and its own decoder state."""

    memory: Tree
    decoder: Tree

    def reorder(self, rows_N: Tensor) -> ModelState:
        """Continue other rows of the same sentences: their memory is the same."""
        return self._replace(decoder=select(self.decoder, rows_N))

    def keep(self, rows_N: Tensor) -> ModelState:
        """Keep only these rows."""
        return select(self, rows_N)

    def repeat(self, times: int) -> ModelState:
        """Repeat each row, side by side."""
        if times == 1:
            return self
        _, first = next(named_leaves(self))
        rows = torch.arange(first.size(0), device=first.device)
        return select(self, rows.repeat_interleave(times))


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
