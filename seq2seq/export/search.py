"""Beam search as in `seq2seq.inference`, over arrays; with a beam of one greedy search.

B = sentences still searched, K = places a sentence (the beam), N = B * K rows of the model's batch,
C = 2 K candidates a sentence, T = tokens so far with the start, W = vocabulary, H = heads,
S = source positions. A place is empty where its score is -inf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from seq2seq.config import DecodingConfig
from seq2seq.export.network import Floats, Ids, State, Stepped
from seq2seq.search.hypothesis import Hypothesis, penalised

Step = Callable[[Ids, State], Stepped]
Number = TypeVar("Number", bound=np.generic)


class _Live(NamedTuple):
    """The hypotheses still being written, a row a sentence in every array."""

    sentences_B: Ids
    limits_B: Ids  # in tokens, the end counted
    ended_B: Ids  # how many of its hypotheses have ended
    best_B: Floats  # the score of the best of them, with its length penalty
    scores_BK: Floats
    tokens_BKT: Ids
    log_probs_BKT: Floats
    rows_BKT: Ids  # the model's row that predicted each token

    @classmethod
    def start(cls, limits: Sequence[int], beam: int, bos: int) -> _Live:
        shape = (len(limits), beam)
        scores_BK = np.full(shape, -np.inf, np.float32)
        scores_BK[:, 0] = 0  # equal hypotheses would stay equal
        return cls(
            sentences_B=np.arange(len(limits)),
            limits_B=np.array(limits, np.int64),
            ended_B=np.zeros(len(limits), np.int64),
            best_B=np.full(len(limits), -np.inf, np.float32),
            scores_BK=scores_BK,
            tokens_BKT=np.full((*shape, 1), bos, np.int64),
            log_probs_BKT=np.zeros((*shape, 0), np.float32),
            rows_BKT=np.zeros((*shape, 0), np.int64),
        )

    @property
    def emitted(self) -> int:
        """How many tokens each hypothesis has."""
        return self.log_probs_BKT.shape[2]

    def keep(self, indices: Ids) -> _Live:
        """Only the sentences at `indices`."""
        return _Live._make(column[indices] for column in self)

    def continued(self, parents_BX: Ids, tokens_BX: Ids, log_probs_BX: Floats) -> _Live:
        """The hypotheses at these places, each with one more token."""
        width = self.scores_BK.shape[1]
        rows_BX = np.arange(len(parents_BX))[:, None] * width + parents_BX

        def grown(
            column_BKT: npt.NDArray[Number], newest_BX: npt.NDArray[Number]
        ) -> npt.NDArray[Number]:
            chosen_BXT = np.take_along_axis(column_BKT, parents_BX[..., None], 1)
            return np.concatenate([chosen_BXT, newest_BX[..., None]], 2)

        return self._replace(
            tokens_BKT=grown(self.tokens_BKT, tokens_BX),
            log_probs_BKT=grown(self.log_probs_BKT, log_probs_BX),
            rows_BKT=grown(self.rows_BKT, rows_BX),
        )


class _Found(NamedTuple):
    """A hypothesis whose attention is still to be gathered."""

    tokens: list[int]  # the end included
    log_probs: list[float]
    rows: list[int]
    finished: bool


def beam_search(
    step: Step,
    state: State,
    *,
    limits: Sequence[int],
    options: DecodingConfig,
    bos: int,
    eos: int,
    forbidden: Sequence[int] = (),
) -> list[list[Hypothesis]]:
    """Return the `options.n_best` hypotheses of each sentence, best first.

    `state` holds one row a sentence; `limits` are the longest lengths in tokens, the end counted.
    Of `options`, max_length, max_ratio and batch are the caller's to apply.
    """
    beam = options.beam
    live = _Live.start(limits, beam, bos)
    state = state.repeat(beam)
    found: list[list[_Found]] = [[] for _ in limits]
    seen: list[Floats] = []
    while len(live.sentences_B):
        stepped = step(live.tokens_BKT[:, :, -1].ravel(), state)
        seen.append(stepped.weights_NHS)
        state, before = stepped.state, live
        log_probs_BKW = stepped.log_probs_NW.reshape(-1, beam, stepped.log_probs_NW.shape[1])
        _constrain(log_probs_BKW, live, options, eos, forbidden)
        scores_BC, parents_BC, tokens_BC = _best(live.scores_BK[..., None] + log_probs_BKW)
        log_probs_BC = np.take_along_axis(
            log_probs_BKW.reshape(len(parents_BC), -1),
            parents_BC * log_probs_BKW.shape[2] + tokens_BC,
            1,
        )
        candidates = live.continued(parents_BC, tokens_BC, log_probs_BC)
        ends_BC = tokens_BC == eos
        ended_BC = ends_BC & (scores_BC > -np.inf)
        ended_BC[:, beam:] = False
        _collect(found, candidates, ended_BC, finished=True)
        reached_B = np.where(ended_BC, scores_BC, -np.inf).max(1)
        reached_B /= candidates.emitted**options.length_penalty
        survivors_BK = ends_BC.argsort(1, kind="stable")[:, :beam]
        live = candidates._replace(
            ended_B=live.ended_B + ended_BC.sum(1),
            best_B=np.maximum(live.best_B, reached_B),
            scores_BK=np.take_along_axis(scores_BC, survivors_BK, 1),
            **{
                name: np.take_along_axis(getattr(candidates, name), survivors_BK[..., None], 1)
                for name in ("tokens_BKT", "log_probs_BKT", "rows_BKT")
            },
        )
        if beam > 1:
            state = state.reorder(live.rows_BKT[:, :, -1].ravel())
        live, state = _close(found, before, live, state, options.length_penalty)
    return [_ranked(each, seen, options) for each in found]


def _constrain(
    log_probs_BKW: Floats,
    live: _Live,
    options: DecodingConfig,
    eos: int,
    forbidden: Sequence[int],
) -> None:
    """Set what may not come next to -inf; what is left isn't renormalised."""
    log_probs_BKW[..., list(forbidden)] = -np.inf
    if live.emitted < options.min_length:
        log_probs_BKW[..., eos] = -np.inf
    ngram = options.no_repeat_ngram
    if not ngram or live.emitted < ngram:
        return
    emitted_BKT = live.tokens_BKT[:, :, 1:]
    ngrams_BKGn = np.lib.stride_tricks.sliding_window_view(emitted_BKT, ngram, 2)
    last_BK1n = emitted_BKT[:, :, None, live.emitted - ngram + 1 :]
    repeated_BKG = (ngrams_BKGn[..., :-1] == last_BK1n).all(-1)
    sentence, place, start = repeated_BKG.nonzero()
    log_probs_BKW[sentence, place, ngrams_BKGn[sentence, place, start, -1]] = -np.inf


