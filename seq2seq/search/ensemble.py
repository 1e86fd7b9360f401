"""Several models as one step.

X = models, N = live hypotheses, W = vocabulary, H = attention heads, S = source positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seq2seq.search.step import State, Step, Stepped

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class EnsembleState:
    """One state a model, in the order of the steps."""

    states: tuple[State, ...]

    def reorder(self, rows_N: Tensor) -> Self:
        """Reorder every model's state."""
        return type(self)(tuple(state.reorder(rows_N) for state in self.states))

    def keep(self, rows_N: Tensor) -> Self:
        """Keep the same rows of every model's state."""
        return type(self)(tuple(state.keep(rows_N) for state in self.states))

    def repeat(self, times: int) -> Self:
        """Repeat the rows of every model's state."""
        return type(self)(tuple(state.repeat(times) for state in self.states))


def ensemble(steps: Sequence[Step]) -> Step:
    """Return the step of models that share a vocabulary: their probabilities, averaged.

    It takes an `EnsembleState`. Its attention weights are the models' mean where their shapes
    agree, else the first model's. Raises ValueError without a model.
    """
    if not steps:
        raise ValueError("an ensemble needs at least one model")

    def step_all(tokens_N: Tensor, state: EnsembleState) -> Stepped:
        results = [step(tokens_N, own) for step, own in zip(steps, state.states, strict=True)]
        return Stepped(
            log_mean([result.log_probs_NW for result in results]),
            mean_weights([result.weights_NHS for result in results]),
            EnsembleState(tuple(result.state for result in results)),
        )

    return step_all


def log_mean(log_probs: list[Tensor]) -> Tensor:
    """log(sum_x p_x / X), from and to log-probabilities."""
    return torch.stack(log_probs).logsumexp(0) - math.log(len(log_probs))


def mean_weights(weights: list[Tensor]) -> Tensor:
    """The mean over models where their shapes agree, else the first model's."""
    first = weights[0]
    if any(other.shape != first.shape for other in weights):
        return first
    return torch.stack(weights).mean(0)
