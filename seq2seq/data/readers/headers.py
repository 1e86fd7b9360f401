"""Whether the first row of a table is a header, and which names it holds."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix

from seq2seq.data.languages import known_language
from seq2seq.data.readers.column_names import (
    OTHERS,
    SOURCES,
    TARGETS,
    TEXTS,
    language_in,
    words_in,
)
from seq2seq.data.readers.columns import NUMBERS, Choosing


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
        if len(cells) > 1 and all(map(NUMBERS.fullmatch, cells)) and name[:1].isalpha():
            return names  # `Nr.` over numbers
    return None


def _counted(names: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the names count the columns over rows of text: 0 and 1, A and B, L1 and L2."""
    texts = [
        all(len(cell) > 1 and not NUMBERS.fullmatch(cell) for cell in cells)
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


def _only_names(names: Sequence[str]) -> bool:
    """Whether all cells are words for columns: `sentence1` and `sentence2`, `text` and `ref`.

    Two words for text alone are a pair of a dictionary: `text` and `texte`.
    """
    words = [words_in(name) for name in names]
    known = TEXTS | SOURCES | TARGETS | OTHERS
    if not all(row and known.issuperset(row) for row in words):
        return False
    numbered = any(char.isdigit() for name in names for char in name)
    sided = any(not (SOURCES | TARGETS).isdisjoint(row) for row in words)
    return len({n.casefold() for n in names}) == len(names) and (
        numbered or sided or len(names) > 2
    )
