"""What may not come next: functions that set the log-probability of such tokens to -inf, in place.

N = live hypotheses, T = tokens emitted so far, W = vocabulary. What is left isn't renormalised: a
hypothesis is scored by what the model said of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def forbid(log_probs_NW: Tensor, ids: Sequence[int]) -> None:
    """Forbid the tokens `ids` everywhere."""
    for token in ids:  # a few; a list as an index would be copied to the device at every step
        log_probs_NW[:, token] = -torch.inf


def forbid_early_end(log_probs_NW: Tensor, length: int, min_length: int, end: int) -> None:
    """Forbid the token `end` until `min_length` others, of which there are `length`, precede it."""
    if length < min_length:
        forbid(log_probs_NW, [end])


def forbid_repeats(log_probs_NW: Tensor, emitted_NT: Tensor, ngram: int) -> None:
    """Forbid each token that would end an n-gram its hypothesis already has; 0 forbids nothing.

    -- Paulus et al. 2018, 2.5, there with trigrams.
    """
    length = emitted_NT.shape[1]
    if ngram == 0 or length < ngram:
        return
    ngrams_NGn = emitted_NT.unfold(1, ngram, 1)
    last_N1n = emitted_NT[:, None, length - ngram + 1 :]
    matches_NG = (ngrams_NGn[..., :-1] == last_N1n).all(-1)
    found_NW = torch.zeros_like(log_probs_NW).scatter_add(
        1, ngrams_NGn[..., -1], matches_NG.to(log_probs_NW.dtype)
    )
    log_probs_NW.masked_fill_(found_NW > 0, -torch.inf)