def _best(scores_BKW: Floats) -> tuple[Floats, Ids, Ids]:
    """The best 2 K continuations of each sentence: scores, places they continue, tokens."""
    sentences, beam, vocabulary = scores_BKW.shape
    scores_BX = scores_BKW.reshape(sentences, -1)
    best_BC = np.argpartition(scores_BX, -2 * beam, 1)[:, -2 * beam :]
    scores_BC = np.take_along_axis(scores_BX, best_BC, 1)
    order_BC = (-scores_BC).argsort(1, kind="stable")
    best_BC = np.take_along_axis(best_BC, order_BC, 1)
    scores_BC = np.take_along_axis(scores_BC, order_BC, 1)
    return scores_BC, best_BC // vocabulary, best_BC % vocabulary


def _close(
    found: list[list[_Found]], before: _Live, live: _Live, state: State, length_penalty: float
) -> tuple[_Live, State]:
    """Let the sentences that have ended leave, with their hypotheses still being written.

    One ends when K of its hypotheses have and none that lives promises more, at its longest length,
    or when no hypothesis lives (see `Frontier.advance`); if none lived or ended, those of the step
    before are its hypotheses.
    """
    beam = live.scores_BK.shape[1]
    lives_BK = live.scores_BK > -np.inf
    full_B = live.ended_B >= beam
    if beam > 1:
        full_B &= live.scores_BK.max(1) / (live.emitted + 1) ** length_penalty <= live.best_B
    open_B = lives_BK.any(1) & ~full_B & (live.limits_B > live.emitted)
    lost_B = ~lives_BK.any(1) & (live.ended_B == 0)
    _collect(found, live, lives_BK & ~open_B[:, None], finished=False)
    _collect(found, before, (before.scores_BK > -np.inf) & lost_B[:, None], finished=False)
    if open_B.all():
        return live, state
    kept = open_B.nonzero()[0]
    return live.keep(kept), state.keep((kept[:, None] * beam + np.arange(beam)).ravel())


def _collect(
    found: list[list[_Found]], live: _Live, chosen_BX: npt.NDArray[np.bool_], *, finished: bool
) -> None:
    """Note the chosen hypotheses of each sentence."""
    for sentence, place in np.argwhere(chosen_BX):
        found[live.sentences_B[sentence]].append(
            _Found(
                tokens=live.tokens_BKT[sentence, place, 1:].tolist(),
                log_probs=live.log_probs_BKT[sentence, place].tolist(),
                rows=live.rows_BKT[sentence, place].tolist(),
                finished=finished,
            )
        )


def _ranked(found: list[_Found], seen: list[Floats], options: DecodingConfig) -> list[Hypothesis]:
    """The best, those that ended before those cut off; of equals, the one found first."""

    def rank(each: _Found) -> tuple[bool, float]:
        return not each.finished, -penalised(each.log_probs, options.length_penalty)

    return [
        Hypothesis(
            tokens=each.tokens[:-1] if each.finished else each.tokens,
            log_probs=each.log_probs,
            weights_THS=np.array(
                [seen[t][row] for t, row in enumerate(each.rows)], np.float32
            ).reshape(len(each.rows), *seen[0].shape[1:]),
            finished=each.finished,
            score=penalised(each.log_probs, options.length_penalty),
        )
        for each in sorted(found, key=rank)[: options.n_best]
    ]
