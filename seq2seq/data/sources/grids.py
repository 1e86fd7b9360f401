"""Grids of numbers -> rows of features: patches, and where on the grid each stands.

Shapes: X axes of a grid; a grid is (n_1, ..., n_X, C) for C channels; S patches, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Grid: TypeAlias = npt.NDArray[np.float32]
"""Numbers along X axes, and along the last axis the channels of each place."""
Rows: TypeAlias = npt.NDArray[np.float32]
"""A row of F features for each of the S positions of a source."""


def patch_counts(grid: Grid, cell: Sequence[int]) -> tuple[int, ...]:
    """Return how many patches of size `cell` there are along each axis, a part one counted."""
    return tuple(-(-length // size) for length, size in zip(grid.shape[:-1], cell, strict=True))


def patches(grid: Grid, cell: Sequence[int]) -> Rows:
    """Return the patches of size `cell`, row by row, each flattened with its channels last.

    A patch that reaches beyond the edge repeats the numbers at the edge.
    """
    counts = patch_counts(grid, cell)
    wanted = [count * size for count, size in zip(counts, cell, strict=True)]
    missing = [(0, full - here) for full, here in zip(wanted, grid.shape[:-1], strict=True)]
    padded = np.pad(grid, [*missing, (0, 0)], mode="edge")
    channels = grid.shape[-1]
    split = [length for pair in zip(counts, cell, strict=True) for length in pair]
    axes = len(cell)
    order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2), 2 * axes]
    cut = padded.reshape(*split, channels).transpose(order)
    return np.ascontiguousarray(cut.reshape(prod(counts), prod(cell) * channels), np.float32)


def positions(counts: Sequence[int], frequencies: int) -> Rows:
    """Return Fourier features of the place of each patch, row by row; none for 0 frequencies.

    Along each axis a place x runs from -1 to 1, and its features are sin(k pi x) and cos(k pi x)
    for k = 1 .. `frequencies`, and x -- Jaegle et al. 2021, section 3.2, whose bands these are for
    a grid of twice as many places. The same as `seq2seq.model.positions`, without torch.
    """
    if not frequencies:
        return np.zeros((prod(counts), 0), np.float32)
    bands_K = np.pi * np.arange(1, frequencies + 1)
    axes = []
    for count in counts:
        places_N = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
        turns_NK = places_N[:, None] * bands_K
        axes.append(np.concatenate((np.sin(turns_NK), np.cos(turns_NK), places_N[:, None]), 1))
    rows = [np.concatenate(of_axes) for of_axes in product(*axes)]
    return np.array(rows, np.float32)
