"""Parallel text on disk -> a stream of sentence pairs, in constant memory.

What `data.train` may say: a prefix, [source file, target file], a table, a translation memory, a
test set, a .zip of one of these, or a list of them. `seq2seq.data.streams` says what a line is.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from os.path import expanduser
from pathlib import Path
from typing import Literal, TypeAlias

from seq2seq.data.columns import Choosing, NoColumnError, is_header_pair
from seq2seq.data.languages import SAMPLE, find_oddness, same_language
from seq2seq.data.markup import (
    Memory,
    SegmentedText,
    aligned_segments,
    first_version,
    has_both_sides,
    is_sgm,
    is_test_set,
    open_test_set,
    root_of,
)
from seq2seq.data.pairs import Pair
from seq2seq.data.streams import (
    COMPRESSED,
    TextFile,
    Zipped,
    bare_name,
    check_readable,
    members,
    on_disk,
    read_lines,
)
from seq2seq.data.tables import Table, open_table
from seq2seq.errors import UserError, did_you_mean

__all__ = ["Corpora", "Corpus", "Pair", "ParallelText", "find_corpus", "read_lines"]

logger = logging.getLogger(__name__)

Spec: TypeAlias = str | Sequence[str | Sequence[str]]
Columns: TypeAlias = tuple[int | str, int | str]
Kind: TypeAlias = Literal["tsv", "csv", "json", "tmx", "xml", "zip"]

FORMATS = (
    "a prefix, [source file, target file], a table (.tsv, .csv, .jsonl), a translation memory "
    "(.tmx), a test set (.sgm, .xml), a .zip of one, or a list of several"
)
"""What a corpus may be, in words."""
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
_PAPERS = ("readme", "license", "licence", "_about", "about", "credits", "copying", "changelog")


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


Part: TypeAlias = ParallelText | OneFile
Corpus: TypeAlias = ParallelText | OneFile | Corpora


def find_corpus(
    spec: Spec, source_language: str, target_language: str, columns: Columns | None = None
) -> Corpus:
    """Return the corpus that `spec` means, and log which columns were taken and why.

    PREFIX stands for PREFIX.en and PREFIX.fr (the two languages). Two file names of one side each
    are [SOURCE, TARGET]; every other list is of corpora, and there a pair of files is a list of its
    own: [[a.en, a.fr], b.tsv]. `columns` are numbers, from 1, or names, of tables alone.

    Raises UserError, saying what was looked for, if a file is missing or can't be read, and if it
    can't be told what `spec` or a table means.
    """
    corpus = locate_corpus(spec, source_language, target_language, columns)
    for part in corpus.parts:
        content = part.content if isinstance(part, OneFile) else None
        if isinstance(content, (Table, SegmentedText)) and content.note:
            level = logging.WARNING if content.doubtful else logging.INFO
            logger.log(level, "%s: %s", part.name, content.note)
    return corpus


def find_test_set(
    spec: Spec, source_language: str, target_language: str, columns: Columns | None
) -> Corpus:
    """Return the corpus as `find_corpus` does, with the columns of the training table or its own.

    A test set need not be laid out as the table that a run was trained on.
    """
    try:
        return find_corpus(spec, source_language, target_language, columns)
    except NoColumnError:
        return find_corpus(spec, source_language, target_language)


def locate_corpus(
    spec: Spec, source_language: str, target_language: str, columns: Columns | None = None
) -> Corpus:
    """Return what `find_corpus` does, without a word in the log."""
    finder = _Finder(Choosing(source_language, target_language, columns))
    return finder.single(spec) if isinstance(spec, str) else finder.listed(spec)


def check_columns(columns: Columns | None, *corpora: Corpus) -> None:
    """Raise UserError if there are `columns` to take but none of the corpora has any."""
    parts = chain.from_iterable(corpus.parts for corpus in corpora)
    if columns and not any(isinstance(part, OneFile) and part.is_table for part in parts):
        raise UserError(
            "data.columns: there is no table (.tsv, .csv, .jsonl) to take columns from; leave it "
            "out, or name one"
        )


def warn_if_odd(corpus: Corpus, source_language: str, target_language: str) -> None:
    """Log a warning for each part in other languages than said, or that begins with a header."""
    for part in corpus.parts:
        rows = list(islice(part.pairs(), SAMPLE))
        if is_header_pair(rows[0].source, rows[0].target, source_language, target_language):
            logger.warning(
                "%s:%d: the first pair looks like a header, and is no sentence: %r, %r",
                *(part.name, rows[0].line, rows[0].source, rows[0].target),
            )
        sources, targets = [row.source for row in rows], [row.target for row in rows]
        odd = find_oddness(sources, targets, source_language, target_language)
        if order := odd.exchanged:
            logger.warning(
                "%s: source and target look exchanged: in %d of %d pairs the source is %s and the "
                "target %s; exchange the files, or data.source and data.target",
                *(part.name, order.exchanged, order.lines, target_language, source_language),
            )
        for side, looks_like in odd.others:
            logger.warning(
                "%s: expected %s, the %s looks like %s; see data.source and data.target",
                part.name,
                (source_language, target_language)[side],
                ("source", "target")[side],
                looks_like,
            )


def read_texts(file: TextFile) -> Iterator[str]:
    """Yield the sentences of a file of one side: lines, or the segments of a test set.

    Raises UserError if it is a corpus of both sides, by its name; `-` is standard input.
    """
    if is_sgm(file):
        return (segment.text for segment in first_version(file))
    kind = _kind(file.name)
    if kind and (kind != "tsv" or "\t" in next(read_lines(file), "")):
        raise UserError(
            f"{file}: expected a text file, a sentence a line, found a corpus of both sides"
        )
    return read_lines(file)


# --- finding -------------------------------------------------------------------------------------


class _Finder:
    """Turns what the configuration says into corpora."""

    def __init__(self, choosing: Choosing) -> None:
        self._choosing = choosing
        self._languages = (choosing.source, choosing.target)

    def listed(self, items: Sequence[str | Sequence[str]]) -> Corpus:
        """The two files, or the several corpora, of a list."""
        nested = any(not isinstance(item, str) for item in items)
        if len(items) == 2 and not nested:
            one_sided = [self._is_one_sided(str(item)) for item in items]
            if all(one_sided):
                return self._two_files(*map(str, items))
            if any(one_sided):
                alone, whole = (items[one_sided.index(wanted)] for wanted in (True, False))
                raise UserError(
                    f"[{items[0]}, {items[1]}]: expected two files of one side each, or two "
                    f"corpora; {whole} is a corpus of its own, and {alone} one side of one"
                )
        if not nested and len(items) > 2:
            self._check_whole(list(map(str, items)))
        if not items:
            raise UserError(f"[]: expected {FORMATS}, found an empty list")
        found = [self.single(i) if isinstance(i, str) else self._two_files(*i) for i in items]
        parts = tuple(chain.from_iterable(corpus.parts for corpus in found))
        return parts[0] if len(parts) == 1 else Corpora(parts)

    def _check_whole(self, names: Sequence[str]) -> None:
        for name in names:
            path = Path(expanduser(name))
            if path.is_file() and self._is_one_sided(name):
                raise UserError(
                    f"{name}: one side of a corpus, in a list of corpora; a pair of files there is "
                    "a list of its own: [[a.en, a.fr], b.tsv]"
                )

    def single(self, spec: str) -> Corpus:
        """The corpus that one path means."""
        path = Path(expanduser(spec))
        check_readable(path)
        kind = _kind(path.name)
        if glob.has_magic(spec) and not path.exists():
            return self._matching(str(path))
        if kind:
            return self._file(_existing([path]), kind)
        if path.is_file():
            return self._nameless(path)
        return self._prefix(str(path))

    def _prefix(self, prefix: str) -> Corpus:
        source, target = (
            _existing(_candidates(prefix, side, mark), prefix)
            for side, mark in zip(self._languages, ("-src", "-ref"), strict=True)
        )
        return ParallelText(source, target, *self._languages)

    def _file(self, file: TextFile, kind: Kind) -> Corpus:
        if kind == "zip":
            return self._zipped(on_disk(file))
        if kind == "tsv" or kind == "csv" or kind == "json":
            return OneFile(open_table(file, kind, self._choosing))
        root = root_of(file)
        if kind == "tmx" or root == "tmx":
            return OneFile(Memory(file, *self._languages))
        if not (is_test_set(root) or is_sgm(file)):
            raise UserError(f"{file}: expected a TMX file or a test set, found <{root}>")
        return OneFile(open_test_set(file, *self._languages))

    def _nameless(self, path: TextFile) -> Corpus:
        """A lone file whose name says nothing: a table if there are tabs in it."""
        if "\t" in next(read_lines(path), ""):
            return OneFile(open_table(path, "tsv", self._choosing))
        source, target = self._languages
        raise UserError(
            f"{path}: expected a prefix (PREFIX.{source}, PREFIX.{target}), [source, target], "
            "a table (.tsv, .csv, .jsonl), .tmx or .zip, found one file"
        )

    def _matching(self, pattern: str) -> Corpus:
        """The corpora of a pattern with * or ?, in the order of their names."""
        files = sorted(filter(lambda name: _kind(Path(name).name), glob.glob(pattern)))
        prefixes = set()
        for suffix in ("", *COMPRESSED):
            ending = f".{self._languages[0]}{suffix}"
            prefixes |= {name.removesuffix(ending) for name in glob.glob(pattern + ending)}
        found = [*map(self.single, files), *map(self._prefix, sorted(prefixes))]
        if not found:
            raise UserError(f"{pattern}: no such files: expected prefixes, tables, .tmx or .zip")
        parts = tuple(chain.from_iterable(corpus.parts for corpus in found))
        return parts[0] if len(parts) == 1 else Corpora(parts)

    # Two files

    def _two_files(self, *names: str) -> Corpus:
        if len(names) != 2 or not all(isinstance(name, str) for name in names):
            raise UserError(f"{list(names)}: expected [source file, target file]")
        for name in names:
            if _kind(Path(name).name) in ("tsv", "csv", "json", "tmx"):
                raise UserError(
                    f"{name}: a file of both sides can't be one of [source file, target file]"
                )
        source, target = (
            self._side(name, side) for name, side in zip(names, self._languages, strict=True)
        )
        text = ParallelText(source, target, *self._languages)
        if text.by_line and all("\t" in next(read_lines(file), "") for file in (source, target)):
            raise UserError(
                f"[{source}, {target}]: expected one sentence a line, found tabs in both; tables "
                "must be named .tsv"
            )
        return text

    def _side(self, name: str, language: str) -> TextFile:
        path = Path(expanduser(name))
        check_readable(path)
        file = _existing([path])
        return file if path.suffix.lower() != ".zip" else _only_member(path, language)

    def _is_one_sided(self, name: str) -> bool:
        path = Path(expanduser(name))
        kind = _kind(path.name)
        if kind == "zip":
            inner = Path(path.stem).suffix.removeprefix(".")
            return any(same_language(inner, language) for language in self._languages)
        if kind == "xml" and path.is_file():
            return root_of(path) != "tmx" and not has_both_sides(path)
        if kind and kind != "xml":
            return False
        if path.is_file() or glob.has_magic(name):
            return path.is_file()
        return not any(c.exists() for c in _candidates(str(path), self._languages[0], "-src"))

    # .zip

    def _zipped(self, archive: Path) -> Corpus:
        """The corpus in a .zip: two files of one name, or the one table, memory or test set."""
        names = [name for name in members(archive) if not _is_paper(name)]
        pairs = self._aligned_members(names)
        if len(pairs) == 1:
            source, target = (Zipped(archive, name) for name in pairs[0])
            return ParallelText(source, target, *self._languages)
        whole = [name for name in names if _kind(Path(name).name) not in (None, "zip", "xml")]
        texts = [name for name in names if Path(name).suffix.lower() == ".txt"]
        if not pairs and len(whole) == 1:
            return self._file(Zipped(archive, whole[0]), _kind(Path(whole[0]).name) or "tsv")
        if not pairs and not whole and len(texts) == 1:
            return self._nameless(Zipped(archive, texts[0]))
        found = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        ends = " and ".join(f".{language}" for language in self._languages)
        raise UserError(
            f"{archive}: expected one corpus (two files ending in {ends}, or one table or .tmx), "
            f"found {found or 'no file'}; unpack it, and name the files"
        )

    def _aligned_members(self, names: Sequence[str]) -> list[tuple[str, str]]:
        sides: list[dict[str, str]] = [{}, {}]
        for name in names:
            path = Path(name)
            bare = path.with_name(bare_name(path))
            for side, language in zip(sides, self._languages, strict=True):
                if bare.suffix and same_language(bare.suffix[1:], language):
                    side[str(bare.with_suffix(""))] = name
        return [(name, sides[1][stem]) for stem, name in sides[0].items() if stem in sides[1]]


def _kind(name: str) -> Kind | None:
    """How a file of this name is read; None for lines."""
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


def _is_paper(name: str) -> bool:
    """Whether a file of a .zip tells of the corpus and is none of it."""
    return Path(name).name.casefold().startswith(_PAPERS)


def _only_member(archive: Path, language: str) -> Zipped:
    names = [name for name in members(archive) if not _is_paper(name)]
    named = [n for n in names if same_language(Path(bare_name(Path(n))).suffix[1:], language)]
    chosen = named if len(names) > 1 else names
    if len(chosen) != 1:
        raise UserError(
            f"{archive}: expected one file in {language}, found {', '.join(names[:8]) or 'none'}"
        )
    return Zipped(archive, chosen[0])


def _candidates(prefix: str, language: str, mark: str) -> list[Path]:
    """The files that may be one side of a prefix, the likeliest first."""
    plain = [f"{prefix}.{language}{suffix}" for suffix in ("", *COMPRESSED)]
    sets = [f"{prefix}{middle}.{language}.sgm" for middle in ("", mark)]
    return [Path(name) for name in (*plain, *sets)]


def _existing(candidates: list[Path], prefix: str = "") -> Path:
    """The first of `candidates` that is there; UserError if it is no file or there is none."""
    for path in candidates:
        if path.is_dir():
            raise UserError(f"{path}: expected a text file, found a folder")
        if path.exists():
            return path
    first = candidates[0]
    tried = ", ".join(path.name.removeprefix(first.name) for path in candidates[2:])
    tried = f" (nor {candidates[1].name}, {tried})" if tried else ""
    if not first.parent.is_dir():
        raise UserError(
            f"{first}{tried}: no such file: there is no folder {first.parent}{_how_to_get(first)}"
        )
    if prefix and Path(prefix).is_dir():
        raise UserError(f"{first}{tried}: no such file: {prefix} is a folder, not a prefix in it")
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
