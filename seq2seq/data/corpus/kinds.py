"""How a file is read, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from seq2seq.data.readers.streams import COMPRESSED, TextFile, read_lines
from seq2seq.data.readers.test_sets import all_versions, first_version, is_sgm
from seq2seq.errors import UserError

Kind: TypeAlias = Literal["tsv", "csv", "json", "tmx", "xml", "zip"]

_KINDS: dict[str, Kind] = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".tmx": "tmx",
    ".sgm": "xml",
    ".sgml": "xml",
    ".xml": "xml",
    ".zip": "zip",
}


def kind_of(name: str) -> Kind | None:
    """Return how a file of this name is read; None for lines."""
    path = Path(name)
    suffix = path.suffix.lower()
    return _KINDS.get(Path(path.stem).suffix.lower() if suffix in COMPRESSED else suffix)


def without_endings(file: str | Path) -> Path:
    """Return a path without the endings that say how the file is packed and laid out."""
    path = Path(file)
    for endings in ((*COMPRESSED, ".zip"), (*_KINDS, ".txt")):
        if path.suffix.lower() in endings:
            path = path.with_suffix("")
    return path


def read_versions(file: TextFile) -> list[list[str | None]]:
    """Return the sentences of a file of references, a list for each version that it has.

    Of a test set there may be several, where None stands for a segment that a version lacks.
    Raises UserError as `read_texts` does.
    """
    return all_versions(file) if is_sgm(file) else [[*read_texts(file)]]


def read_texts(file: TextFile) -> Iterator[str]:
    """Yield the sentences of a file of one side: lines, or the segments of a test set.

    Raises UserError if it is a corpus of both sides, by its name; `-` is standard input.
    """
    if is_sgm(file):
        return (segment.text for segment in first_version(file))
    kind = kind_of(file.name)
    if kind and (kind != "tsv" or "\t" in next(read_lines(file), "")):
        raise UserError(
            f"{file}: expected a text file with one sentence a line, found a file of both languages"
        )
    return read_lines(file)
