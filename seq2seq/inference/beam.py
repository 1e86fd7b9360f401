"""The choice of the best: beam search, and with a beam of one greedy search.

B = sentences, K = places a sentence (the beam), W = vocabulary, C = 2K candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seq2seq.inference.frontier import Choice, Choose, Frontier


def choose_best(eos: int) -> Choose:
    """Return the choice of each sentence's K best continuations, whichever place they continue.

    The best 2K are looked at, as K of them may end. Those that end are kept if among the first K;
    the first K that don't end live on. Equals come in the order of torch.topk: the same whenever
    the scores are, but not that of their ids.
    """

    def choose(frontier: Frontier, log_probs_BKW: Tensor) -> Choice:
        width, vocabulary = log_probs_BKW.shape[1:]
        summed_BX = (frontier.scores_BK[..., None] + log_probs_BKW).flatten(1)
        scores_BC, best_BC = summed_BX.topk(2 * width)
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
            in_place=width == 1,
        )

    return choose
