"""The choices that look for the best: greedy search, and the beam.

B = sentences, K = places a sentence (the beam), W = vocabulary, C = 2K candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seq2seq.inference.frontier import Choice, Choose, Frontier, continue_each


def choose_greedily(eos: int) -> Choose:
    """Return the choice of each hypothesis's likeliest token; of equals the lowest id."""

    def choose(frontier: Frontier, log_probs_BKW: Tensor) -> Choice:
        return continue_each(frontier, log_probs_BKW.argmax(2), log_probs_BKW, eos)

    return choose


def choose_best(eos: int) -> Choose:
    """Return the choice of each sentence's K best continuations, whichever place they continue.

    The best 2K are looked at, as K of them may end. Those that end are kept if among the first K;
    the first K that don't end live on.
    """

    def choose(frontier: Frontier, log_probs_BKW: Tensor) -> Choice:
        width, vocabulary = log_probs_BKW.shape[1:]
        summed_BX = (frontier.scores_BK[..., None] + log_probs_BKW).flatten(1)
        best_BC = top(summed_BX, 2 * width)
        scores_BC = summed_BX.gather(1, best_BC)
        tokens_BC = best_BC % vocabulary
        ends_BC = tokens_BC == eos
        ended_BC = ends_BC & (scores_BC > -torch.inf)
        ended_BC[:, width:] = False
        survivors_BK = ends_BC.byte().argsort(dim=1, stable=True)[:, :width]
        return Choice(
            tokens_BC=tokens_BC,
            parents_BC=best_BC // vocabulary,
            log_probs_BC=log_probs_BKW.flatten(1).gather(1, best_BC),
            ended_BC=ended_BC,
            survivors_BK=survivors_BK,
            scores_BK=scores_BC.gather(1, survivors_BK),
        )

    return choose


def top(scores_BX: Tensor, count: int) -> Tensor:
    """Return the indices of the `count` highest log-probabilities of each row, best first.

    Equals come in the order of their indices, whatever the device: torch.topk leaves that open, so
    each float32 is lowered, in float64, by less than its distance to the next, the later the more.
    """
    # MPS knows no float64: there the factor rounds to 1, and the order of equals is the device's.
    dtype = torch.float32 if scores_BX.device.type == "mps" else torch.float64
    places_X = torch.arange(scores_BX.shape[1], device=scores_BX.device, dtype=dtype)
    return (scores_BX.to(dtype) * (1 + places_X * 2.0**-52)).topk(count).indices
