"""A first reading of the training corpus: which pairs to keep, and what their sources look like."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import each_translation
from seq2seq.data.prepare.chunks import Chunk, chunks_of, spread
from seq2seq.data.scripts import main_script
from seq2seq.data.text import clean_source, clean_target

_BUCKET = 1 << 20  # hashes compared at a time
_RARE = 0.01  # of the sources: a script that fewer are written in is a foreign word or a mistake


class Survey(NamedTuple):
    """Which of the N pairs to keep, how many have no empty side, and the scripts of the sources."""

    kept_N: npt.NDArray[np.bool_]
    filled: int
    scripts: list[str]

    @property
    def read(self) -> int:
        """Pairs of the corpus."""
        return len(self.kept_N)

    @property
    def kept(self) -> int:
        """Pairs without an empty side, each once if duplicates are dropped."""
        return int(self.kept_N.sum())

    @property
    def dropped(self) -> dict[str, int]:
        """The others, by reason."""
        return {"empty": self.read - self.filled, "duplicate": self.filled - self.kept}


class _Looked(NamedTuple):
    """What a chunk holds: a byte for each pair, 8 bytes for each without an empty side."""

    filled: bytes
    hashes: bytes
    scripts: Counter[str]


def survey(text: Corpus, hashes: Path, *, deduplicate: bool, workers: int | None) -> Survey:
    """Read `text` once; a hash of every pair without an empty side goes into a new file `hashes`.

    One byte a pair stays in memory.
    """
    filled, scripts = bytearray(), Counter[str]()
    with hashes.open("wb") as file:
        for looked in spread(_look, chunks_of(each_translation(text.pairs())), workers):
            filled += looked.filled
            file.write(looked.hashes)
            scripts.update(looked.scripts)
    kept_N = np.frombuffer(filled, bool)
    count = hashes.stat().st_size // 8
    if deduplicate and count:
        kept_N[kept_N] = _first_of_each(np.memmap(hashes, np.uint64, "r"))
    usual = sorted(name for name, lines in scripts.items() if lines >= _RARE * count)
    return Survey(kept_N, count, usual)


def _look(chunk: Chunk) -> _Looked:
    filled, hashes, scripts = bytearray(), bytearray(), Counter[str]()
    for source, target in chunk:
        source, target = clean_source(source), clean_target(target)
        filled.append(bool(source and target))
        if source and target:
            hashes += _hash(source, target)
            if script := main_script(source):
                scripts[script] += 1
    return _Looked(bytes(filled), bytes(hashes), scripts)


def count_seen(pairs: Iterable[tuple[str, str]], hashes: Path) -> int:
    """Return how many of `pairs` are among the pairs whose hashes are in the file."""
    wanted = np.frombuffer(b"".join(_hash(*pair) for pair in pairs), np.uint64)
    seen = np.zeros(len(wanted), bool)
    if hashes.stat().st_size:
        trained = np.memmap(hashes, np.uint64, "r")
        for at in range(0, len(trained), _BUCKET):
            seen |= np.isin(wanted, trained[at : at + _BUCKET])
    return int(seen.sum())


def _hash(source: str, target: str) -> bytes:
    return hashlib.blake2b(f"{source}\n{target}".encode(), digest_size=8).digest()


def _first_of_each(hashes_M: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Where in `hashes_M` a value stands for the first time; a bucket of values at a time."""
    first_M = np.zeros(len(hashes_M), bool)
    buckets = len(hashes_M) // _BUCKET + 1
    blocks = range(0, len(hashes_M), _BUCKET)
    for bucket in range(buckets):
        places = np.concatenate(
            [np.flatnonzero(hashes_M[at : at + _BUCKET] % buckets == bucket) + at for at in blocks]
        )
        first_M[places[np.unique(hashes_M[places], return_index=True)[1]]] = True
    return first_M
