"""What `data.train` says -> the corpus that it means.

A prefix, [source file, target file], a table, a translation memory, a test set, a .zip of one of
these, or a list of them. `seq2seq.data.readers.streams` says what a line is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import chain
from os.path import expanduser, isdir
from pathlib import Path
from typing import TypeAlias

from seq2seq.data.corpus.archives import corpus_inside, is_paper, side_inside
from seq2seq.data.corpus.corpora import Corpora, Corpus, OneFile, ParallelText
from seq2seq.data.corpus.files import candidates, existing
from seq2seq.data.corpus.kinds import Kind, kind_of
from seq2seq.data.corpus.patterns import Spec, in_order, is_pattern, matching, matching_pairs
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
from seq2seq.errors import UserError

logger = logging.getLogger(__name__)

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
    finder = _Finder(Choosing(source_language, target_language, columns))
    corpus = finder.find(spec)
    for note in finder.notes:
        logger.info("%s", note)
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
    return _Finder(Choosing(source_language, target_language, columns)).find(spec)


def check_columns(columns: Columns | None, *corpora: Corpus) -> None:
    """Raise UserError if there are `columns` to take but none of the corpora has any."""
    parts = chain.from_iterable(corpus.parts for corpus in corpora)
    if columns and not any(isinstance(part, OneFile) and part.is_table for part in parts):
        raise UserError(
            "data.columns: expected a table (.tsv, .csv, .jsonl), found none; leave the setting "
            "out, or name a table"
        )


class _Finder:
    """Turns what the configuration says into corpora."""

    def __init__(self, choosing: Choosing) -> None:
        self._choosing = choosing
        self._languages = (choosing.source, choosing.target)
        self.notes: list[str] = []
        """What the patterns match."""

    def find(self, spec: Spec) -> Corpus:
        """The corpus that a setting means."""
        return self.single(spec) if isinstance(spec, str) else self.listed(spec)

    def listed(self, items: Sequence[str | Sequence[str]]) -> Corpus:
        """The two files, or the several corpora, of a list."""
        nested = any(not isinstance(item, str) for item in items)
        if len(items) == 2 and not nested:
            one_sided = [self._is_one_sided(str(item)) for item in items]
            if all(one_sided):
                return self._two_sides(*map(str, items))
            if any(one_sided):
                alone, whole = (items[one_sided.index(wanted)] for wanted in (True, False))
                raise UserError(
                    f"[{items[0]}, {items[1]}]: expected two files of one side each, or two "
                    f"corpora; {whole} holds both sides, {alone} only one"
                )
        if not nested and len(items) > 2:
            self._check_whole(list(map(str, items)))
        if not items:
            raise UserError(f"[]: expected {FORMATS}, found an empty list")
        return _joined(self.single(i) if isinstance(i, str) else self._two_sides(*i) for i in items)

    def _check_whole(self, names: Sequence[str]) -> None:
        for name in names:
            path = Path(expanduser(name))
            if (path.is_file() or is_pattern(name)) and self._is_one_sided(name):
                raise UserError(
                    f"{name}: expected a corpus, found one side of it; write a pair of files "
                    "as a list: [[a.en, a.fr], b.tsv]"
                )

    def single(self, spec: str) -> Corpus:
        """The corpus that one path means."""
        path = Path(expanduser(spec))
        check_readable(path)
        kind = kind_of(path.name)
        if is_pattern(spec):
            return self._matching(str(path))
        if kind:
            return self._file(existing([path]), kind)
        if path.is_file():
            return self._nameless(path)
        return self._prefix(str(path))

    def _prefix(self, prefix: str) -> Corpus:
        source, target = (
            existing(candidates(prefix, side, mark), prefix)
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
        """The corpora of a pattern, in natural order; a README beside them is none."""
        prefixes = self._prefixes(pattern)
        sides = tuple(f"{prefix}." for prefix in prefixes)  # a third language is another corpus
        files = [
            name
            for name in matching(pattern)
            if kind_of(Path(name).name) or not (name.startswith(sides) or is_paper(name))
        ]
        if folder := next(filter(isdir, files), None):
            raise UserError(f"{pattern}: matches {folder}, a folder; expected files")
        names = in_order([*files, *prefixes])
        if not names:
            raise UserError(f"{pattern}: no such files: expected prefixes, tables, .tmx or .zip")
        self._note(pattern, names)
        return _joined(self._prefix(n) if n in prefixes else self.single(n) for n in names)

    def _prefixes(self, pattern: str) -> set[str]:
        """The prefixes that match and of which one side is there."""
        endings = [
            f".{language}{zip_}" for language in self._languages for zip_ in ("", *COMPRESSED)
        ]
        return {
            name.removesuffix(ending) for ending in endings for name in matching(pattern + ending)
        }

    def _note(self, pattern: str, names: Sequence[str]) -> None:
        first, last = Path(names[0]).name, Path(names[-1]).name
        listed = first if len(names) == 1 else f"{first} to {last}"
        self.notes.append(f"{pattern}: {len(names):,} matching, {listed}")

    # Two files

    def _two_sides(self, *names: str) -> Corpus:
        """The corpus of [source file, target file], or of a pattern for each."""
        if len(names) != 2 or not all(isinstance(name, str) for name in names):
            raise UserError(f"{list(names)}: expected [source file, target file]")
        for name in names:
            if kind_of(Path(name).name) in ("tsv", "csv", "json", "tmx"):
                raise UserError(
                    f"{name}: expected a file of one side in [source file, target file], "
                    "found one of both"
                )
        source, target = names
        if not any(map(is_pattern, names)):
            return self._two_files(source, target)
        pairs = matching_pairs(source, target)
        for pattern, side in zip(names, zip(*pairs, strict=True), strict=True):
            self._note(pattern, side)
        return _joined(self._two_files(*pair) for pair in pairs)

    def _two_files(self, *names: str) -> Corpus:
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
        file = existing([path])
        return file if path.suffix.lower() != ".zip" else side_inside(path, language)

    def _is_one_sided(self, name: str) -> bool:
        if is_pattern(name):
            if self._prefixes(name):
                return False
            names = matching(name)
            if not names:
                raise UserError(f"{name}: no such files")
            return all(map(self._is_one_sided, names))
        path = Path(expanduser(name))
        kind = kind_of(path.name)
        if kind == "zip":
            inner = Path(path.stem).suffix.removeprefix(".")
            return any(same_language(inner, language) for language in self._languages)
        if kind == "xml" and path.is_file():
            return root_of(path) != "tmx" and not has_both_sides(path)
        if kind and kind != "xml":
            return False
        if path.is_file():
            return True
        return not any(c.exists() for c in candidates(str(path), self._languages[0], "-src"))


def _joined(corpora: Iterable[Corpus]) -> Corpus:
    """The corpora as one."""
    parts = tuple(chain.from_iterable(corpus.parts for corpus in corpora))
    return parts[0] if len(parts) == 1 else Corpora(parts)
