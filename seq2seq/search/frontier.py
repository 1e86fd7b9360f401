"""Where a search stands: the hypotheses still being written, and what was chosen to follow them.

B = sentences of the batch, K = beam slots of a sentence, N = B * K rows of the model's batch: slot
k of sentence b is row b * K + k. C = candidates of a sentence, numbered through the batch: its c-th
is b * C + c. W = vocabulary.

A slot is empty where its score is -inf: the model computes it, so that shapes stay the same from
step to step, and nothing chosen from it counts. All slots of a sentence that has ended are empty,
and it leaves when enough others have: rows that leave are copies of the rest, and new shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq.search.arrays import Bools, Floats, Ids
from seq2seq.search.step import Array

ROOT = -1
"""The back-pointer before the first token."""


class Choice(NamedTuple):
    """The candidates of one step, and which of them live on."""

    tokens_BC: Ids
    rows_BC: Ids  # the row that the candidate continues
    log_probs_BC: Floats  # of its token alone
    scores_BC: Floats  # summed log-probabilities
    ended_BC: Bools  # reaches the end of the sentence, and is kept
    survivors_BK: Ids  # the candidate that takes each slot
    scores_BK: Floats  # of the survivors; -inf leaves the slot empty
    keeps_slots: bool = False  # every survivor continues its own slot: no state need move


class Frontier(NamedTuple):
    """The hypotheses still being written."""

    length: int  # tokens that each has emitted
    sentences_B: Ids  # which sentence, counted from 0
    max_lengths_B: Ids  # in tokens emitted, the end counted
    ended_B: Ids  # how many of its hypotheses have ended
    best_B: Floats  # the score of the best of them, with its length penalty
    open_B: Bools  # still searched
    scores_BK: Floats  # summed log-probabilities
    tokens_BK: Ids  # the newest
    back_BK: Ids  # the candidate of the last step that each was

    @classmethod
    def start(cls, max_lengths: Sequence[int], slots: int, *, bos: int) -> Frontier:
        """Every sentence with the start token in so many slots."""
        batch = len(max_lengths)
        return cls(
            length=0,
            sentences_B=np.arange(batch),
            max_lengths_B=np.array(max_lengths, np.int64),
            ended_B=np.zeros(batch, np.int64),
            best_B=np.full(batch, -np.inf, np.float32),
            open_B=np.ones(batch, np.bool_),
            scores_BK=np.zeros((batch, slots), np.float32),
            tokens_BK=np.full((batch, slots), bos),
            back_BK=np.full((batch, slots), ROOT),
        )

    @property
    def sentences(self) -> int:
        """B: how many sentences are in the batch."""
        return self.tokens_BK.shape[0]

    @property
    def slots(self) -> int:
        """K: how many beam slots each sentence has."""
        return self.tokens_BK.shape[1]

    def rows_of(self, indices: Ids) -> Ids:
        """All rows of the sentences at `indices`."""
        return (indices[:, None] * self.slots + np.arange(self.slots)).ravel()

    def advance(self, choice: Choice, *, length_penalty: float = 1) -> Frontier:
        """The frontier one token on.

        A sentence ends at its longest length, when no hypothesis lives, or when K of its hypotheses
        have ended and none that lives would be better than all of them even if its next token were
        the end, with probability 1. Without the last condition K unlikely shorter hypotheses would
        displace a likely one. So a beam with room for every candidate of every step sees every
        output there is. Where each hypothesis keeps its slot, as in greedy search and sampling, the
        condition is left out: none outlives its own end.
        """
        length = self.length + 1
        ended_B = self.ended_B + choice.ended_BC.sum(1)
        best_B, full_B = self.best_B, ended_B >= choice.survivors_BK.shape[1]
        if not choice.keeps_slots:
            reached_B = np.where(choice.ended_BC, choice.scores_BC, -np.inf).max(1)
            best_B = np.maximum(best_B, reached_B / length**length_penalty)
            full_B &= choice.scores_BK.max(1) / (length + 1) ** length_penalty <= best_B
        lives_B = (choice.scores_BK > -np.inf).any(1)
        open_B = lives_B & ~full_B & (self.max_lengths_B > length)
        return self._replace(
            length=length,
            ended_B=ended_B,
            best_B=best_B,
            open_B=open_B,
            scores_BK=np.where(open_B[:, None], choice.scores_BK, -np.inf),
            tokens_BK=choice.tokens_BC.take(choice.survivors_BK),
            back_BK=choice.survivors_BK,
        )

    def keep(self, indices: Ids) -> Frontier:
        """Only the sentences at `indices`."""
        return Frontier._make([self.length, *(column_B[indices] for column_B in self[1:])])


Choose = Callable[[Frontier, Array], Choice]
"""(frontier, log_probs_NW) -> Choice: all that a beam and sampling differ in."""


def continue_each(frontier: Frontier, tokens_BK: Ids, log_probs_BK: Floats, eos: int) -> Choice:
    """Let each hypothesis continue with its own token, or end with it."""
    scores_BK = frontier.scores_BK + log_probs_BK
    ends_BK = tokens_BK == eos
    rows_BK = np.arange(tokens_BK.size).reshape(tokens_BK.shape)
    return Choice(
        tokens_BC=tokens_BK,
        rows_BC=rows_BK,
        log_probs_BC=log_probs_BK,
        scores_BC=scores_BK,
        ended_BC=ends_BK & (scores_BK > -np.inf),
        survivors_BK=rows_BK,
        scores_BK=np.where(ends_BK, -np.inf, scores_BK),
        keeps_slots=True,
    )
