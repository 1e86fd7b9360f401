"""The data doctor: everything suspicious about a corpus, in one report, before the first step.

Reads the bytes of lines and plain tables, so that broken text is reported and not stumbled over,
and goes on after an error; other formats it reads as training does, up to their first error.
Keeps 48 bytes a pair in memory: its line, two lengths, hashes of the two sentences and of the pair.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from seq2seq.data.columns import is_header_pair
from seq2seq.data.corpus import Columns, Corpus, OneFile, ParallelText, Part, Spec, locate_corpus
from seq2seq.data.languages import SAMPLE, find_oddness
from seq2seq.data.leftovers import LEFTOVERS, leftovers_in
from seq2seq.data.streams import TextFile, open_bytes, told_by_place
from seq2seq.data.style import Style
from seq2seq.data.tables import Table
from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.tokenizer import UNK, Tokenizers
from seq2seq.errors import UserError

Severity: TypeAlias = Literal["error", "warning", "info"]

SHOWN = 3
"""Examples kept of each finding."""
COPIED_WORDS = 3
"""A pair of equal sides of this many words or fewer may be right: a name, a title, a number."""
LENGTH_FACTOR = 3.0
"""A length is an outlier when target / source characters is this far from the corpus's own."""
LENGTH_SLACK = 30
"""Characters of the longer side below which no length is an outlier."""
BLOCK = 500
"""Pairs looked at together to see whether long sentences still face long ones."""


class _Rule(NamedTuple):
    """What a check means, and the rates above which it is a warning and an error."""

    meaning: str
    warning: float
    error: float = 2.0  # never: rates end at 1


_ALWAYS, _NEVER = -1.0, 2.0

# Rates are of pairs unless said otherwise, and of the lines of both sides for leftovers. They were
# set on multi30k, Tatoeba and a corpus of laws, which hold a little of almost everything, and on
# deliberately damaged copies.
_RULES = {
    "unreadable": _Rule("the file is missing or cannot be read to its end", _ALWAYS, _ALWAYS),
    "line counts": _Rule("the two sides have different numbers of lines", _ALWAYS, _ALWAYS),
    "no tab": _Rule("a line of the table has no second column", _ALWAYS, _ALWAYS),
    "no text": _Rule("there is no sentence pair", _ALWAYS, _ALWAYS),
    "not UTF-8": _Rule("bytes that are no UTF-8 text", _ALWAYS, _ALWAYS),
    "misaligned": _Rule("blocks of lines where long sentences do not face long ones", 0.02, 0.1),
    "mojibake": _Rule("UTF-8 that was once read as Latin-1 (`Ã©`, `â€™`)", _ALWAYS, 0.01),
    "lost characters": _Rule("U+FFFD, left where a character was lost", _ALWAYS, 0.01),
    "control characters": _Rule("invisible characters, such as NUL or a tab", _ALWAYS),
    "line separators": _Rule("U+2028, U+0085, CR and the like: other tools cut the line", _ALWAYS),
    "byte order mark": _Rule("the file begins with U+FEFF", _ALWAYS),
    "carriage returns": _Rule("lines end in CR LF", _NEVER),
    "surrounding spaces": _Rule("a line begins or ends with white space", _NEVER),
    "empty source": _Rule("nothing to translate from", _ALWAYS, 0.1),
    "empty target": _Rule("nothing to translate to", _ALWAYS, 0.1),
    "copied": _Rule(f"source equals target, of more than {COPIED_WORDS} words", 0.01, 0.5),
    "length outliers": _Rule("far longer or shorter than its translation", 0.01, 0.2),
    "duplicates": _Rule("the same pair again", 0.1),
    "several targets": _Rule("a source with different translations", _NEVER),
    "leaked pairs": _Rule("the same pair is in the other set", 0.005, 0.1),
    "leaked sources": _Rule("the same source is in the other set", 0.05, 0.5),
    "leaked targets": _Rule("the same target is in the other set", 0.05, 0.5),
    "unseen characters": _Rule("characters that train never has (rate of characters)", 0.001, 0.05),
    "unknown pieces": _Rule("pieces that the tokenizer has not (rate of pieces)", 0.005, 0.05),
    "columns": _Rule("which columns of a table are read, and why", _NEVER),
    "header": _Rule("the first line names the languages; it would be trained on", _ALWAYS),
    "exchanged": _Rule("the source is in the target's language and the reverse", 0.5, 0.74),
    "other language": _Rule("the text does not look like its language", _ALWAYS),
    "entities": _Rule("XML's or HTML's way to write a character (`&apos;`)", _ALWAYS, 0.4),
    "subword marks": _Rule("pieces of another tool (`@@`, `▁`, `##`, `￭`)", _ALWAYS, 0.4),
    "tokenizer marks": _Rule(
        "what tokenizers and taggers write (`@-@`, `-LRB-`, `dog_NN`)", _ALWAYS, 0.4
    ),
    "special tokens": _Rule("another model's tokens (`<unk>`, `</s>`, `[SEP]`)", _ALWAYS, 0.4),
    "language tags": _Rule("another model's tags (`<2fr>`, `__fr__`, `>>fr<<`)", _ALWAYS, 0.4),
    "markup": _Rule("tags and declarations (`<seg>`, `<?xml`, `{\\an8}`)", _ALWAYS, 0.4),
    "Markdown": _Rule("marks of Markdown (`**bold**`, `[text](address)`)", _ALWAYS, 0.4),
    "separators": _Rule("`|||` or `|`, between the fields of other tools", _ALWAYS, 0.4),
    "escapes": _Rule("a program's way to write a character (`\\n`, `\\u00e9`, `%20`)", 0.0005, 0.4),
    "tokenised": _Rule("spaces before punctuation; raw text needs none", 0.3),
    "captions": _Rule("speakers, sounds and music, as in subtitles (`TOM: `, `[LAUGHS]`)", 0.05),
    "marked lines": _Rule("lines that begin with a dash, a bullet or the like", 0.1),
    "quoted lines": _Rule("lines in straight quotes, as in a table", 0.3),
    "numbered lines": _Rule("lines that begin with a number", 0.5),
    "one case": _Rule("all letters are small, or all capitals: the other is unknown", _ALWAYS),
    "not seen": _Rule("ways of writing that hardly a line has: the model won't know them", _NEVER),
    "size": _Rule("pairs", _NEVER),
    "longest": _Rule("words of the longest sentence", _NEVER),
}
_ONLY_ABOVE = (  # a few are no finding
    *("tokenised", "captions", "marked lines", "quoted lines", "numbered lines", "escapes"),
)
_OF_FILES = ("unreadable", "line counts")  # a rate of lines would say nothing


