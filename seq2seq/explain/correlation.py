"""Rank correlations: do two sides put the same things in one order?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def spearman(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float:
    """Return Spearman's rank correlation: Pearson's of the ranks, ties having their mean rank.

    NaN where it is not defined: if all values of one side are equal, or one is NaN.
    """
    a, b = (ranks(side) - np.mean(ranks(side)) for side in (ours, theirs))
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale else math.nan


def kendall(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float:
    """Return Kendall's tau-b: (concordant - discordant) / sqrt(pairs not tied here x there).

    NaN where it is not defined: if all values of one side are equal, or one is NaN.
    """
    a, b = (np.sign(np.subtract.outer(side, side)) for side in map(np.asarray, (ours, theirs)))
    scale = math.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum()) / scale if scale else math.nan


def ranks(values: npt.ArrayLike) -> Values:
    """Return the rank of each value from 1, the smallest; equal ones share the mean of theirs.

    With a NaN among them all are NaN.
    """
    array = np.asarray(values, np.float64)
    if np.isnan(array).any():
        return np.full_like(array, math.nan)
    smaller = (array[:, None] > array).sum(1)
    equal = (array[:, None] == array).sum(1)
    return np.asarray(smaller + (equal + 1) / 2, np.float64)
