"""What may not come next: the log-probability of such tokens is set to -inf, in place.

N = live hypotheses, T = tokens emitted so far, W = vocabulary. What is left isn't renormalised: a
hypothesis is scored by what the model said of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seq2seq.search.arrays import Ids
from seq2seq.search.step import Array


def forbid(log_probs_NW: Array, ids: Sequence[int]) -> None:
    """Forbid the tokens `ids` everywhere."""
    for token in ids:  # a few; a list as an index would be copied to the device at every step
        log_probs_NW[:, token] = -math.inf


def forbid_early_end(log_probs_NW: Array, length: int, min_length: int, end: int) -> None:
    """Forbid the token `end` until `min_length` others, of which there are `length`, precede it."""
    if length < min_length:
        forbid(log_probs_NW, [end])


def repeats(emitted_NT: Ids, ngram: int) -> tuple[Ids, Ids]:
    """Return rows and tokens: each token that would end an n-gram its hypothesis already has.

    -- Paulus et al. 2018, 2.5, there with trigrams.
    """
    length = emitted_NT.shape[1]
    if length < ngram:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ngrams_NGn = np.lib.stride_tricks.sliding_window_view(emitted_NT, ngram, 1)
    last_N1n = emitted_NT[:, None, length - ngram + 1 :]
    rows, starts = (ngrams_NGn[..., :-1] == last_N1n).all(-1).nonzero()
    return rows, ngrams_NGn[rows, starts, -1]
