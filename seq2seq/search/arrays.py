"""What a search asks of the library whose arrays a step gives: NumPy here, torch in `tensors`.

All else in a search is NumPy on the CPU, for every model: a few numbers a hypothesis and step, on
which NumPy's calls take a fraction of the time of torch's. On an Intel Xeon with one thread a
search, without the model's own time, is 1.2 to 1.4 times as fast as with all of it in tensors
(beam 1 and 5, batches of 64 and 256). What a step gives for the whole vocabulary stays where it is,
and so do the attention weights until the search is over.

B = sentences, K = beam slots of a sentence, N = B * K rows of the model's batch, C = candidates of
a sentence, W = vocabulary, M = hypotheses, T = steps, H = heads, S = source positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from seq2seq.search.step import Array

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]


class Best(NamedTuple):
    """The best continuations of each sentence, best first."""

    numbers_BC: Ids  # beam slot * W + token
    log_probs_BC: Floats  # of the token alone


class Arrays(Protocol):
    """What differs between NumPy and torch."""

    def give(self, numbers: npt.NDArray[Any]) -> Array:
        """`numbers` as a step and its state take them."""
        ...

    def best(self, scores_BK: Floats, log_probs_NW: Array, count: int) -> Best:
        """The `count` largest scores + log_probs of each sentence, or all where there are fewer.

        Equals come in any order that is the same whenever the sums are.
        """
        ...

    def gather(self, weights: Sequence[Array], rows_TM: Ids) -> npt.NDArray[np.float32]:
        """weights_MHTS: of step t, its rows `rows_TM[t]`.

        A step that has fewer source positions than others has weight 0 on the rest.
        """
        ...


class NumpyArrays:
    """A step that gives NumPy arrays."""

    def give(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """`numbers` themselves."""
        return numbers

    def best(self, scores_BK: Floats, log_probs_NW: Floats, count: int) -> Best:
        """See `Arrays`."""
        batch = len(scores_BK)
        sums_BX = (scores_BK.reshape(-1, 1) + log_probs_NW).reshape(batch, -1)
        count = min(count, sums_BX.shape[1])
        numbers_BC = np.argpartition(sums_BX, -count, 1)[:, -count:]
        order_BC = (-np.take_along_axis(sums_BX, numbers_BC, 1)).argsort(1, kind="stable")
        numbers_BC = np.take_along_axis(numbers_BC, order_BC, 1)
        log_probs_BX = log_probs_NW.reshape(batch, -1)
        return Best(numbers_BC, np.take_along_axis(log_probs_BX, numbers_BC, 1))

    def gather(self, weights: Sequence[Floats], rows_TM: Ids) -> npt.NDArray[np.float32]:
        """See `Arrays`."""
        weights_MHTS = np.zeros(gathered_shape(weights, rows_TM), np.float32)
        fill(weights_MHTS, weights, rows_TM)
        return weights_MHTS


def gathered_shape(weights: Sequence[Array], rows_TM: Ids) -> tuple[int, int, int, int]:
    """The shape of weights_MHTS, wide enough for the step with the most source positions."""
    steps, hypotheses = rows_TM.shape
    width = max(weights_NHS.shape[2] for weights_NHS in weights[:steps])
    return hypotheses, weights[0].shape[1], steps, width


def fill(weights_MHTS: Array, weights: Sequence[Array], rows_TM: Array) -> None:
    """Write the rows `rows_TM[t]` of each step into zeros; the search may have had more steps."""
    for t, (weights_NHS, rows_M) in enumerate(zip(weights, rows_TM, strict=False)):
        weights_MHTS[:, :, t, : weights_NHS.shape[2]] = weights_NHS[rows_M]
