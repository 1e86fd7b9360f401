"""Where a search stands: the hypotheses still being written, and what was chosen to follow them.

B = sentences of the batch, K = places a sentence (the beam), N = B * K rows of the model's batch,
C = candidates a sentence, T = tokens so far with the start, W = vocabulary.

A place is empty where its score is -inf: the model computes it, so that shapes stay the same from
step to step, and nothing chosen from it counts. All places of a sentence that has ended are empty,
and it leaves when enough others have: rows that leave are copies of the rest, and new shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

ROOT = -1
"""The edge before the first: nothing emitted yet."""


class Choice(NamedTuple):
    """The candidates of one step, and which of them live on."""

    tokens_BC: Tensor
    parents_BC: Tensor  # the place, 0..K-1, that the candidate continues
    log_probs_BC: Tensor  # of its token alone
    ended_BC: Tensor  # bool: reaches the end of the sentence, and is kept
    survivors_BK: Tensor  # the candidate that takes each place
    scores_BK: Tensor  # the survivors' summed log-probabilities; -inf leaves the place empty
    in_place: bool = False  # every survivor continues its own place: no state need move

    def of_survivors(self, column_BC: Tensor) -> Tensor:
        """The survivors' part of a candidates' column."""
        return column_BC.gather(1, self.survivors_BK)


class Frontier(NamedTuple):
    """The hypotheses still being written."""

    sentences_B: Tensor  # which sentence, counted from 0
    max_lengths_B: Tensor  # in tokens emitted, the end counted
    ended_B: Tensor  # how many of its hypotheses have ended
    best_B: Tensor  # the score of the best of them, with its length penalty
    open_B: Tensor  # bool: still searched
    scores_BK: Tensor  # summed log-probabilities
    edges_BK: Tensor  # the edge of the history that each came by
    prefix_BKT: Tensor  # the start and what was emitted since

    @classmethod
    def start(
        cls,
        max_lengths: Sequence[int],
        places: int,
        *,
        bos: int,
        device: str | torch.device,
    ) -> Frontier:
        """Every sentence with the start token in so many places."""
        limits_B = torch.tensor(max_lengths, device=device)
        scores_BK = torch.zeros(len(max_lengths), places, device=device)
        return cls(
            sentences_B=torch.arange(len(max_lengths), device=device),
            max_lengths_B=limits_B,
            ended_B=torch.zeros_like(limits_B),
            best_B=torch.full(limits_B.shape, -torch.inf, device=device),
            open_B=torch.ones_like(limits_B, dtype=torch.bool),
            scores_BK=scores_BK,
            edges_BK=torch.full(scores_BK.shape, ROOT, device=device),
            prefix_BKT=torch.full((*scores_BK.shape, 1), bos, device=device),
        )

    @property
    def sentences(self) -> int:
        """B: how many sentences are in the batch."""
        return self.prefix_BKT.shape[0]

    @property
    def places(self) -> int:
        """K: how many places each sentence has."""
        return self.prefix_BKT.shape[1]

    @property
    def length(self) -> int:
        """How many tokens each hypothesis has emitted."""
        return self.prefix_BKT.shape[2] - 1

    @property
    def tokens_N(self) -> Tensor:
        """The newest token of each hypothesis."""
        return self.prefix_BKT[:, :, -1].flatten()

    @property
    def emitted_NT(self) -> Tensor:
        """All tokens of each hypothesis but the start."""
        return self.prefix_BKT[:, :, 1:].flatten(0, 1)

    def rows(self, places_BX: Tensor) -> Tensor:
        """The model's row, 0..N-1, of each sentence's places."""
        firsts_B = torch.arange(self.sentences, device=places_BX.device) * self.places
        return firsts_B[:, None] + places_BX

    def rows_of(self, indices: Tensor) -> Tensor:
        """All the model's rows of the sentences at `indices`, flat."""
        places_K = torch.arange(self.places, device=indices.device)
        return (indices[:, None] * self.places + places_K).flatten()

    def advance(self, choice: Choice, edges_BK: Tensor, *, length_penalty: float = 1) -> Frontier:
        """The frontier one token on, whose survivors came by `edges_BK`.

        A sentence ends at its longest length, when no hypothesis lives, or when K of its hypotheses
        have ended and none that lives would be better than all of them even if its next token were
        a certain end: without the last, a sure hypothesis would be lost to K unlikely shorter ones.
        In place, as greedy search is, no hypothesis outlives its own end. So a beam with room for
        every candidate of every step sees every output there is.
        """
        parents_BK1 = choice.of_survivors(choice.parents_BC)[..., None]
        tokens_BK1 = choice.of_survivors(choice.tokens_BC)[..., None]
        prefix_BKT = self.prefix_BKT.take_along_dim(parents_BK1, dim=1)
        ended_B = self.ended_B + choice.ended_BC.sum(1)
        best_B, full_B = self.best_B, ended_B >= choice.survivors_BK.shape[1]
        if not choice.in_place:
            sums_BC = self.scores_BK.gather(1, choice.parents_BC) + choice.log_probs_BC
            reached_B = sums_BC.masked_fill(~choice.ended_BC, -torch.inf).amax(1)
            best_B = best_B.maximum(reached_B / (self.length + 1) ** length_penalty)
            full_B &= choice.scores_BK.amax(1) / (self.length + 2) ** length_penalty <= best_B
        lives_B = (choice.scores_BK > -torch.inf).any(1)
        open_B = lives_B & ~full_B & (self.max_lengths_B > self.length + 1)
        return self._replace(
            ended_B=ended_B,
            best_B=best_B,
            open_B=open_B,
            scores_BK=choice.scores_BK.masked_fill(~open_B[:, None], -torch.inf),
            edges_BK=edges_BK,
            prefix_BKT=torch.cat([prefix_BKT, tokens_BK1], dim=2),
        )

    def keep(self, indices: Tensor) -> Frontier:
        """Only the sentences at `indices`."""
        return Frontier(*(column.index_select(0, indices) for column in self))


Choose = Callable[[Frontier, Tensor], Choice]
"""(frontier, log_probs_BKW) -> Choice: all that a beam and sampling differ in."""


def continue_each(frontier: Frontier, tokens_BK: Tensor, log_probs_BKW: Tensor, eos: int) -> Choice:
    """Let each hypothesis continue with its own token, or end with it."""
    log_probs_BK = log_probs_BKW.gather(2, tokens_BK[..., None]).squeeze(2)
    scores_BK = frontier.scores_BK + log_probs_BK
    ends_BK = tokens_BK == eos
    places_BK = torch.arange(tokens_BK.shape[1], device=tokens_BK.device).expand_as(tokens_BK)
    return Choice(
        tokens_BC=tokens_BK,
        parents_BC=places_BK,
        log_probs_BC=log_probs_BK,
        ended_BC=ends_BK & (scores_BK > -torch.inf),
        survivors_BK=places_BK,
        scores_BK=scores_BK.masked_fill(ends_BK, -torch.inf),
        in_place=True,
    )
