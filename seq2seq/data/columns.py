"""Which columns of a table are the source and the target, and whether its first row is a header.

By `data.columns`; by names (`en`, `French`, `source`, `translation.fr`, `sentence_en`); by what is
in the columns, where numbers, addresses, labels and licences are no sentences and the languages
are told by `seq2seq.data.languages`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import NamedTuple

import regex

from seq2seq.data.languages import SAMPLE, find_order, guess_language, known_language, same_language
from seq2seq.errors import UserError, did_you_mean

_SOURCES = {
    *("source", "sources", "src", "input", "original", "from"),
    *("inputs", "prompt", "quelltext", "ausgangssprache", "kaynak"),
    *("quelle", "ausgangstext", "origine", "origen", "fuente", "原文", "源语言", "источник"),
}
_TARGETS = {
    *("target", "tgt", "trg", "translation", "translated", "output", "reference", "ref", "to"),
    *("targets", "translations", "references", "refs"),
    *("ziel", "zieltext", "cible", "destino", "traduction", "traducción", "tradução", "traduzione"),
    *("übersetzung", "译文", "目标语言", "перевод"),
    *(
        "outputs",
        "completion",
        "zielsprache",
        "hedef",
        "訳文",
        "譯文",
        "翻译",
        "翻譯",
        "翻訳",
        "번역",
    ),
    *("çeviri", "tłumaczenie", "vertaling"),
}
_TEXTS = {
    *("texte", "texto", "testo", "satz", "frase", "oración", "句子", "текст"),
    *("tiếng", "bahasa", "язык", "lingua", "langue", "sprache", "idioma"),
    *("text", "txt", "sentence", "sentences", "sent", "segment", "seg", "phrase", "string", "line"),
    *("raw", "content", "utterance", "translation", "language", "lang", "word", "words"),
    *("col", "column", "field", "unnamed", "spalte", "colonne", "columna"),
}
_OTHERS = {  # of what is no text
    *("id", "ids", "no", "nr", "num", "number", "n", "index", "idx", "key", "uid", "uuid", "guid"),
    *("score", "scores", "similarity", "sim", "quality", "confidence", "rating", "laser", "labse"),
    *("bicleaner", "bleu", "chrf", "comet", "prob", "probability", "url", "urls", "uri", "link"),
    *("date", "time", "timestamp", "created", "modified", "user", "username", "author", "editor"),
    *("annotator", "translator", "domain", "topic", "genre", "category", "corpus", "collection"),
    *("dataset", "split", "set", "doc", "document", "docid", "file", "filename", "path", "page"),
    *("length", "len", "tokens", "chars", "count", "ratio", "alignment", "align", "hash"),
    *("license", "licence", "attribution", "copyright", "rights", "credit", "comment", "comments"),
    *("mt", "hyp", "hypothesis"),  # another system's
    *("note", "notes", "tag", "tags", "label", "type", "status", "context", "origlang", "version"),
}
_WRITINGS = {  # in codes such as eng_Latn
    *("latn", "cyrl", "arab", "hans", "hant", "deva", "beng", "grek", "hebr", "jpan", "hang"),
    *("kore", "thai", "ethi", "geor", "armn", "khmr", "laoo", "mymr", "tibt", "taml", "telu"),
    *("knda", "mlym", "gujr", "guru", "orya", "sinh", "tfng", "olck", "mtei", "hani"),
}
_LANGUAGE_OF = {"lang", "language", "locale"}  # source_lang says which, and holds no sentence
_NUMBERS = re.compile(r"[-+]?[\d.,:%/ eE+-]*\d[\d.,:%/ eE+-]*|nan|NaN|inf|true|false|True|False")
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
            for column in columns:
                if column.name and fold(column.name.strip()) == fold(wanted.strip()):
                    return column.number - 1
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
            exact = [i for i in named if _tag(columns[i].name) == _tag(language)]
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
        raise self._refused(
            file, columns, f"can't tell which columns are {self.source} and {self.target}"
        )

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


# --- names ---------------------------------------------------------------------------------------


def header_in(
    first: Sequence[str], rest: Sequence[Sequence[str]], choosing: Choosing
) -> list[str] | None:
    """Return the names in a table's first row, or None if it is a row like the others."""
    names = [cell.strip().strip('"').strip() for cell in first]
    filled = [name for name in names if name]
    if len(filled) < 2 or any(len(name) > 40 for name in filled):
        return None
    if choosing.wanted and any(isinstance(one, str) and one in names for one in choosing.wanted):
        return names
    if any(_repeats(name, [row[i : i + 1] for row in rest]) for i, name in enumerate(names)):
        return None
    sides = {choosing.side_of(name) for name in filled}
    if {"source", "target"} <= sides or _only_names(filled) or _counted(filled, rest):
        return names
    if sides & {"source", "target"} and _other_languages(filled):
        return names
    for index, name in enumerate(names):
        cells = [row[index] for row in rest if index < len(row)]
        if len(cells) > 1 and all(map(_NUMBERS.fullmatch, cells)) and name[:1].isalpha():
            return names  # `Nr.` over numbers
    return None


