"""Which columns of a table are the source and the target.

By `data.columns`; by names (`en`, `French`, `source`, `translation.fr`, `sentence_en`); by what is
in the columns, where numbers, addresses, labels and licences are no sentences and the languages
are told by `seq2seq.data.identification`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import NamedTuple

from seq2seq.data.identification import SAMPLE, find_order, guess_language
from seq2seq.data.languages import known_language, same_language
from seq2seq.data.readers.column_names import (
    LANGUAGE_OF,
    OTHERS,
    language_in,
    side_in,
    tag_of,
    words_in,
)
from seq2seq.errors import UserError, did_you_mean

NUMBERS = re.compile(r"[-+]?[\d.,:%/ eE+-]*\d[\d.,:%/ eE+-]*|nan|NaN|inf|true|false|True|False")
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|www\.\S+|\S+@\S+\.\w+|(?:[\w.-]*/)+[\w.-]+")
_IDENTIFIER = re.compile(r"(?=\S*\d)[\x21-\x7e]+")
_LICENCE = re.compile(r"(?i)\bcc[- ]?(?:by|0)\b|attribution:|licen[cs]e|©|tatoeba\.org")
_MOST = 0.9
_SHOWN = 40


class NoColumnError(UserError):
    """A table lacks a column that `data.columns` names."""


class Column(NamedTuple):
    """A column: its number from 1, its name if it has one, its cells (None where a row ends)."""

    number: int
    name: str | None
    cells: list[str | None]

    @property
    def texts(self) -> list[str]:
        """The cells that hold something."""
        return [cell for cell in self.cells if cell and cell.strip()]

    @property
    def shown(self) -> str:
        """Number, name and a sample, for an error."""
        name = f" {self.name!r}" if self.name else ""
        sample = " ".join(next(iter(self.texts), "").split())
        cut = sample[: _SHOWN - 1] + "…" if len(sample) > _SHOWN else sample
        return f"{self.number}{name}: {cut!r}"


class Choice(NamedTuple):
    """The indices, from 0, of the columns that are read, and a word on why."""

    source: int
    target: int
    note: str
    exchanged: bool = False


@dataclass(frozen=True)
class Choosing:
    """What is known beforehand: the two languages, and `data.columns`."""

    source: str
    target: str
    wanted: tuple[int | str, int | str] | None = None

    def choose(self, file: str, columns: Sequence[Column], *, fields: bool) -> Choice:
        """Return the columns of `file` that hold source and target.

        Raises UserError, listing the columns, if there is no such column or more than one.
        """
        if self.wanted:
            source, target = (self._wanted(file, columns, one) for one in self.wanted)
            if source == target:
                raise self._refused(file, columns, "data.columns: one column for both sides")
            return Choice(source, target, self._named(columns, source, target, "data.columns"))
        by_name = self._by_name(file, columns)
        if by_name:
            return by_name
        if len(columns) < 2:
            if fields and columns:
                raise self._refused(file, columns, "expected two texts")
            return Choice(0, 1, "")  # the reader will say at which line
        return self._by_content(file, columns)

    # data.columns

    def _wanted(self, file: str, columns: Sequence[Column], wanted: int | str) -> int:
        if isinstance(wanted, int):
            if wanted <= len(columns) or not columns:
                return wanted - 1
            raise NoColumnError(self._listed(file, columns, f"there is no column {wanted}"))
        names = [column.name for column in columns if column.name]
        for fold in (str, str.casefold):
            named = [
                column.number
                for column in columns
                if column.name and fold(column.name.strip()) == fold(wanted.strip())
            ]
            if len(named) > 1:
                which = " and ".join(map(str, named))
                raise self._refused(file, columns, f"columns {which} are each named {wanted!r}")
            if named:
                return named[0] - 1
        reason = f"there is no column {wanted!r}{did_you_mean(wanted, names)}"
        raise NoColumnError(
            self._listed(file, columns, reason if names else f"no header row names {wanted!r}")
        )

    # names

    def _by_name(self, file: str, columns: Sequence[Column]) -> Choice | None:
        if not any(column.name for column in columns):
            return None
        languages = [self._language_in(column.name or "") for column in columns]
        sides = [side_in(column.name or "") for column in columns]
        found = []
        for language, side in ((self.source, "source"), (self.target, "target")):
            named = [
                i for i, name in enumerate(languages) if name and same_language(name, language)
            ]
            exact = [i for i in named if tag_of(columns[i].name) == tag_of(language)]
            found.append(exact or named or [i for i, name in enumerate(sides) if name == side])
        sources, targets = found
        if len(sources) == len(targets) == 1 and sources != targets:
            source, target = sources[0], targets[0]
            if languages[source] or languages[target]:
                return Choice(source, target, self._named(columns, source, target, "by name"))
            return self._in_order(columns, source, target, "by name")
        others = [name for name in languages if name and not self._concerns(name)]
        if others and len([name for name in languages if name]) > 1:
            missing = self.source if not sources else self.target
            raise self._refused(file, columns, f"no one column is named after {missing}")
        return None

    def side_of(self, name: str) -> str | None:
        """Return the side that a column's name names, by its language or as `source`."""
        language = self._language_in(name)
        for side, own in (("source", self.source), ("target", self.target)):
            if language and same_language(language, own):
                return side
        return side_in(name)

    def _language_in(self, name: str) -> str | None:
        """The language that a name names; the two codes may be words of the user's own."""
        if name.strip().casefold() in (self.source.casefold(), self.target.casefold()):
            return name.strip()
        return language_in(name)

    def _concerns(self, name: str) -> bool:
        return same_language(name, self.source) or same_language(name, self.target)

    # content

    def _by_content(self, file: str, columns: Sequence[Column]) -> Choice:
        if len(columns) == 2:
            return self._in_order(columns, 0, 1, "")
        texts = [column for column in columns if _holds_sentences(column)]
        if len(texts) == 2:
            source, target = (column.number - 1 for column in texts)
            return self._in_order(columns, source, target, "the others hold no sentences")
        sources, targets = self._by_language(texts)
        if len(sources) == len(targets) == 1 and sources != targets:
            source, target = sources[0].number - 1, targets[0].number - 1
            choice = self._in_order(columns, source, target, "by their languages")
            if not choice.exchanged:
                return choice
        reason = f"cannot find the columns of {self.source} and {self.target}"
        raise self._refused(file, columns, f"{reason}{_languages_named(columns)}")

    def _by_language(self, texts: Sequence[Column]) -> tuple[list[Column], list[Column]]:
        """The columns whose text is in the source's language, and in the target's."""
        guesses = [guess_language(column.texts) for column in texts]
        found = []
        for language in (self.source, self.target):
            for depth in (1, 3):
                named = [
                    column
                    for column, guess in zip(texts, guesses, strict=True)
                    if any(same_language(code, language) for code in guess[:depth])
                ]
                if named:
                    break
            found.append(named)
        return found[0], found[1]

    def _in_order(self, columns: Sequence[Column], source: int, target: int, why: str) -> Choice:
        """These two columns, exchanged if their text says so."""
        rows = zip(columns[source].cells, columns[target].cells, strict=True)
        both = [(left, right) for left, right in rows if left and right][:SAMPLE]
        left, right = [pair[0] for pair in both], [pair[1] for pair in both]
        order = find_order(left, right, self.source, self.target)
        if order and order.is_exchanged:
            why = f"by what is in them, in {order.exchanged} of {order.lines} rows"
            note = self._named(columns, target, source, why)
            return Choice(target, source, note, exchanged=True)
        plain = (source, target) == (0, 1) and len(columns) == 2 and not columns[0].name
        return Choice(
            source, target, "" if plain else self._named(columns, source, target, why or "in order")
        )

    # words

    def _named(self, columns: Sequence[Column], source: int, target: int, why: str) -> str:
        def label(index: int) -> str:
            name = columns[index].name if index < len(columns) else None
            return f"{index + 1} ({name})" if name and name != str(index + 1) else str(index + 1)

        return (
            f"{self.source} from column {label(source)}, {self.target} from column {label(target)}"
            f" of {len(columns)}, {why}"
        )

    def _refused(self, file: str, columns: Sequence[Column], reason: str) -> UserError:
        return UserError(self._listed(file, columns, reason))

    def _listed(self, file: str, columns: Sequence[Column], reason: str) -> str:
        listed = "; ".join(column.shown for column in columns[:8])
        more = f"; and {len(columns) - 8} more" if len(columns) > 8 else ""
        return (
            f"{file}: {reason}; columns: {listed}{more}; "
            "set data.columns to two numbers or names, [source, target]"
        )


