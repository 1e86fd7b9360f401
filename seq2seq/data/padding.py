"""Rows of ids of different lengths -> one array; without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources import Rows
from seq2seq.data.tokenizer import EOS, PAD

Ids = npt.NDArray[np.int64]


def pad(rows: Sequence[Sequence[int] | npt.NDArray[np.integer]], *, end: bool) -> tuple[Ids, Ids]:
    """Return `rows` filled up on the right with PAD, and their lengths.

    `end` puts EOS after each, which counts in its length.
    """
    lengths = np.array([len(ids) + int(end) for ids in rows], np.int64)
    padded = np.full((len(rows), lengths.max()), PAD, np.int64)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    if end:
        padded[np.arange(len(rows)), lengths - 1] = EOS
    return padded, lengths


def pad_rows(sources: Sequence[Rows]) -> tuple[Rows, Ids]:
    """Return sources that are rows of features, filled up with rows of 0, and their lengths."""
    lengths = np.array([len(rows) for rows in sources], np.int64)
    padded = np.zeros((len(sources), lengths.max(), sources[0].shape[1]), np.float32)
    for filled, rows in zip(padded, sources, strict=True):
        filled[: len(rows)] = rows
    return padded, lengths


def pad_sources(
    sources: Sequence[Sequence[int] | npt.NDArray[Any]], *, end: bool
) -> tuple[npt.NDArray[Any], Ids]:
    """Return what `pad` does of ids, what `pad_rows` does of rows of features."""
    rows = [source for source in sources if isinstance(source, np.ndarray) and source.ndim == 2]
    return pad_rows(rows) if rows else pad(sources, end=end)
