"""The loop of every search: beam search and sampling differ in how they choose.

It needs no torch: a step may be a model's or a graph's (see `Arrays`). B = sentences of the batch,
K = beam slots of a sentence, N = B * K rows of the model's batch, W = vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.search.arrays import Arrays
from seq2seq.search.constraints import forbid, forbid_early_end, repeats
from seq2seq.search.frontier import Choice, Choose, Frontier
from seq2seq.search.history import History
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.step import Array, State, Step

_GRANULES = 8
"""The parts of a batch: what has ended leaves it one or more of them at a time."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of any search. Lengths are in tokens."""

    max_lengths: Sequence[int]  # of each sentence, the end counted: so many steps at most
    bos: int
    eos: int
    forbidden: Sequence[int] = ()  # ids never emitted
    min_length: int = 0  # the end not counted
    no_repeat_ngram: int = 0  # 0: any may repeat

    def __post_init__(self) -> None:
        """Refuse a sentence that may not be given one token."""
        if any(length < 1 for length in self.max_lengths):
            raise ValueError(f"a longest length is below 1: {list(self.max_lengths)}")


class NotFiniteError(ValueError):
    """A step gave NaN for a sentence, counted from 0 in its batch."""

    def __init__(self, sentence: int) -> None:
        super().__init__(f"sentence {sentence} of the batch: a log-probability is NaN")
        self.sentence = sentence


def explore(
    step: Step,
    state: State,
    request: Request,
    choose: Choose,
    *,
    arrays: Arrays,
    slots: int,
    n_best: int,
    length_penalty: float,
) -> list[list[Hypothesis]]:
    """Step until every sentence has ended; return the `n_best` hypotheses of each, best first.

    `state` holds one row a sentence, each of which starts in so many beam slots. Raises
    NotFiniteError if a step gives NaN.
    """
    history = History(arrays)
    frontier = Frontier.start(request.max_lengths, slots, bos=request.bos)
    state = _widened(state, slots)
    granule = max(1, frontier.sentences // _GRANULES)
    while frontier.sentences:
        stepped = step(arrays.give(frontier.tokens_BK.ravel()), state)
        _constrain(stepped.log_probs_NW, frontier, history, request, arrays)
        choice = choose(frontier, stepped.log_probs_NW)
        _refuse_nan(frontier, choice)
        history.record(frontier, choice, stepped.weights_NHS)
        state = _continued(stepped.state, frontier, choice, arrays)
        after = frontier.advance(choice, length_penalty=length_penalty)
        history.cut_off(frontier, choice, after)
        frontier, state = _leaving(after, state, granule, arrays)
    return history.hypotheses(
        len(request.max_lengths), n_best=n_best, length_penalty=length_penalty
    )


def _refuse_nan(frontier: Frontier, choice: Choice) -> None:
    """NaN is the greatest of all to whatever chooses, so that it is among what was chosen."""
    nan_BC = np.isnan(choice.log_probs_BC)
    if nan_BC.any() and (lost_B := nan_BC.any(1) & frontier.open_B).any():
        raise NotFiniteError(int(frontier.sentences_B[lost_B][0]))


def _constrain(
    log_probs_NW: Array, frontier: Frontier, history: History, request: Request, arrays: Arrays
) -> None:
    forbid(log_probs_NW, request.forbidden)
    forbid_early_end(log_probs_NW, frontier.length, request.min_length, request.eos)
    if request.no_repeat_ngram:
        rows, tokens = repeats(history.emitted(frontier), request.no_repeat_ngram)
        if rows.size:
            log_probs_NW[arrays.give(rows), arrays.give(tokens)] = -np.inf


def _continued(state: State, frontier: Frontier, choice: Choice, arrays: Arrays) -> State:
    """The state of the survivors."""
    if choice.keeps_slots:
        return state
    width = choice.survivors_BK.shape[1]
    if frontier.slots == 1:
        return _widened(state, width)
    return state.reorder(arrays.give(choice.rows_BC.take(choice.survivors_BK).ravel()))


def _widened(state: State, width: int) -> State:
    return state if width == 1 else state.repeat(width)


def _leaving(
    frontier: Frontier, state: State, granule: int, arrays: Arrays
) -> tuple[Frontier, State]:
    """Let sentences that have ended leave the batch, as long as a multiple of `granule` stays.

    So batches meet the same few shapes, for each of which a library may have to set itself up.
    """
    searched = np.count_nonzero(frontier.open_B)
    staying = min(frontier.sentences, -(-searched // granule) * granule)
    if staying == frontier.sentences:
        return frontier, state
    indices = np.sort((~frontier.open_B).argsort(kind="stable")[:staying])
    if staying:
        state = state.keep(arrays.give(frontier.rows_of(indices)))
    return frontier.keep(indices), state