def _languages_named(columns: Sequence[Column]) -> str:
    """What to say of languages that the columns, or the cells of a first row, are named after."""
    tops = [(column.name or next(iter(column.cells), "") or "").strip() for column in columns]
    names = [top for top in tops if language_in(top)]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        return f", as {names.count(twice[0])} columns are named {twice[0]!r}"
    if len(names) > 2:
        return f"; give two of {', '.join(names)} with --source and --target"
    return ""


def _holds_sentences(column: Column) -> bool:
    """Whether a column's cells are text, and not numbers, addresses, labels or licences."""
    cells = column.texts
    words = words_in(column.name or "")
    if any(word in OTHERS or word in LANGUAGE_OF for word in words):
        return False
    if len(cells) * 2 <= len(column.cells):  # most rows have none
        return False
    for pattern in (NUMBERS, _ADDRESS, _IDENTIFIER):
        if _share(cells, pattern.fullmatch) >= _MOST:
            return False
    if _share(cells, _LICENCE.search) >= _MOST:
        return False
    return not _holds_labels(cells)


def _holds_labels(cells: Sequence[str]) -> bool:
    """Whether the cells repeat a few words, or begin all alike."""
    if len(cells) < 3:
        return False
    distinct = set(cells)
    if all(known_language(cell) for cell in distinct):
        return True
    if len(distinct) <= max(1, len(cells) // 10):
        return True
    return len(commonprefix(list(cells))) >= 8  # noqa: RUF071 -- of text, not of paths


def _share(cells: Sequence[str], match: Callable[[str], object]) -> float:
    return sum(match(cell.strip()) is not None for cell in cells) / max(1, len(cells))
