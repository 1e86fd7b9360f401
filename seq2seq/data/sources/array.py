"""Arrays of NumPy -> rows of features: series, maps, moving pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.bounds import Frequencies, Length
from seq2seq.data.sources.contract import FileReader, Grid, existing_file, shape_of, split_item
from seq2seq.errors import UserError

_MOST_AXES = 4
_MOST_BYTES = 2_000_000_000  # of an array in an archive, which may be packed small


class ArrayReader(FileReader):
    """An array in a .npy or .npz file: (S, F) rows, (H, W, C) a map, (T, H, W, C) a film.

    `FILE.npz#name` is one of its arrays, `FILE.npy#7` the eighth along its first axis. A patch
    takes `patch` rows and columns, and `frames` steps in time.
    """

    kind = "array"

    def __init__(
        self,
        *,
        patch: Length = 1,
        frames: Length = 1,
        frequencies: Frequencies = 4,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.frames = frames
        self.frequencies = frequencies

    def read(self, name: str) -> Grid:
        """Return the array in 32 bits; one without channels has one."""
        path = existing_file(name)
        _, item = split_item(name)
        array = _loaded(name, path, item)
        if array.dtype.kind not in "biuf":
            raise UserError(f"{name}: expected real numbers, found {array.dtype}")
        if array.ndim == 1:
            array = array[:, None]
        if not 2 <= array.ndim <= _MOST_AXES:
            raise UserError(
                f"{name}: expected rows (S, F), a map (H, W, C) or a film (T, H, W, C), found "
                f"shape {shape_of(array) or 'of one number'}"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # then infinite, and refused as such
            return np.asarray(array, np.float32)

    def cell(self, axes: int) -> tuple[int, ...]:
        """Return the patch along time, rows and columns, those of them that there are."""
        return {1: (self.frames,), 2: (self.patch, self.patch)}.get(
            axes, (self.frames, self.patch, self.patch)
        )


def _loaded(name: str, path: Path, item: str) -> npt.NDArray[Any]:
    """Return the array in a .npy file, or the one called `item` in an archive.

    Python objects are never unpickled. Raises UserError that begins with `name`.
    """
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded if not item else _row(name, loaded, item)
        with loaded:
            return _member(name, loaded, item)
    except UserError:
        raise
    except Exception as error:  # a damaged header or archive raises almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if any(word in reason for word in ("allow_pickle", "Object arrays", "Python objects")):
            reason = "it holds Python objects, or is no array at all; save plain numbers"
        raise UserError(f"{name}: cannot be read as an array: {reason}") from None


def _row(name: str, array: npt.NDArray[Any], item: str) -> npt.NDArray[Any]:
    if not item.isdecimal() or len(item) > 18 or not array.ndim or int(item) >= len(array):
        last = len(array) - 1 if array.ndim else 0
        raise UserError(f"{name}: expected a number from 0 to {last} after #, found {item!r}")
    row: npt.NDArray[Any] = array[int(item)]
    return row


def _member(name: str, archive: Any, item: str) -> npt.NDArray[Any]:
    names = list(archive.files)
    if not item and len(names) == 1:
        (item,) = names
    if item not in names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise UserError(
            f"{name}: expected FILE#NAME with one of its arrays, {shown}, found "
            f"{'no name' if not item else repr(item)}"
        )
    packed = {info.filename: info for info in archive.zip.infolist()}
    if any(packed[key].file_size > _MOST_BYTES for key in (item, f"{item}.npy") if key in packed):
        raise UserError(f"{name}: expected at most {_MOST_BYTES:,} bytes of numbers, found more")
    member: object = archive[item]
    if not isinstance(member, np.ndarray):
        raise UserError(f"{name}: cannot be read as an array: it is damaged")
    return member
