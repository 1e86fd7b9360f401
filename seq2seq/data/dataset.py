"""Ids on disk: pairs of sentences, written as a stream and read through a memory map.

A source that is not text has rows of features for ids: NAME.source.features holds the float32
numbers of all rows, and its offsets count rows.

A side is two files: NAME.SIDE.uint16 (or uint32, if its vocabulary needs it) holds the ids of all
sentences end to end, NAME.SIDE.offsets holds N + 1 int64 places where they start and end. Both are
little-endian with no header; lengths leave no room for a cut-off file to pass for a whole one.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources import Features, Rows
from seq2seq.errors import UserError

Ids = npt.NDArray[np.int64]

_WIDTHS = ("uint16", "uint32")
_TYPECODES = {"uint16": "H", "uint32": "I"}
_FLUSH = 1 << 18  # ids
_SIDES = ("source", "target")
_FEATURES = "features"  # the ending of a file of rows


class Sentences(NamedTuple):
    """The ids of several sentences end to end, and the length of each."""

    ids: npt.NDArray[np.uint32]
    lengths: Ids

    @classmethod
    def of(cls, sentences: Iterable[Sequence[int]]) -> Sentences:
        """Return the ids of each sentence, joined."""
        ids, lengths = array("I"), array("q")
        for sentence in sentences:
            ids.extend(sentence)
            lengths.append(len(sentence))
        return cls(np.frombuffer(ids, np.uintc), np.frombuffer(lengths, np.int64))


class DatasetWriter:
    """Writes pairs of id sequences to NAME.* in `folder`, in constant memory.

    A context manager; the files are complete, and on the disk, when it is left.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        source_vocabulary: int | Features,
        target_vocabulary: int,
    ) -> None:
        """Take sizes of vocabularies; of a source that is not text, the size of its features."""
        self._source: _SideWriter | _RowsWriter
        if isinstance(source_vocabulary, Features):
            self._source = _RowsWriter(folder, f"{name}.source")
        else:
            self._source = _SideWriter(folder, f"{name}.source", source_vocabulary)
        self._target = _SideWriter(folder, f"{name}.target", target_vocabulary)

    def add_rows(self, source: Rows, target: Iterable[int]) -> None:
        """Append one pair whose source is rows of features."""
        assert isinstance(self._source, _RowsWriter)
        self._source.add(source)
        self._target.add(target)

    def add(self, source: Iterable[int], target: Iterable[int]) -> None:
        """Append one pair."""
        assert isinstance(self._source, _SideWriter)
        self._source.add(source)
        self._target.add(target)

    def add_all(self, sources: Sentences, targets: Sentences) -> None:
        """Append as many pairs as there are sentences."""
        assert isinstance(self._source, _SideWriter)
        self._source.add_all(sources)
        self._target.add_all(targets)

    def __enter__(self) -> DatasetWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush everything to the disk and close the files."""
        self._source.close()
        self._target.close()


class ParallelDataset:
    """Pairs of id sequences that stay on the disk until they are asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open what a `DatasetWriter` wrote; UserError naming a file that is missing or damaged."""
        self._source: _Side | _Rows
        source, target = (f"{name}.{side}" for side in _SIDES)
        if (folder / f"{source}.{_FEATURES}").exists():
            self._source = _Rows.open(folder, source)
        else:
            self._source = _Side.open(folder, source)
        self._target = _Side.open(folder, target)
        counts = [len(side.offsets) - 1 for side in (self._source, self._target)]
        if counts[0] != counts[1]:
            raise UserError(
                f"{folder / name}: damaged: {counts[0]} source and {counts[1]} target sentences"
            )

    def sources(self) -> Iterator[npt.NDArray[Any]]:
        """Yield what `self[index]` has of each source."""
        return (self._source[index] for index in range(len(self)))

    def targets(self) -> Iterator[Ids]:
        """Yield the ids of each target."""
        return (self._target[index] for index in range(len(self)))

    def replaced(self, target: Sentences, source: Sentences | None = None) -> ParallelDataset:
        """Return as many pairs with other ids, in memory; without `source`, the same sources."""
        other = copy(self)
        other._target = _Side.of(target)
        other._source = self._source if source is None else _Side.of(source)
        return other

    def __len__(self) -> int:
        """The number of pairs, N."""
        return len(self._source.offsets) - 1

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], Ids]:
        """Return the ids of the pair at `index` (from 0), source [S] and target [T], as copies.

        A source that is not text has rows of features, [S, F].
        """
        return self._source[index], self._target[index]

    @property
    def source_lengths(self) -> Ids:
        """The number of pieces of each source sentence, [N]."""
        return np.diff(self._source.offsets)

    @property
    def target_lengths(self) -> Ids:
        """The number of pieces of each target sentence, [N]."""
        return np.diff(self._target.offsets)


class _SideWriter:
    """One side's two files, flushed a block at a time."""

    def __init__(self, folder: Path, stem: str, vocabulary: int) -> None:
        width = "uint16" if vocabulary < 1 << 16 else "uint32"
        self._ids, self._offsets = array(_TYPECODES[width]), array("q", [0])
        self._end = 0
        self._files = [(folder / f"{stem}.{kind}").open("wb") for kind in (width, "offsets")]

    def add(self, ids: Iterable[int]) -> None:
        before = len(self._ids)
        self._ids.extend(ids)
        self._end += len(self._ids) - before
        self._offsets.append(self._end)
        if len(self._ids) + len(self._offsets) > _FLUSH:
            self._flush()

    def add_all(self, sentences: Sentences) -> None:
        self._flush()
        ends = self._end + np.cumsum(sentences.lengths)
        self._write(sentences.ids.astype(self._ids.typecode), ends)
        self._end += len(sentences.ids)

    def _flush(self) -> None:
        self._write(*(np.frombuffer(v, dtype=v.typecode) for v in (self._ids, self._offsets)))
        self._ids, self._offsets = array(self._ids.typecode), array("q")

    def _write(self, ids: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> None:
        for values, file in zip((ids, offsets), self._files, strict=True):
            file.write(values.astype(values.dtype.newbyteorder("<")).tobytes())

    def close(self) -> None:
        try:
            self._flush()
            for file in self._files:
                file.flush()
                os.fsync(file.fileno())
        finally:
            for file in self._files:
                file.close()


class _RowsWriter:
    """The two files of a source of rows."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._rows = (folder / f"{stem}.{_FEATURES}").open("wb")
        self._offsets = (folder / f"{stem}.offsets").open("wb")
        self._ends = array("q", [0])

    def add(self, rows: Rows) -> None:
        self._ends.append(self._ends[-1] + len(rows))
        self._rows.write(rows.astype("<f4").tobytes())

    def close(self) -> None:
        try:
            self._offsets.write(np.frombuffer(self._ends, "q").astype("<i8").tobytes())
            for file in (self._rows, self._offsets):
                file.flush()
                os.fsync(file.fileno())
        finally:
            self._rows.close()
            self._offsets.close()


@dataclass(frozen=True)
class _Rows:
    """The two files of a source of rows, mapped into memory."""

    rows: npt.NDArray[np.float32]
    offsets: Ids

    @classmethod
    def open(cls, folder: Path, stem: str) -> _Rows:
        offsets = _offsets(folder, stem)
        path = folder / f"{stem}.{_FEATURES}"
        numbers, count = _mapped(path, "<f4"), int(offsets[-1])
        if len(numbers) % max(1, count) or (count and not len(numbers)):
            raise UserError(
                f"{path}: damaged: expected {count} rows of one size, found {len(numbers)} numbers"
            )
        return cls(numbers.reshape(count, len(numbers) // max(1, count)), offsets)

    def __getitem__(self, index: int) -> Rows:
        if not 0 <= index < len(self.offsets) - 1:
            raise IndexError(index)
        return self.rows[self.offsets[index] : self.offsets[index + 1]].astype(np.float32)


def _offsets(folder: Path, stem: str) -> Ids:
    offsets = _mapped(folder / f"{stem}.offsets", "<i8")
    if not len(offsets) or offsets[0] != 0 or bool((np.diff(offsets) < 0).any()):
        raise UserError(f"{folder / stem}.offsets: damaged: expected increasing offsets from 0")
    return offsets


@dataclass(frozen=True)
class _Side:
    """One side's two files, mapped into memory."""

    ids: npt.NDArray[Any]
    offsets: Ids

    @classmethod
    def open(cls, folder: Path, stem: str) -> _Side:
        offsets = _offsets(folder, stem)
        found = [width for width in _WIDTHS if (folder / f"{stem}.{width}").exists()]
        if len(found) != 1:
            raise UserError(f"{folder / stem}.uint16 (or .uint32): no such file")
        path = folder / f"{stem}.{found[0]}"
        ids = _mapped(path, np.dtype(found[0]).newbyteorder("<"))
        if offsets[-1] != len(ids):
            raise UserError(f"{path}: damaged: expected {offsets[-1]} ids, found {len(ids)}")
        return cls(ids, offsets)

    @classmethod
    def of(cls, sentences: Sentences) -> _Side:
        """Return sentences that stay in memory."""
        return cls(sentences.ids, np.concatenate(([0], sentences.lengths.cumsum())))

    def __getitem__(self, index: int) -> Ids:
        if not 0 <= index < len(self.offsets) - 1:
            raise IndexError(index)
        return self.ids[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)


def _mapped(path: Path, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    try:
        size = path.stat().st_size
        width = np.dtype(dtype).itemsize
        if size % width:
            raise UserError(f"{path}: damaged: expected a multiple of {width} bytes, found {size}")
        if not size:  # an empty file can't be mapped
            return np.empty(0, dtype)
        # A plain view: slices of a memmap are memmaps, and took most of the time of a batch.
        return np.memmap(path, dtype, "r").view(np.ndarray)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
