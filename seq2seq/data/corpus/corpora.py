"""Parallel text on disk -> a stream of sentence pairs, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from os.path import expanduser
from pathlib import Path
from typing import TypeAlias

from seq2seq.config import SourceConfig
from seq2seq.data.corpus.kinds import read_texts
from seq2seq.data.pairs import Pair
from seq2seq.data.readers.memories import Memory
from seq2seq.data.readers.streams import TextFile, on_disk
from seq2seq.data.readers.tables import Table
from seq2seq.data.readers.test_sets import SegmentedText, aligned_segments, is_sgm
from seq2seq.errors import UserError


@dataclass(frozen=True)
class ParallelText:
    """Two files aligned by line, or by the segments of a test set."""

    source: TextFile
    target: TextFile
    source_language: str = field(default="", compare=False)
    target_language: str = field(default="", compare=False)

    @property
    def by_line(self) -> bool:
        """Whether both files are plain lines."""
        return not (is_sgm(self.source) or is_sgm(self.target))

    @property
    def files(self) -> tuple[Path, ...]:
        """The two files that are read."""
        return on_disk(self.source), on_disk(self.target)

    @property
    def name(self) -> str:
        """What errors call it."""
        return str(self.source)

    @property
    def inputs(self) -> dict[str, Path]:
        """The files by what they are to the corpus."""
        sides = {"source": self.source, "target": self.target}
        return {side + (".sgm" if is_sgm(f) else ""): on_disk(f) for side, f in sides.items()}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The corpora it is put together from: itself."""
        return (self,)

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, as it stands, in constant memory.

        Raises UserError at the line where the text is not UTF-8 or is cut off, for files of unequal
        length (at their end) and for a corpus with no line at all.
        """
        return _some(self._pairs(), self.name)

    def _pairs(self) -> Iterator[Pair]:
        if is_sgm(self.source) and is_sgm(self.target):
            return aligned_segments(
                self.source, self.target, self.source_language, self.target_language
            )
        return _aligned(self.source, self.target)


@dataclass(frozen=True)
class OneFile:
    """A file that holds both sides."""

    content: Table | Memory | SegmentedText

    @property
    def is_table(self) -> bool:
        """Whether it has columns."""
        return isinstance(self.content, Table)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that is read."""
        return (on_disk(self.content.file),)

    @property
    def name(self) -> str:
        """What errors call it."""
        return str(self.content.file)

    @property
    def inputs(self) -> dict[str, Path]:
        """The file by what it is to the corpus."""
        content = self.content
        kind = content.kind if isinstance(content, Table) else type(content).__name__.lower()
        return {"table" if kind == "tsv" else kind: self.files[0]}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The corpora it is put together from: itself."""
        return (self,)

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair in constant memory; UserError at the place where something is wrong."""
        return _some(self.content.pairs(), self.name)


@dataclass(frozen=True)
class Corpora:
    """Several corpora, one after the other."""

    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""
        return tuple(chain.from_iterable(part.files for part in self.parts))

    @property
    def name(self) -> str:
        """What errors call them."""
        return ", ".join(part.name for part in self.parts)

    @property
    def inputs(self) -> dict[str, Path]:
        """The files by the number of their corpus and what they are to it."""
        return {
            f"{number}.{role}": file
            for number, part in enumerate(self.parts, 1)
            for role, file in part.inputs.items()
        }

    def pairs(self) -> Iterator[Pair]:
        """Yield the pairs of each corpus; lines are those of its own file."""
        return chain.from_iterable(part.pairs() for part in self.parts)


@dataclass(frozen=True)
class FileCorpus:
    """A corpus of files and sentences: its sources are paths, made absolute.

    On its lines they begin where the corpus's own file is.
    """

    listed: ParallelText | OneFile | Corpora

    @property
    def files(self) -> tuple[Path, ...]:
        """The lists, not what they name."""
        return self.listed.files

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.listed.name

    @property
    def inputs(self) -> dict[str, Path]:
        """The lists by what they are to the corpus."""
        return self.listed.inputs

    @property
    def parts(self) -> tuple[Part, ...]:
        """The corpora that the list is put together from."""
        return self.listed.parts

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, its path absolute."""
        for part in self.parts:
            folder = part.files[0].parent
            for pair in part.pairs():
                yield pair._replace(source=located(pair.source, folder))


def with_sources(corpus: Corpus, kind: SourceConfig) -> Corpus:
    """Return the corpus; where its sources are files, with absolute paths."""
    return corpus if kind.is_text or isinstance(corpus, FileCorpus) else FileCorpus(corpus)


def located(line: str, folder: Path) -> str:
    """Return a path on a line as an absolute one; relative ones begin in `folder`."""
    name = line.strip()
    return str((folder / expanduser(name)).absolute()) if name else ""


Part: TypeAlias = ParallelText | OneFile
Corpus: TypeAlias = ParallelText | OneFile | Corpora | FileCorpus


def _some(pairs: Iterator[Pair], name: str) -> Iterator[Pair]:
    """The same pairs; UserError if there are none."""
    empty = True
    for pair in pairs:
        empty = False
        yield pair
    if empty:
        raise UserError(f"{name}: expected sentence pairs, found an empty file")


def _aligned(source: TextFile, target: TextFile) -> Iterator[Pair]:
    sides = zip_longest(read_texts(source), read_texts(target))
    for number, (left, right) in enumerate(sides, 1):
        if left is None or right is None:
            longest = number + sum(1 for _ in sides)
            counts = (longest, number - 1) if right is None else (number - 1, longest)
            raise UserError(
                f"{source} has {counts[0]} lines, {target} {counts[1]}: "
                "expected one line of each for every pair"
            )
        yield Pair(left, right, number)
