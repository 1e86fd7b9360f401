"""What a source is that is not text: a file, read as S rows of F features.

A file is read as a grid of numbers (`FileReader.read`), whose channels are normalised by the mean
and deviation that the training files have, cut into patches, and told where each patch stands.
What a trained model needs to read another file in the same way is `FileReader.model`, kept with the
run in the place of a tokenizer of the source.

Shapes: S positions, F features, C channels, X axes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources.backdrop import Backdrop, backdrop_of
from seq2seq.data.sources.grids import Grid, Rows, patch_counts, patches, positions
from seq2seq.errors import UserError
from seq2seq.kinds import option_names
from seq2seq.machine.input import check_file

__all__ = ["Features", "FileReader", "Grid", "Moments", "Rows", "Scale"]

_CACHED = 256  # files; a test set is read a few times, for its words and for its numbers
_MOST = 100_000_000  # numbers of a file: 400 MB


class Features(NamedTuple):
    """The size of what stands for a token where a source has none: a row of so many numbers."""

    size: int


class Scale(NamedTuple):
    """What the training files are like: how many axes, and each channel's mean and deviation."""

    axes: int
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @classmethod
    def unknown(cls, axes: int, channels: int) -> Scale:
        """Return one that changes nothing."""
        return cls(axes, (0.0,) * channels, (1.0,) * channels)


class Moments(NamedTuple):
    """Sums over the numbers of some files, channel by channel."""

    name: str
    """Of one of the files."""
    axes: int
    places: int
    sums_C: npt.NDArray[np.float64]
    squares_C: npt.NDArray[np.float64]

    @classmethod
    def of(cls, name: str, grid: Grid) -> Moments:
        """Return the sums over one file."""
        rows_NC = grid.reshape(-1, grid.shape[-1]).astype(np.float64)
        return cls(name, grid.ndim - 1, len(rows_NC), rows_NC.sum(0), (rows_NC**2).sum(0))

    @property
    def _shape(self) -> str:
        return f"{self.axes} axes and {len(self.sums_C)} channels"

    def plus(self, other: Moments) -> Moments:
        """Return the sums over the files of both; UserError if they are of different shapes."""
        if self._shape != other._shape:
            raise UserError(
                f"{other.name}: expected {self._shape}, as in {self.name}, found {other._shape}"
            )
        return Moments(
            self.name,
            self.axes,
            self.places + other.places,
            self.sums_C + other.sums_C,
            self.squares_C + other.squares_C,
        )

    def scale(self) -> Scale:
        """Return mean and deviation; a channel that is always the same has deviation 1."""
        means_C = self.sums_C / self.places
        variances_C = np.maximum(self.squares_C / self.places - means_C**2, 0)
        constant_C = variances_C <= 1e-9 * (1 + means_C**2)
        deviations_C = np.where(constant_C, 1, np.sqrt(variances_C))
        return Scale(self.axes, tuple(means_C.tolist()), tuple(deviations_C.tolist()))


