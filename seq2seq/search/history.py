"""What a search did, and the hypotheses read back from it.

Each candidate of a step points back to the candidate of the step before that it continues. So a
hypothesis is known by its last candidate: from there its others are found backwards, and its
attention weights with them.

X = candidates of a step, N = rows of the model's batch, M = hypotheses, T = steps, H = heads,
S = source positions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.search.arrays import Arrays, Bools, Floats, Ids
from seq2seq.search.frontier import ROOT, Choice, Frontier
from seq2seq.search.hypothesis import Hypothesis, penalised
from seq2seq.search.step import Array


class _Candidates(NamedTuple):
    """All candidates of one step."""

    tokens_X: Ids
    log_probs_X: Floats
    rows_X: Ids  # that predicted the token
    back_X: Ids  # the candidate of the step before, or ROOT


class _Ends(NamedTuple):
    """The last candidates of hypotheses."""

    sentences_M: Ids
    lengths_M: Ids  # in tokens: the last candidate is one of step lengths_M - 1
    candidates_M: Ids
    finished_M: Bools


class _Paths(NamedTuple):
    """The candidates of each hypothesis from its first to its last; beyond it, zeros."""

    tokens_TM: Ids
    log_probs_TM: npt.NDArray[np.float64]
    rows_TM: Ids


class History:
    """The steps of one search. Attention weights stay where the model made them until the end."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._steps: list[_Candidates] = []
        self._weights: list[Array] = []
        self._ends: list[_Ends] = []

    def record(self, frontier: Frontier, choice: Choice, weights_NHS: Array) -> None:
        """Keep what was chosen to follow `frontier`, and the hypotheses that ended with it."""
        rows_X = choice.rows_BC.ravel()
        self._weights.append(weights_NHS)
        self._steps.append(
            _Candidates(
                choice.tokens_BC.ravel(),
                choice.log_probs_BC.ravel(),
                rows_X,
                frontier.back_BK.take(rows_X),
            )
        )
        numbers_BC = np.arange(rows_X.size).reshape(choice.rows_BC.shape)
        self._note(
            frontier.sentences_B, frontier.length + 1, numbers_BC, choice.ended_BC, finished=True
        )

    def cut_off(self, before: Frontier, choice: Choice, after: Frontier) -> None:
        """Keep the hypotheses that still lived in sentences that have closed with `choice`.

        Where none lived or had ended, those of the step before.
        """
        closed_B = before.open_B & ~after.open_B
        if not closed_B.any():
            return
        sentences_B, lives_BK = before.sentences_B, choice.scores_BK > -np.inf
        chosen_BK = lives_BK & closed_B[:, None]
        self._note(sentences_B, after.length, after.back_BK, chosen_BK, finished=False)
        lost_B = closed_B & ~lives_BK.any(1) & (after.ended_B == 0)
        chosen_BK = (before.scores_BK > -np.inf) & lost_B[:, None]
        if before.length == 0:  # all slots are the same: nothing emitted
            chosen_BK[:, 1:] = False
        self._note(sentences_B, before.length, before.back_BK, chosen_BK, finished=False)

    def emitted(self, frontier: Frontier) -> Ids:
        """Return emitted_NT, all tokens of each hypothesis still being written."""
        candidates_N = frontier.back_BK.ravel()
        emitted_TN = np.zeros((len(self._steps), len(candidates_N)), np.int64)
        for tokens_N, step in zip(emitted_TN[::-1], reversed(self._steps), strict=True):
            tokens_N[:] = step.tokens_X.take(candidates_N)
            candidates_N = step.back_X.take(candidates_N)
        return emitted_TN.T

    def hypotheses(
        self, sentences: int, *, n_best: int, length_penalty: float
    ) -> list[list[Hypothesis]]:
        """Return one to `n_best` hypotheses of each of the `sentences` searched, best first.

        Those that ended come before those cut off, which only make up the number; of equals, the
        one found first.
        """
        best: list[list[Hypothesis]] = [[] for _ in range(sentences)]
        if not sentences:
            return best
        ends = _Ends._make(np.concatenate(column) for column in zip(*self._ends, strict=True))
        paths = self._paths(ends)
        chosen = _best_of_each(ends, paths, n_best, length_penalty)
        ends = _Ends._make(column_M[chosen] for column_M in ends)
        paths = _Paths._make(column_TM[:, chosen] for column_TM in paths)
        longest = max(1, int(ends.lengths_M.max()))
        weights_MHTS = self._arrays.gather(self._weights, paths.rows_TM[:longest])
        lasts = zip(ends.sentences_M, ends.lengths_M, ends.finished_M, strict=True)
        for m, (sentence, length, finished) in enumerate(lasts):
            tokens = paths.tokens_TM[:length, m].tolist()
            log_probs = paths.log_probs_TM[:length, m].tolist()
            best[sentence].append(
                Hypothesis(
                    tokens=tokens[:-1] if finished else tokens,
                    log_probs=log_probs,
                    weights_HTS=weights_MHTS[m, :, :length].copy(),
                    finished=bool(finished),
                    score=penalised(log_probs, length_penalty),
                )
            )
        return best

    def _note(
        self, sentences_B: Ids, length: int, numbers_BX: Ids, chosen_BX: Bools, *, finished: bool
    ) -> None:
        """Keep the chosen candidates as the last ones of hypotheses of so many tokens."""
        sentences_M = sentences_B[chosen_BX.nonzero()[0]]
        lengths_M = np.full(len(sentences_M), length)
        finished_M = np.full(len(sentences_M), finished)
        self._ends.append(_Ends(sentences_M, lengths_M, numbers_BX[chosen_BX], finished_M))

    def _paths(self, ends: _Ends) -> _Paths:
        """Follow the back-pointers of every hypothesis."""
        shape = (len(self._steps), len(ends.candidates_M))
        paths = _Paths(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.int64))
        candidates_M = ends.candidates_M.copy()
        for t in reversed(range(len(self._steps))):
            step = self._steps[t]
            reached = np.flatnonzero(ends.lengths_M > t)
            candidates = candidates_M[reached]
            paths.tokens_TM[t, reached] = step.tokens_X.take(candidates)
            paths.log_probs_TM[t, reached] = step.log_probs_X.take(candidates)
            paths.rows_TM[t, reached] = step.rows_X.take(candidates)
            candidates_M[reached] = step.back_X.take(candidates)
        assert (candidates_M == ROOT).all()
        return paths


def _best_of_each(ends: _Ends, paths: _Paths, count: int, length_penalty: float) -> Ids:
    """So many of each sentence's hypotheses, sentence by sentence, best first."""
    scores_M = paths.log_probs_TM.sum(0) / np.maximum(ends.lengths_M, 1) ** length_penalty
    order_M = np.lexsort((-scores_M, ~ends.finished_M, ends.sentences_M))  # stable
    sentences_M = ends.sentences_M[order_M]
    ranks_M = np.arange(len(order_M)) - np.searchsorted(sentences_M, sentences_M)
    return order_M[ranks_M < count]
