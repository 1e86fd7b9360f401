"""One reading of one split of a corpus: the checks of each line, and counts for the others.

Reads the bytes of lines and plain tables, so that broken text is reported and not stumbled over,
and goes on after an error; other formats it reads as training does, up to their first error.
Keeps 48 bytes a pair in memory: its line, two lengths, hashes of the two sentences and of the pair.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from seq2seq.data.corpus import Corpus, OneFile, ParallelText, Part
from seq2seq.data.doctor.report import SHOWN
from seq2seq.data.doctor.rules import COPIED_WORDS
from seq2seq.data.doctor.side import Side, file_of
from seq2seq.data.leftovers import leftovers_in
from seq2seq.data.readers.headers import is_header_pair
from seq2seq.data.readers.streams import TextFile, open_bytes, told_by_place
from seq2seq.data.readers.tables import Table
from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.tokenizer import UNK, Tokenizers
from seq2seq.errors import UserError

_MOJIBAKE = (
    r"[ÃÂ][\x80-\xbf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # é, à, « and nbsp
    r"|â€[\x80-\xbf™œ˜“”¦¢¯\"]|ï»¿|Å“"  # quotes, dashes, a byte order mark, œ
)
_SUSPECTS = {
    "mojibake": re.compile(_MOJIBAKE),
    "lost characters": re.compile("\ufffd"),
    "line separators": re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"),
    "control characters": re.compile("[\x00-\x08\t\x0e-\x1b\x1f\x7f\x80-\x84\x86-\x9f]"),
}
_ANY_SUSPECT = re.compile("|".join(pattern.pattern for pattern in _SUSPECTS.values()))


@dataclass
class _Tally:
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, place: str, mark: str = "") -> None:
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(f"{place} {mark}".rstrip())


class Scan:
    """One reading of one split, and what it found."""

    def __init__(
        self, split: str, text: Corpus, languages: tuple[str, str], tokenizers: Tokenizers | None
    ) -> None:
        self.split = split
        self.text = text
        self.languages = languages
        self.tokenizers = tokenizers
        self.source, self.target = (Side(text, n, name) for n, name in enumerate(languages))
        self.tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.details: dict[str, str] = {}
        self.lines: list[dict[TextFile, int]] = []  # of each part
        self.pairs = array("q")
        self.pieces = 0

    def read(self) -> None:
        """Look at every line of the split once."""
        for part in self.text.parts:
            files = dict.fromkeys((file_of(part, 0), file_of(part, 1)), 0)
            self.lines.append(files)
            for side in (self.source, self.target):
                side.begin_part()
            for first, (source, target, line) in enumerate(self._rows(part)):
                source, target = clean_source(source), clean_target(target)  # as training does
                self.source.add(source, line)
                self.target.add(target, line)
                self.pairs.append(hash((source, target)))
                self._check_pair(source, target)
                if not first and is_header_pair(source, target, *self.languages):
                    self.tallies["header"].add(self.source.place(len(self.pairs) - 1))
                    self.details["header"] = f"{source!r}, {target!r}"
                if self.tokenizers:
                    self._check_pieces(self.tokenizers, (source, target))

    # Reading

    def _rows(self, part: Part) -> Iterator[tuple[str, str, int]]:
        """The two texts of every pair and their line, as far as both sides go."""
        if isinstance(part, ParallelText) and part.by_line:
            sides = (self._lines_of(part.source), self._lines_of(part.target))
            for number, (source, target) in enumerate(zip_longest(*sides), 1):  # to count both
                if source is not None and target is not None:
                    yield source, target, number
        elif (
            isinstance(part, OneFile) and isinstance(part.content, Table) and part.content.is_plain
        ):
            yield from self._table_rows(part.content)
        else:
            yield from self._read_pairs(part)

    def _table_rows(self, table: Table) -> Iterator[tuple[str, str, int]]:
        path, needed = table.file, max(table.source, table.target) + 1
        rows = self._filled_lines(path)
        if table.layout.header:
            next(rows, None)
        for number, raw in rows:
            cells = raw.split(b"\t")
            if len(cells) < needed:
                self.tallies["no tab"].add(f"{path}:{number}")
                cells += [b""] * needed
            source, target = (
                self._clean(cells[n], path, number) for n in (table.source, table.target)
            )
            yield source, target, number

    def _filled_lines(self, path: TextFile) -> Iterator[tuple[int, bytes]]:
        """The lines of a table by their numbers, without blank ones, which are no rows."""
        for number, raw in enumerate(self._raw_lines(path), 1):
            if raw.strip(b" \r"):
                yield number, raw
            else:
                self.tallies["blank lines"].add(f"{path}:{number}")

    def _lines_of(self, path: TextFile) -> Iterator[str]:
        for number, raw in enumerate(self._raw_lines(path), 1):
            yield self._clean(raw, path, number)

    def _raw_lines(self, path: TextFile) -> Iterator[bytes]:
        lines = self.lines[-1]
        try:
            with open_bytes(path) as stream, told_by_place(str(path), lambda: lines[path] + 1):
                for raw in stream:
                    lines[path] += 1
                    yield raw.removesuffix(b"\n")
        except UserError as error:
            self.tallies["unreadable"].add(f"{path}:{lines[path] + 1}")
            self.details["unreadable"] = str(error)

    def _read_pairs(self, part: Part) -> Iterator[tuple[str, str, int]]:
        """The pairs of a format that has no lines, as training reads them."""
        source, target = file_of(part, 0), file_of(part, 1)
        lines = self.lines[-1]
        try:
            for pair in part.pairs():
                for path in lines:
                    lines[path] += 1
                left = self._look(pair.source, f"{source}:{pair.line}")
                for right in pair.translations:
                    yield left, self._look(right, f"{target}:{pair.line}"), pair.line
        except UserError as error:
            self.tallies["unreadable"].count += 1
            self.details["unreadable"] = str(error)

    def _clean(self, raw: bytes, path: TextFile, number: int) -> str:
        """Decode a line and note oddities in it; returns the text without outer spaces."""
        place = f"{path}:{number}"
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self.tallies["not UTF-8"].add(place)
            return raw.decode("utf-8", errors="replace").strip()  # not empty: that is told once
        if number == 1 and text.startswith("\ufeff"):
            self.tallies["byte order mark"].add(place)
            text = text[1:]
        if text.endswith("\r"):
            self.tallies["carriage returns"].add(place)
            text = text[:-1]
        return self._look(text, place)

    def _look(self, text: str, place: str) -> str:
        """Note oddities in a text; returns the text without outer spaces."""
        stripped = text.strip()
        if len(stripped) != len(text):
            self.tallies["surrounding spaces"].add(place)
        if _ANY_SUSPECT.search(text):
            for check, pattern in _SUSPECTS.items():
                if pattern.search(text):
                    self.tallies[check].add(place)
        for check, mark in leftovers_in(stripped):
            self.tallies[check].add(place, mark)
        return stripped

    # Checks of one pair, the newest

    def _check_pair(self, source: str, target: str) -> None:
        newest = len(self.pairs) - 1
        if not source:
            self.tallies["empty source"].add(self.source.place(newest))
        if not target:
            self.tallies["empty target"].add(self.target.place(newest))
        if source == target and source.count(" ") >= COPIED_WORDS:
            self.tallies["copied"].add(self.source.place(newest))

    def _check_pieces(self, tokenizers: Tokenizers, pair: tuple[str, str]) -> None:
        sides = zip(
            (tokenizers.source, tokenizers.target), pair, (self.source, self.target), strict=True
        )
        for tokenizer, text, side in sides:
            ids = tokenizer.encode(text)
            self.pieces += len(ids)
            for _ in range(ids.count(UNK)):
                self.tallies["unknown pieces"].add(side.place(len(self.pairs) - 1))