class FileReader:
    """Files -> features; a subclass gives `read`, `cell` and `label`, and its options by keyword.

    Every option is an attribute of its name, because it is saved with the run.
    """

    kind: ClassVar[str]
    frequencies: int

    def __init__(self) -> None:
        self.scale: Scale | None = None
        """Of the training files; None before they were read."""
        self._cached = lru_cache(_CACHED)(self._encode)

    # What a kind is

    def read(self, name: str) -> Grid:
        """Return the grid of numbers in the file `name`; UserError where it has none."""
        raise NotImplementedError

    def cell(self, axes: int) -> tuple[int, ...]:
        """Return the size of a patch along each of the axes of a grid."""
        raise NotImplementedError

    def label(self, place: Sequence[int]) -> str:
        """Return what a reader calls the position at `place`, counted from 0 along each axis."""
        return ",".join(str(index + 1) for index in place)

    def usual(self) -> Scale | None:
        """Return a scale of the right shape, if the options alone say how many axes and channels
        there are."""
        return None

    # What all have

    @property
    def size(self) -> Features:
        """F, known once the training files were read; before, as the options have it, else 1."""
        scale = self.scale or self.usual()
        if scale is None:
            return Features(1)
        places = scale.axes * (1 + 2 * self.frequencies) if self.frequencies else 0
        return Features(prod(self.cell(scale.axes)) * len(scale.means) + places)

    @property
    def model(self) -> bytes:
        """Everything that reading needs, as JSON: kind, options, scale."""
        scale = None if self.scale is None else self.scale._asdict()
        value = {"kind": self.kind, "options": self.options, "scale": scale}
        return json.dumps(value, indent=2).encode()

    @property
    def options(self) -> dict[str, Any]:
        """The options by name."""
        return {name: getattr(self, name) for name in option_names(type(self))}

    def fit(self, moments: Moments) -> None:
        """Take the scale of the training files, which have these sums."""
        self.scale = moments.scale()

    def grid(self, name: str) -> Grid:
        """Return what `read` does, checked: some numbers, all of them finite."""
        grid = self.read(name)
        if not grid.size:
            raise UserError(f"{name}: expected numbers, found none (shape {shape_of(grid)})")
        if grid.size > _MOST:
            raise UserError(
                f"{name}: expected at most {_MOST:,} numbers, found {grid.size:,}; make it smaller"
            )
        if not np.isfinite(grid).all():
            bad = grid[~np.isfinite(grid)][0]
            raise UserError(f"{name}: expected finite numbers, found {bad}")
        return grid

    def encode(self, text: str) -> Rows:
        """Return the features of the file that `text` names, one row a position; none if blank."""
        name = text.strip()
        return self._cached(name, _version(name))[0] if name else np.zeros((0, 0), np.float32)

    def labels(self, text: str) -> list[str]:
        """Return a name for each row of `encode(text)`."""
        name = text.strip()
        if not name:
            return []
        counts = self._cached(name, _version(name))[1]
        return [self.label(place) for place in product(*map(range, counts))]

    def counts(self, text: str) -> tuple[int, ...]:
        """Return how many positions there are along each axis of the file that `text` names."""
        name = text.strip()
        return self._cached(name, _version(name))[1]

    def backdrop(self, text: str) -> Backdrop | None:
        """Return the file as a picture, to lay weights over it; None if `text` is blank."""
        name = text.strip()
        if not name:
            return None
        grid = self.grid(name)
        return backdrop_of(grid, self.cell(grid.ndim - 1))

    def _encode(self, name: str, version: int) -> tuple[Rows, tuple[int, ...]]:
        grid = self.grid(name)
        scale = self.scale
        assert scale is not None
        if grid.ndim - 1 != scale.axes or grid.shape[-1] != len(scale.means):
            raise UserError(
                f"{name}: expected {scale.axes} axes and {len(scale.means)} channels, as in "
                f"training, found shape {shape_of(grid)}, the channels last"
            )
        means_C, deviations_C = (np.array(v, np.float32) for v in scale[1:])
        cell = self.cell(scale.axes)
        counts = patch_counts(grid, cell)
        rows = patches((grid - means_C) / deviations_C, cell)
        return np.concatenate((rows, positions(counts, self.frequencies)), 1), counts


def shape_of(grid: npt.NDArray[Any]) -> str:
    """Return `3 x 4 x 5`."""
    return " x ".join(map(str, grid.shape))


def _version(name: str) -> int:
    """When the file was last changed, so that a changed one is read again."""
    path, _ = split_item(name)
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # reading it will tell


def split_item(name: str) -> tuple[Path, str]:
    """Return the file, and what stands after `#`: an array of several in it."""
    path, mark, item = name.rpartition("#")
    if not mark or Path(name).exists():
        return Path(name), ""
    return Path(path), item


def existing_file(name: str) -> Path:
    """Return the file of this name; UserError if there is none."""
    path, _ = split_item(name)
    check_file(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    return path
