"""What `data.train` says -> the corpus that it means.

A prefix, [source file, target file], a table, a translation memory, a test set, a .zip of one of
these, or a list of them. `seq2seq.data.readers.streams` says what a line is.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from itertools import chain
from os.path import expanduser
from pathlib import Path
from typing import TypeAlias

from seq2seq.data.corpus.archives import corpus_inside, side_inside
from seq2seq.data.corpus.corpora import Corpora, Corpus, OneFile, ParallelText
from seq2seq.data.corpus.kinds import Kind, kind_of
from seq2seq.data.languages import same_language
from seq2seq.data.readers.columns import Choosing, NoColumnError
from seq2seq.data.readers.layouts import open_table
from seq2seq.data.readers.memories import Memory
from seq2seq.data.readers.streams import (
    COMPRESSED,
    TextFile,
    check_readable,
    on_disk,
    read_lines,
)
from seq2seq.data.readers.tables import Table
from seq2seq.data.readers.test_sets import (
    SegmentedText,
    has_both_sides,
    is_sgm,
    is_test_set,
    open_test_set,
)
from seq2seq.data.readers.xml import root_of
from seq2seq.errors import UserError, did_you_mean

logger = logging.getLogger(__name__)

Spec: TypeAlias = str | Sequence[str | Sequence[str]]
Columns: TypeAlias = tuple[int | str, int | str]
FORMATS = (
    "a prefix, [source file, target file], a table (.tsv, .csv, .jsonl), a translation memory "
    "(.tmx), a test set (.sgm, .xml), a .zip of one, or a list of several"
)
"""What a corpus may be, in words."""


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
        kind = kind_of(path.name)
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

    def _zipped(self, archive: Path) -> Corpus:
        first, *others = corpus_inside(archive, self._languages)
        if others:
            return ParallelText(first, others[0], *self._languages)
        kind = kind_of(first.name)
        return self._file(first, kind) if kind else self._nameless(first)

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
        files = sorted(filter(lambda name: kind_of(Path(name).name), glob.glob(pattern)))
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
            if kind_of(Path(name).name) in ("tsv", "csv", "json", "tmx"):
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
        return file if path.suffix.lower() != ".zip" else side_inside(path, language)

    def _is_one_sided(self, name: str) -> bool:
        path = Path(expanduser(name))
        kind = kind_of(path.name)
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
