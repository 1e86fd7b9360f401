"""Rows of ids of different lengths -> one array; without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

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
