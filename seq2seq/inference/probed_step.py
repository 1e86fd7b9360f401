"""A step that tells the probe, too, what the search does between the steps.

What is recorded of a model has a row for each live hypothesis. Which hypothesis that is, these
say, one tensor a step: the token that each row reads, the row of the step before that it continues
(of the first step: the sentence), and the log-probabilities of the next token.

Shapes: N live hypotheses, those of one sentence side by side, W target vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seq2seq.model.probe import probe, scope
from seq2seq.search.step import State, Step, Stepped


class ProbedState(NamedTuple):
    """The state of a step, and the row of the step before that each row continues."""

    inner: State
    parents_N: Tensor

    @classmethod
    def start(cls, state: State, sentences: int, device: torch.device) -> ProbedState:
        """Return the state before the first step, a row a sentence."""
        return cls(state, torch.arange(sentences, device=device))

    def reorder(self, rows_N: Tensor) -> ProbedState:
        """Continue other rows of the same sentences."""
        return ProbedState(self.inner.reorder(rows_N), self.parents_N[rows_N])

    def keep(self, rows_N: Tensor) -> ProbedState:
        """Keep only these rows."""
        return ProbedState(self.inner.keep(rows_N), self.parents_N[rows_N])

    def repeat(self, times: int) -> ProbedState:
        """Repeat each row, side by side."""
        return ProbedState(self.inner.repeat(times), self.parents_N.repeat_interleave(times))


def probed(step: Step) -> Step:
    """Return `step` for a search that starts from `ProbedState.start`."""

    def probed_step(tokens_N: Tensor, state: ProbedState) -> Stepped:
        with scope("search"):
            tokens_N = probe("tokens_N", tokens_N)
            probe("parents_N", state.parents_N)
        log_probs_NW, weights_NHS, inner = step(tokens_N, state.inner)
        with scope("search"):
            log_probs_NW = probe("log_probs_NW", log_probs_NW)
        rows_N = torch.arange(len(tokens_N), device=tokens_N.device)
        return Stepped(log_probs_NW.clone(), weights_NHS, ProbedState(inner, rows_N))

    return probed_step
