"""A source as a picture, and which of its positions each pixel belongs to, to lay weights over it.

A picture is itself; of a film the frames stand side by side; of a recording or other rows there is
a column for each, its channels from below: a spectrogram.

Shapes: Y rows and X columns of the picture, S positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources.grids import Grid, patch_counts


class Backdrop(NamedTuple):
    """The picture of a source, as the model reads it."""

    pixels_YX3: npt.NDArray[np.uint8]
    positions_YX: npt.NDArray[np.int64]
    """Which of the S positions each pixel is part of."""

    def lit(self, weights_S: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
        """Return the picture, dark but for where the weights are, full where they are greatest.

        -- Xu et al. 2015, figure 3, whose words light up the part of a picture that they are read
        from.
        """
        weights_YX1 = weights_S[self.positions_YX][:, :, None]
        shares_YX1 = weights_YX1 / max(float(weights_S.max(initial=0)), 1e-9)
        return np.asarray(self.pixels_YX3 * (0.2 + 0.8 * shares_YX1), np.uint8)


def backdrop_of(grid: Grid, cell: Sequence[int]) -> Backdrop:
    """Return the picture of a grid that is cut into patches of size `cell`."""
    counts = patch_counts(grid, cell)
    numbers = np.arange(prod(counts)).reshape(counts)
    for axis, size in enumerate(cell):
        numbers = np.repeat(numbers, size, axis)
    positions = numbers[tuple(slice(length) for length in grid.shape[:-1])]
    channels = grid.shape[-1]
    if grid.ndim == 2:
        grey_YX = _bytes(grid.T[::-1])
        placed_YX = np.broadcast_to(positions, (channels, len(positions)))
        return Backdrop(np.repeat(grey_YX[:, :, None], 3, 2), np.array(placed_YX))
    if grid.ndim == 4:
        grid, positions = np.concatenate([*grid], 1), np.concatenate([*positions], 1)
    colours = _bytes(grid if channels == 3 else grid.mean(-1, keepdims=True))
    return Backdrop(np.broadcast_to(colours, (*colours.shape[:2], 3)).copy(), positions)


def _bytes(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """The values as brightness: 0 to 1 or 0 to 255 as they are, others from least to greatest."""
    least, greatest = float(values.min()), float(values.max())
    if least < 0 or greatest > 255:
        values = (values - least) / max(greatest - least, 1e-9)
        greatest = 1.0
    return np.asarray(np.round(values * (255 if greatest <= 1 else 1)), np.uint8)
