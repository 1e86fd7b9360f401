"""What a search did, and the hypotheses read back from it.

Every candidate of every step is an edge: a token, and the edge before it. Edges are numbered in the
order of the search, so that a hypothesis is known by its last edge: from there its others are found
backwards, and its attention weights with them.

B = sentences of the batch, K = places a sentence, N = B * K rows of the model's batch,
C = candidates a sentence, T = steps, M = hypotheses returned, H = heads, S = source positions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.search.frontier import ROOT, Choice, Frontier
from seq2seq.search.hypothesis import Hypothesis, penalised


class _Columns(NamedTuple):
    """One step, or all steps end to end: a BC column is then indexed, flat, by the edge."""

    sentences_B: Tensor
    open_B: Tensor  # whether the sentence was still searched
    previous_BC: Tensor  # the edge before
    rows_BC: Tensor  # the model's row that predicted the token
    tokens_BC: Tensor
    log_probs_BC: Tensor
    ended_BC: Tensor
    survivors_BK: Tensor  # the edges that lived on, each in its place
    lives_BK: Tensor  # False: that place is empty


class _Draft(NamedTuple):
    """A hypothesis whose attention is still to be gathered."""

    tokens: list[int]  # the end included
    log_probs: list[float]
    rows: list[int]  # that predicted each token
    finished: bool


class History:
    """The steps of one search, left on its device until `hypotheses` reads them."""

    def __init__(self) -> None:
        self._steps: list[_Columns] = []
        self._weights: list[Tensor] = []
        self._edges = 0

    def record(self, frontier: Frontier, choice: Choice, weights_NHS: Tensor) -> Tensor:
        """Keep what was chosen for `frontier`; return edges_BK, by which the survivors came."""
        tokens_BC = choice.tokens_BC
        numbers_X = torch.arange(tokens_BC.numel(), device=tokens_BC.device) + self._edges
        edges_BK = choice.of_survivors(numbers_X.view_as(tokens_BC))
        self._edges += tokens_BC.numel()
        self._weights.append(weights_NHS)
        self._steps.append(
            _Columns(
                sentences_B=frontier.sentences_B,
                open_B=frontier.open_B,
                previous_BC=frontier.edges_BK.gather(1, choice.parents_BC),
                rows_BC=frontier.rows(choice.parents_BC),
                tokens_BC=tokens_BC,
                log_probs_BC=choice.log_probs_BC,
                ended_BC=choice.ended_BC,
                survivors_BK=edges_BK,
                lives_BK=choice.scores_BK > -torch.inf,
            )
        )
        return edges_BK

    def hypotheses(
        self, sentences: int, *, n_best: int, length_penalty: float
    ) -> list[list[Hypothesis]]:
        """Return one to `n_best` hypotheses of each of the `sentences` searched, best first.

        Those that ended come before those cut off, which only make up the number; of equals, the
        one found first.
        """
        if not sentences:
            return []
        tree = _Tree(self._steps, length_penalty)
        best = [tree.best(sentence, n_best) for sentence in range(sentences)]
        weights = iter(self._gather([draft.rows for drafts in best for draft in drafts]))
        return [
            [
                Hypothesis(
                    tokens=draft.tokens[:-1] if draft.finished else draft.tokens,
                    log_probs=draft.log_probs,
                    weights_THS=next(weights),
                    finished=draft.finished,
                    score=penalised(draft.log_probs, length_penalty),
                )
                for draft in drafts
            ]
            for drafts in best
        ]

    def _gather(self, rows_MT: list[list[int]]) -> list[npt.NDArray[np.float32]]:
        """Return weights_THS of each hypothesis, whose t-th row is one of step t."""
        longest = max(1, *map(len, rows_MT))
        padded_MT = [rows + [0] * (longest - len(rows)) for rows in rows_MT]
        rows_TM = torch.tensor(padded_MT, device=self._weights[0].device).T
        pairs = zip(self._weights, rows_TM, strict=False)  # the search may outlast its winners
        steps = [weights_NHS[rows_M] for weights_NHS, rows_M in pairs]
        weights_TMHS = torch.stack(_widened(steps)).float().cpu().numpy()
        return [weights_TMHS[: len(rows), m].copy() for m, rows in enumerate(rows_MT)]


class _Tree:
    """The edges of a search on the CPU, and the ends of its hypotheses."""

    def __init__(self, steps: Sequence[_Columns], length_penalty: float) -> None:
        self._columns = _Columns(*(torch.cat(column).cpu() for column in zip(*steps, strict=True)))
        self._previous: list[int] = self._columns.previous_BC.flatten().tolist()
        self._rows: list[int] = self._columns.rows_BC.flatten().tolist()
        self._tokens: list[int] = self._columns.tokens_BC.flatten().tolist()
        self._log_probs: list[float] = self._columns.log_probs_BC.flatten().tolist()
        self._scores = self._score([step.tokens_BC.numel() for step in steps], length_penalty)
        self._ended = self._find_ended()
        self._cut_off = self._find_cut_off()

    def best(self, sentence: int, count: int) -> list[_Draft]:
        """Return so many hypotheses of a sentence: the best that ended, then of those cut off."""
        ended = self._first(self._ended[sentence], count)
        cut_off = self._first(self._cut_off[sentence], count - len(ended))
        return [self._draft(edge, finished=True) for edge in ended] + [
            self._draft(edge, finished=False) for edge in cut_off
        ]

    def _first(self, edges: list[int], count: int) -> list[int]:
        """Those with the highest scores; of equals, the one found first."""
        return sorted(edges, key=lambda edge: -self._scores[edge])[:count]

    def _score(self, edges: Sequence[int], length_penalty: float) -> list[float]:
        """The score, as `penalised` has it, of what ends with each of so many edges a step."""
        previous = self._columns.previous_BC.flatten().numpy()
        log_probs = self._columns.log_probs_BC.flatten().double().numpy()
        sums = np.zeros(len(previous) + 1)  # the last one, at ROOT, is that of no edge
        scores = np.zeros_like(sums)
        first = 0
        for length, count in enumerate(edges, 1):
            step = slice(first, first + count)
            sums[step] = sums[previous[step]] + log_probs[step]
            scores[step] = sums[step] / length**length_penalty
            first += count
        found: list[float] = scores.tolist()
        return found

    def _find_ended(self) -> dict[int, list[int]]:
        """The last edges of each sentence's hypotheses that ended, in the order they were found."""
        ended_BC = self._columns.ended_BC
        owners_BC = self._columns.sentences_B[:, None].expand_as(ended_BC)
        edges: dict[int, list[int]] = defaultdict(list)
        numbers = ended_BC.flatten().nonzero().flatten()
        for sentence, edge in zip(owners_BC[ended_BC].tolist(), numbers.tolist(), strict=True):
            edges[sentence].append(edge)
        return edges

    def _find_cut_off(self) -> dict[int, list[int]]:
        """The last edges of each sentence's hypotheses that lived after its last step.

        Where none lived or ended, those of the step before.
        """
        edges: dict[int, list[int]] = defaultdict(lambda: [ROOT])
        every = self._columns
        columns = (every.sentences_B, every.survivors_BK, every.lives_BK)
        searched = (column[every.open_B].tolist() for column in columns)
        for sentence, survivors, lives in zip(*searched, strict=True):
            living = list(compress(survivors, lives))
            if living or self._ended[sentence]:
                edges[sentence] = living
        return edges

    def _draft(self, edge: int, *, finished: bool) -> _Draft:
        path = []
        while edge != ROOT:
            path.append(edge)
            edge = self._previous[edge]
        path.reverse()
        return _Draft(
            tokens=[self._tokens[edge] for edge in path],
            log_probs=[self._log_probs[edge] for edge in path],
            rows=[self._rows[edge] for edge in path],
            finished=finished,
        )


def _widened(steps: list[Tensor]) -> list[Tensor]:
    """Give every step's weights as many source positions: a state may cut those no longer used."""
    width = max(weights_MHS.shape[-1] for weights_MHS in steps)
    return [
        weights_MHS
        if weights_MHS.shape[-1] == width
        else functional.pad(weights_MHS, (0, width - weights_MHS.shape[-1]))
        for weights_MHS in steps
    ]