@dataclass(frozen=True)
class Finding:
    """One thing that a check found in one split."""

    severity: Severity
    split: str
    check: str
    count: int
    rate: float | None
    """A fraction of the split's lines (or of what the check says); None where it has no sense."""
    examples: tuple[str, ...]
    """The first places, file:line."""
    detail: str = ""

    @property
    def meaning(self) -> str:
        """What the check looks for."""
        return _RULES[self.check].meaning


@dataclass(frozen=True)
class Report:
    """Everything found, errors first."""

    findings: tuple[Finding, ...]

    @property
    def must_fix(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def table(self) -> str:
        """Return the findings as a plain-text table, and what each check in it means."""
        rows = [("severity", "split", "check", "count", "rate", "where, what")]
        for one in self.findings:
            rate = "" if one.rate is None else f"{one.rate:.2%}"
            where = "; ".join(filter(None, (one.detail, ", ".join(one.examples))))
            rows.append((one.severity, one.split, one.check, f"{one.count:,}", rate, where))
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [
            f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  "
            f"{row[3]:>{widths[3]}}  {row[4]:>{widths[4]}}  {row[5]}".rstrip()
            for row in rows
        ]
        checks = dict.fromkeys(one.check for one in self.findings if one.severity != "info")
        lines += ["", *(f"{check}: {_RULES[check].meaning}" for check in checks)] if checks else []
        return "\n".join(lines)


def check_corpora(
    splits: Mapping[str, Spec],
    source_language: str,
    target_language: str,
    *,
    columns: Columns | None = None,
    tokenizers: Tokenizers | None = None,
) -> Report:
    """Return what is suspicious in each split and between them.

    `splits` are corpus paths by name, and `columns` those of tables, as in the configuration; the
    others are compared with "train" and with those before them. With `tokenizers` the pieces
    they do not know are counted, else the characters that train does not have. What is wrong with
    the files is a finding, never an exception.
    """
    findings: list[Finding] = []
    scans: list[_Scan] = []
    for split, spec in splits.items():
        try:
            text = locate_corpus(spec, source_language, target_language, columns)
        except UserError as error:
            findings.append(_finding(split, "unreadable", 1, None, (), str(error)))
            continue
        scan = _Scan(split, text, (source_language, target_language), tokenizers)
        scan.read()
        scans.append(scan)
        findings += scan.findings()
    for index, scan in enumerate(scans):
        for earlier in scans[:index]:
            findings += _leaks(scan, earlier)
    findings += _unseen(scans) if tokenizers is None else []
    order = ("error", "warning", "info")
    return Report(tuple(sorted(findings, key=lambda finding: order.index(finding.severity))))


def _finding(
    split: str,
    check: str,
    count: int,
    rate: float | None,
    examples: Sequence[str],
    detail: str = "",
) -> Finding:
    rule = _RULES[check]
    level = 0.0 if rate is None else rate
    severity: Severity = (
        "error" if level > rule.error else "warning" if level > rule.warning else "info"
    )
    return Finding(severity, split, check, count, rate, tuple(examples), detail)


# --- one split -----------------------------------------------------------------------------------

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


class _Side:
    """What is remembered of the source or the target side of a split."""

    def __init__(self, text: Corpus, side: int, language: str) -> None:
        self.language = language
        self.name = _name_of(text, side, language)
        self._files = [_file_of(part, side) for part in text.parts]
        self._starts: list[int] = []  # the first pair of each part
        self._lines = array("l")
        self.samples: list[list[str]] = []  # the first lines of each part
        self.hashes = array("q")
        self.characters = array("l")  # in each line
        self.style = Style()
        self.alphabet = self.style.alphabet
        self.words = 0
        self.longest = (0, 0)  # words, pair

    def begin_part(self) -> None:
        """Have what is added from now on belong to the next part of the corpus."""
        self._starts.append(len(self._lines))
        self.samples.append([])

    def add(self, text: str, line: int) -> None:
        words = len(text.split())
        self.words += words
        self.longest = max(self.longest, (words, -len(self._lines)))
        self._lines.append(line)
        self.hashes.append(hash(text))
        self.characters.append(len(text))
        self.alphabet.update(text)
        if text:
            self.style.add(text)
        if len(self.samples[-1]) < SAMPLE:
            self.samples[-1].append(text)

    def place(self, index: int) -> str:
        """The file:line of a pair, whose `index` counts from 0."""
        part = bisect_right(self._starts, index) - 1
        return f"{self._files[part]}:{self._lines[index]}"


def _file_of(part: Part, side: int) -> TextFile:
    if isinstance(part, OneFile):
        return part.content.file
    return (part.source, part.target)[side]


def _name_of(text: Corpus, side: int, language: str) -> str:
    files = [_file_of(part, side) for part in text.parts]
    name = files[0].name if len(files) == 1 else f"{len(files)} files"
    alone = len(files) == 1 and isinstance(text.parts[0], ParallelText)
    return name if alone else f"{name} ({language})"


class _Scan:
    """One reading of one split, and what it found."""

    def __init__(
        self, split: str, text: Corpus, languages: tuple[str, str], tokenizers: Tokenizers | None
    ) -> None:
        self.split = split
        self.text = text
        self.languages = languages
        self.tokenizers = tokenizers
        self.source, self.target = (_Side(text, n, name) for n, name in enumerate(languages))
        self.tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.details: dict[str, str] = {}
        self.lines: list[dict[TextFile, int]] = []  # of each part
        self.pairs = array("q")
        self.pieces = 0

    def read(self) -> None:
        """Look at every line of the split once."""
        for part in self.text.parts:
            files = dict.fromkeys((_file_of(part, 0), _file_of(part, 1)), 0)
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

    def findings(self) -> list[Finding]:
        """Everything found in this split alone."""
        self._check_counts()
        found = [*map(self._tallied, self.tallies), *self._columns()]
        found = [f for f in found if f.severity != "info" or f.check not in _ONLY_ABOVE]
        if not self.pairs:
            return [*found, _finding(self.split, "no text", 0, None, [self.text.name])]
        return [
            *found,
            *self._check_languages(),
            *self._check_lengths(),
            *self._check_repeats(),
            *self._check_style(),
            *self._sizes(),
        ]

    def _tallied(self, check: str) -> Finding:
        tally, detail = self.tallies[check], self.details.get(check, "")
        lines = sum(max(files.values()) for files in self.lines)
        whole = self.pieces if check == "unknown pieces" else lines
        whole *= 2 if check in LEFTOVERS else 1  # of the lines of both sides
        rate = None if check in _OF_FILES else tally.count / max(whole, 1)
        return _finding(self.split, check, tally.count, rate, tally.examples, detail)

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
        for number, raw in enumerate(self._raw_lines(path), 1):
            if number == 1 and table.layout.header:
                continue
            cells = raw.split(b"\t")
            if len(cells) < needed:
                self.tallies["no tab"].add(f"{path}:{number}")
                cells += [b""] * needed
            source, target = (
                self._clean(cells[n], path, number) for n in (table.source, table.target)
            )
            yield source, target, number

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
        source, target = _file_of(part, 0), _file_of(part, 1)
        lines = self.lines[-1]
        try:
            for pair in part.pairs():
                for path in lines:
                    lines[path] += 1
                yield (
                    self._look(pair.source, f"{source}:{pair.line}"),
                    self._look(pair.target, f"{target}:{pair.line}"),
                    pair.line,
                )
        except UserError as error:
            self.tallies["unreadable"].count += 1
            self.details["unreadable"] = str(error)

    def _clean(self, raw: bytes, path: TextFile, number: int) -> str:
        """Decode a line and note what is odd in it; the text without what surrounds it."""
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
        """Note what is odd in a text; the text without what surrounds it."""
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
        sides = zip(tokenizers, pair, (self.source, self.target), strict=True)
        for tokenizer, text, side in sides:
            ids = tokenizer.encode(text)
            self.pieces += len(ids)
            for _ in range(ids.count(UNK)):
                self.tallies["unknown pieces"].add(side.place(len(self.pairs) - 1))

    # Checks of the whole split

    def _check_counts(self) -> None:
        for files in self.lines:
            counts = list(files.values())
            if len(set(counts)) > 1:
                self.tallies["line counts"].count += abs(counts[0] - counts[1])
                self.details["line counts"] = ", ".join(
                    f"{path} has {lines:,}" for path, lines in files.items()
                )

    def _columns(self) -> list[Finding]:
        """Which columns are read, of each table of which it is not plain."""
        tables = [p.content for p in self.text.parts if isinstance(p, OneFile)]
        return [
            _finding(self.split, "columns", 2, None, (), f"{table.file}: {table.note}")
            for table in tables
            if isinstance(table, Table) and table.note
        ]

    def _check_languages(self) -> list[Finding]:
        """Whether each side of each part is in its language, or they are exchanged."""
        found = []
        for part, samples in enumerate(zip(self.source.samples, self.target.samples, strict=True)):
            name = self.text.parts[part].name
            odd = find_oddness(*samples, *self.languages)
            if order := odd.exchanged:
                source, target = self.languages
                detail = f"{name}: the source looks like {target}, the target like {source}"
                count, rate = order.exchanged, order.exchanged / order.lines
                found.append(_finding(self.split, "exchanged", count, rate, (), detail))
            for side, looks_like in odd.others:
                detail = f"{name}: {self.languages[side]} looks like {looks_like}"
                lines = len(samples[side])
                found.append(_finding(self.split, "other language", lines, None, (), detail))
        return found

    def _check_style(self) -> list[Finding]:
        """What a model that is trained on this text will not have seen."""
        if self.split != "train":
            return []
        found = []
        for side in (self.source, self.target):
            one_case = side.style.one_case
            if one_case:
                detail = f"{side.name}: every letter is {one_case}-case"
                count = side.style.lines
                found.append(_finding(self.split, "one case", count, 1.0, (), detail))
            unseen = list(side.style.unseen())
            if unseen:
                detail = f"{side.name}: {'; '.join(unseen)}"
                found.append(_finding(self.split, "not seen", len(unseen), None, (), detail))
        return found

    def _check_lengths(self) -> list[Finding]:
        source, target = (
            np.array(side.characters, dtype=np.float64) for side in (self.source, self.target)
        )
        both = (source > 0) & (target > 0)
        if not both.any():
            return []
        ratio = np.log(np.where(both, target, 1) / np.where(both, source, 1))
        usual = np.log(target[both].sum() / source[both].sum())
        far = both & (np.abs(ratio - usual) > np.log(LENGTH_FACTOR))
        found = np.flatnonzero(far & (np.maximum(source, target) >= LENGTH_SLACK))
        findings = self._at("length outliers", found)
        blocks, looked_at = _misaligned_blocks(source, target)
        if blocks:
            rate = len(blocks) / looked_at
            places = [self.source.place(start) for start in blocks[:SHOWN]]
            detail = f"of {looked_at} blocks of {BLOCK} lines"
            findings.append(_finding(self.split, "misaligned", len(blocks), rate, places, detail))
        return findings

    def _check_repeats(self) -> list[Finding]:
        pairs, sources = np.array(self.pairs), np.array(self.source.hashes)
        _, first = np.unique(pairs, return_index=True)
        repeated = np.ones(len(pairs), dtype=bool)
        repeated[first] = False
        distinct = np.sort(first)
        values, place, times = np.unique(sources[distinct], return_index=True, return_counts=True)
        several = np.sort(distinct[place[(times > 1) & (values != hash(""))]])
        return [
            *self._at("duplicates", np.flatnonzero(repeated)),
            *self._at("several targets", several),
        ]

    def _sizes(self) -> list[Finding]:
        sides = (self.source, self.target)
        words = ", ".join(f"{side.name} {side.words:,} words" for side in sides)
        found = [_finding(self.split, "size", len(self.pairs), None, (), words)]
        for side in sides:
            length, index = side.longest
            place = side.place(-index)
            found.append(_finding(self.split, "longest", length, None, (place,)))
        return found

    def _at(self, check: str, indices: npt.NDArray[Any]) -> list[Finding]:
        """The finding of `check` at these pairs, or none."""
        if not len(indices):
            return []
        places = [self.source.place(int(index)) for index in indices[:SHOWN]]
        rate = len(indices) / len(self.pairs)
        return [_finding(self.split, check, len(indices), rate, places)]


def _misaligned_blocks(
    source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> tuple[list[int], int]:
    """The first lines of blocks whose two lengths are unrelated, and how many blocks can tell.

    Translations of a long sentence are long: their log lengths correlate at 0.7 and more. A block
    of sentences of one length, as in a sorted corpus, can't tell.
    """
    starts, looked_at = [], 0
    for start in range(0, len(source) - BLOCK + 1, BLOCK):
        lengths = np.log1p(np.stack([source, target])[:, start : start + BLOCK])
        if lengths.std(axis=1).min() < 0.25:
            continue
        looked_at += 1
        if np.corrcoef(lengths)[0, 1] < 0.25:
            starts.append(start)
    return starts, looked_at


# --- between splits ------------------------------------------------------------------------------


def _leaks(scan: _Scan, earlier: _Scan) -> list[Finding]:
    """What of `scan` is in `earlier` too: whole pairs, and the sources and targets of others."""
    found = []
    told = np.zeros(len(scan.pairs), bool)
    for check, here, there, side in (
        ("leaked pairs", scan.pairs, earlier.pairs, scan.source),
        ("leaked sources", scan.source.hashes, earlier.source.hashes, scan.source),
        ("leaked targets", scan.target.hashes, earlier.target.hashes, scan.target),
    ):
        hashes = np.array(here)
        leaked = np.isin(hashes, np.array(there)) & (hashes != hash(""))
        shared = np.flatnonzero(leaked & ~told)
        if check == "leaked pairs":
            told = leaked
        if len(shared):
            places = [side.place(int(index)) for index in shared[:SHOWN]]
            rate, detail = len(shared) / len(hashes), f"in {earlier.split}"
            found.append(_finding(scan.split, check, len(shared), rate, places, detail))
    return found


def _unseen(scans: list[_Scan]) -> list[Finding]:
    """The characters of the other splits that train does not have, side by side."""
    train = next((scan for scan in scans if scan.split == "train"), None)
    found = []
    for scan in scans:
        if train is None or scan is train:
            continue
        for side, known in ((scan.source, train.source), (scan.target, train.target)):
            unseen = {char: n for char, n in side.alphabet.items() if char not in known.alphabet}
            if unseen:
                count = sum(unseen.values())
                rate = count / sum(side.alphabet.values())
                detail = f"{side.name}: " + " ".join(map(_shown, sorted(unseen)[:10]))
                finding = _finding(scan.split, "unseen characters", count, rate, (), detail)
                found.append(finding)
    return found


def _shown(char: str) -> str:
    return char if char.isprintable() else f"U+{ord(char):04X}"
