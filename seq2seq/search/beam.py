"""The choice of the best: beam search, and with a beam of one greedy search.

B = sentences, K = beam slots of a sentence (at first one, then the width), N = B * K rows,
W = vocabulary, C = 2 * width candidates of a sentence.
"""

from __future__ import annotations

import numpy as np

from seq2seq.search.arrays import Arrays
from seq2seq.search.frontier import Choice, Choose, Frontier
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import Request, explore
from seq2seq.search.step import Array, State, Step


def beam_search(
    step: Step,
    state: State,
    request: Request,
    *,
    arrays: Arrays,
    beam: int,
    n_best: int = 1,
    length_penalty: float = 1,
) -> list[list[Hypothesis]]:
    """Return the `n_best` hypotheses of each sentence, keeping the `beam` best at every step.

    `state` holds one row a sentence. A beam of one is greedy search. A sentence ends when `beam` of
    its hypotheses have and no other promises more (see `Frontier.advance`). The length penalty (see
    `penalised`) decides on that and ranks those found; within a step all are of one length, and it
    would change nothing.
    """
    return explore(
        step,
        state,
        request,
        choose_best(arrays, request.eos, beam),
        arrays=arrays,
        slots=1,  # equal hypotheses would stay equal; it has its width from the first step on
        n_best=n_best,
        length_penalty=length_penalty,
    )


def choose_best(arrays: Arrays, eos: int, width: int) -> Choose:
    """Return the choice of each sentence's `width` best continuations, whichever slot they follow.

    The best 2 * width are looked at, as half of them may end. Those that end are kept if among the
    first half; the first `width` that don't end live on.
    """

    def choose(frontier: Frontier, log_probs_NW: Array) -> Choice:
        numbers_BC, log_probs_BC = arrays.best(frontier.scores_BK, log_probs_NW, 2 * width)
        missing = 2 * width - numbers_BC.shape[1]
        if missing:  # fewer continuations than that
            numbers_BC = np.pad(numbers_BC, ((0, 0), (0, missing)))
            log_probs_BC = np.pad(log_probs_BC, ((0, 0), (0, missing)), constant_values=-np.inf)
        vocabulary = log_probs_NW.shape[1]
        batch = np.arange(frontier.sentences)[:, None]
        rows_BC = batch * frontier.slots + numbers_BC // vocabulary
        tokens_BC = numbers_BC % vocabulary
        scores_BC = frontier.scores_BK.take(rows_BC) + log_probs_BC
        ends_BC = tokens_BC == eos
        ended_BC = ends_BC & (scores_BC > -np.inf)
        ended_BC[:, width:] = False
        survivors_BK = batch * (2 * width) + ends_BC.argsort(1, kind="stable")[:, :width]
        return Choice(
            tokens_BC=tokens_BC,
            rows_BC=rows_BC,
            log_probs_BC=log_probs_BC,
            scores_BC=scores_BC,
            ended_BC=ended_BC,
            survivors_BK=survivors_BK,
            scores_BK=scores_BC.take(survivors_BK),
            keeps_slots=width == 1,
        )

    return choose
