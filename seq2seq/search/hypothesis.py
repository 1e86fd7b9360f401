"""What search finds, and how it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One output for one sentence; T = tokens emitted, the end included where it was reached."""

    tokens: list[int]  # without the start and the end
    log_probs: list[float]  # of each of the T emitted tokens, as the model gave them
    weights_HTS: npt.NDArray[np.float32]  # row t of a head is the attention that predicted token t
    finished: bool  # False: cut off at the longest length, or nothing was allowed to follow
    score: float


def penalised(log_probs: Sequence[float], length_penalty: float) -> float:
    """sum_t log p_t / T^a: with a = 0 the sequence's log-probability, with 1 the mean a token.

    T counts the end of the sentence; the score of no token at all is 0.
    """
    return sum(log_probs) / max(len(log_probs), 1) ** length_penalty
