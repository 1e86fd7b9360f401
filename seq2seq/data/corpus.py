"""Parallel text on disk -> a stream of sentence pairs, in constant memory.

A line ends at "\\n" and nowhere else: U+2028, U+0085 and a "\\r" inside a line are characters like
any other, so that two files with the same number of "\\n" can never slip against each other.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

from seq2seq.errors import UserError, did_you_mean

_TABLES = (".tsv", ".tsv.gz")
_BOM = "\ufeff"


class Pair(NamedTuple):
    """A sentence, its translation and the number of their line, from 1."""

    source: str
    target: str
    line: int


@dataclass(frozen=True)
class ParallelText:
    """Where the pairs are: two files aligned by line, or one table (`target` is None)."""

    source: Path
    target: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The one or two files that are read."""
        return (self.source,) if self.target is None else (self.source, self.target)

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, as it stands, in constant memory.

        Raises UserError at the line where the text is not UTF-8, has no tab or is cut off, for
        files of unequal length (at their end) and for a corpus with no line at all.
        """
        empty = True
        for pair in _aligned(self.source, self.target) if self.target else _table(self.source):
            empty = False
            yield pair
        if empty:
            raise UserError(f"{self.source}: expected sentence pairs, found an empty file")


def find_corpus(spec: str | list[str], source_language: str, target_language: str) -> ParallelText:
    """Return the files that `spec` means: PREFIX, one TABLE.tsv, or [SOURCE, TARGET].

    PREFIX stands for PREFIX.en and PREFIX.fr (the two languages); each file may end in .gz.
    Raises UserError, saying what was looked for, if one is missing or not a readable file.
    """
    if isinstance(spec, list):
        source, target = (_existing([Path(name)]) for name in spec)
        return ParallelText(source, target)
    if spec.endswith(_TABLES):
        return ParallelText(_existing([Path(spec)]))
    if Path(spec).is_file():
        raise UserError(
            f"{spec}: expected a prefix (PREFIX.{source_language}, PREFIX.{target_language}), "
            "a .tsv file or [source, target], found one file"
        )
    sides = (source_language, target_language)
    found = [_existing([Path(f"{spec}.{side}"), Path(f"{spec}.{side}.gz")]) for side in sides]
    return ParallelText(*found)


def read_lines(file: str | Path | TextIO | BinaryIO) -> Iterator[str]:
    """Yield the lines of a file (.gz is unpacked) or of an open stream, split at "\\n" alone.

    The "\\r" that ends a line of a CRLF file is dropped, and so is a byte order mark on line 1.
    Raises UserError naming file:line for bytes that are not UTF-8 and for a file that is cut off.
    """
    if isinstance(file, (str, Path)):
        with _open(Path(file)) as stream:
            yield from _decoded(stream, str(file))
    elif isinstance(file, io.TextIOBase) and not hasattr(file, "buffer"):
        yield from (_trimmed(line, number) for number, line in enumerate(file, 1))
    else:
        name = str(getattr(file, "name", "stream"))
        yield from _decoded(cast(BinaryIO, getattr(file, "buffer", file)), name)


# --- finding -------------------------------------------------------------------------------------


def _existing(candidates: list[Path]) -> Path:
    """The first of `candidates` that is there; UserError if it is no file or there is none."""
    for path in candidates:
        if path.is_dir():
            raise UserError(f"{path}: expected a text file, found a folder")
        if path.exists():
            return path
    tried = " or ".join(path.name for path in candidates[1:])
    tried = f" (nor {tried})" if tried else ""
    first = candidates[0]
    if not first.parent.is_dir():
        raise UserError(
            f"{first}{tried}: no such file: there is no folder {first.parent}{_how_to_get(first)}"
        )
    siblings = [path.name for path in first.parent.iterdir() if path.is_file()]
    raise UserError(f"{first}{tried}: no such file{did_you_mean(first.name, siblings)}")


def _how_to_get(path: Path) -> str:
    """The command that would have put `path` there, if it is in the place of a known corpus."""
    from seq2seq.data.download import CORPORA  # needed for this line alone

    root, name = path.parent.parent, path.parent.name
    if root.name != "corpora" or name not in CORPORA:
        return ""
    into = "" if root.resolve() == Path("corpora").resolve() else f" --into {root}"
    return f"; get it with: seq2seq data get {name}{into}"


# --- reading -------------------------------------------------------------------------------------


def _open(path: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, gzip.open(path) if path.suffix == ".gz" else path.open("rb"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a stream of UTF-8 bytes, with every failure told by its place."""
    number = 0
    try:
        for number, raw in enumerate(stream, 1):
            yield _trimmed(raw.decode("utf-8"), number)
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at place {error.start + 1} of the line"
        raise UserError(f"{name}:{number}: expected UTF-8 text, found {found}") from None
    except EOFError:
        raise UserError(f"{name}:{number + 1}: the compressed file is cut off here") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{name}:{number + 1}: not a valid .gz file: {error}") from None
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror or error}") from None


def _trimmed(line: str, number: int) -> str:
    line = line.removesuffix("\n").removesuffix("\r")
    return line.removeprefix(_BOM) if number == 1 else line


def _aligned(source: Path, target: Path) -> Iterator[Pair]:
    sides = zip_longest(read_lines(source), read_lines(target))
    for number, (left, right) in enumerate(sides, 1):
        if left is None or right is None:
            longest = number + sum(1 for _ in sides)
            counts = (longest, number - 1) if right is None else (number - 1, longest)
            raise UserError(
                f"{source} has {counts[0]} lines, {target} {counts[1]}: "
                "expected one line of each for every pair"
            )
        yield Pair(left, right, number)


def _table(path: Path) -> Iterator[Pair]:
    for number, line in enumerate(read_lines(path), 1):
        cells = line.split("\t", 2)  # what follows the target, an attribution say, is not text
        if len(cells) < 2:
            raise UserError(f"{path}:{number}: expected source<TAB>target, found no tab")
        yield Pair(cells[0], cells[1], number)
