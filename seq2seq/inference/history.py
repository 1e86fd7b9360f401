"""What a search did, and the hypotheses read back from it.

Every candidate of every step is an edge: a token, and the edge before it. Edges are numbered in the
order of the search, so that a hypothesis is known by its last edge: from there its others are found
backwards, and its attention weights with them.

B = sentences of the batch, K = places a sentence, N = B * K rows of the model's batch,
C = candidates a sentence, T = steps, M = hypotheses returned, H = heads, S = source positions.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.inference.frontier import ROOT, Choice, Frontier
from seq2seq.inference.hypothesis import Hypothesis, penalised


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
        columns = zip(*self._steps, strict=True)
        tree = _Tree(_Columns(*(torch.cat(column).cpu() for column in columns)))

        def rank(draft: _Draft) -> tuple[bool, float]:
            return not draft.finished, -penalised(draft.log_probs, length_penalty)

        best = [sorted(drafts, key=rank)[:n_best] for drafts in tree.drafts(sentences)]
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

    def __init__(self, columns: _Columns) -> None:
        self._columns = columns
        self._previous: list[int] = columns.previous_BC.flatten().tolist()
        self._rows: list[int] = columns.rows_BC.flatten().tolist()
        self._tokens: list[int] = columns.tokens_BC.flatten().tolist()
        self._log_probs: list[float] = columns.log_probs_BC.flatten().tolist()

    def drafts(self, sentences: int) -> list[list[_Draft]]:
        """Return each sentence's hypotheses, ended or cut off, in the order they were found."""
        ended = self._ended(sentences)
        cut_off = self._cut_off(ended)
        return [
            [self._draft(edge, finished=True) for edge in ended[sentence]]
            + [self._draft(edge, finished=False) for edge in cut_off[sentence]]
            for sentence in range(sentences)
        ]

    def _ended(self, sentences: int) -> list[list[int]]:
        """The last edges of each sentence's hypotheses that ended."""
        ended_BC = self._columns.ended_BC
        owners_BC = self._columns.sentences_B[:, None].expand_as(ended_BC)
        edges: list[list[int]] = [[] for _ in range(sentences)]
        numbers = ended_BC.flatten().nonzero().flatten()
        for sentence, edge in zip(owners_BC[ended_BC].tolist(), numbers.tolist(), strict=True):
            edges[sentence].append(edge)
        return edges

    def _cut_off(self, ended: list[list[int]]) -> list[list[int]]:
        """The last edges of each sentence's hypotheses that lived after its last step.

        Where none lived or ended, those of the step before.
        """
        edges = [[ROOT] for _ in ended]
        every = self._columns
        columns = (every.sentences_B, every.survivors_BK, every.lives_BK)
        searched = (column[every.open_B].tolist() for column in columns)
        for sentence, survivors, lives in zip(*searched, strict=True):
            living = list(compress(survivors, lives))
            if living or ended[sentence]:
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