def _counted(names: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the names count the columns over rows of text: 0 and 1, A and B, L1 and L2."""
    texts = [
        all(len(cell) > 1 and not _NUMBERS.fullmatch(cell) for cell in cells)
        for cells in zip(*rest, strict=False)
    ]
    if len(rest) < 2 or sum(texts) < len(names):
        return False
    begin = commonprefix(list(names))  # noqa: RUF071 -- of text, not of paths
    ends = [name.removeprefix(begin) for name in names]
    count = len(names)
    numbers = [list(map(str, range(first, first + count))) for first in (0, 1)]
    return ends in [*numbers, list("ABCDEFGHIJKL"[:count]), list("abcdefghijkl"[:count])]


def _repeats(name: str, cells: Sequence[Sequence[str]]) -> bool:
    """Whether most cells below say the same: `eng` in each row is a label, and no name."""
    return bool(cells) and sum([name] == list(cell) for cell in cells) * 2 > len(cells)


def _other_languages(names: Sequence[str]) -> bool:
    """Whether the names are those of different languages, as of a table for another pair."""
    languages = [known_language(language_in(name) or "") for name in names]
    return None not in languages and len(set(languages)) == len(languages)


def is_header_pair(source: str, target: str, source_language: str, target_language: str) -> bool:
    """Whether a pair of lines names the two sides, and is no sentence and its translation."""
    return header_in([source, target], [], Choosing(source_language, target_language)) is not None


def language_in(name: str) -> str | None:
    """Return the language that a column's name names: `en`, `English`, `text_en`, `en-GB`."""
    if name.casefold() in _OTHERS:
        return None
    if known_language(name):
        return name.strip()
    words = _words(name)
    if any(word in _OTHERS for word in words) or not words:
        return None
    named = [word for word in words if word not in _TEXTS | _SOURCES | _TARGETS]
    languages = [word for word in named if known_language(word)]
    regions = [
        word
        for word in named
        if word not in languages[:1] and (len(word) == 2 or word in _WRITINGS)
    ]
    if languages and len(named) == 1 + len(regions) and len(regions) < 2:  # English (US)
        return languages[0]
    outside = re.sub(r"\s*[(\[][^()\[\]]*[)\]]\s*$", "", name)
    if outside != name:
        return language_in(outside)  # English (United Kingdom)
    whole = name.rsplit(".", 1)[-1].strip()  # translation.zh-Hans
    return whole if whole != name and known_language(whole) else None


def side_in(name: str) -> str | None:
    """Return `source` or `target` if that is what a column's name says."""
    words = _words(name)
    if any(word in _OTHERS or word in _LANGUAGE_OF for word in words):
        return None
    for side, known in (("source", _SOURCES), ("target", _TARGETS)):
        if any(word in known for word in words) and all(word in known | _TEXTS for word in words):
            return side
    return None


def _only_names(names: Sequence[str]) -> bool:
    """Whether all cells are words for columns: `sentence1` and `sentence2`, `text` and `ref`.

    Two words for text alone are a pair of a dictionary: `text` and `texte`.
    """
    words = [_words(name) for name in names]
    known = _TEXTS | _SOURCES | _TARGETS | _OTHERS
    if not all(row and known.issuperset(row) for row in words):
        return False
    numbered = any(char.isdigit() for name in names for char in name)
    sided = any(not (_SOURCES | _TARGETS).isdisjoint(row) for row in words)
    return len({n.casefold() for n in names}) == len(names) and (
        numbered or sided or len(names) > 2
    )


def _words(name: str) -> list[str]:
    """`sourceText_2` -> source, text."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in regex.split(r"[^\p{L}\p{M}]+", spaced.casefold()) if word]


def _tag(name: str | None) -> str:
    return (name or "").strip().casefold().replace("_", "-").rsplit(".", 1)[-1]


# --- content -------------------------------------------------------------------------------------


def _holds_sentences(column: Column) -> bool:
    """Whether a column's cells are text, and not numbers, addresses, labels or licences."""
    cells = column.texts
    words = _words(column.name or "")
    if any(word in _OTHERS or word in _LANGUAGE_OF for word in words):
        return False
    if len(cells) * 2 <= len(column.cells):  # most rows have none
        return False
    for pattern in (_NUMBERS, _ADDRESS, _IDENTIFIER):
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
