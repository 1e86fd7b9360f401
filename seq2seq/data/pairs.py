"""A sentence and its translation, as every reader gives them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_HALF = re.compile("[\ud800-\udfff]")
_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")


class Pair(NamedTuple):
    """A sentence, its translation and the number of their line, from 1."""

    source: str
    target: str
    line: int
    others: tuple[str, ...] = ()
    """Further translations, where a format has several: to learn from, and to score against."""

    @property
    def translations(self) -> tuple[str, ...]:
        """All translations, the first one first."""
        return self.target, *self.others


def each_translation(pairs: Iterable[Pair]) -> Iterator[tuple[str, str]]:
    """Yield each sentence with each of its translations: what there is to learn from."""
    for pair in pairs:
        for translation in pair.translations:
            yield pair.source, translation


def one_line(text: str) -> str:
    """Return a text from a format in which it may go over lines, in one line."""
    return _BREAK.sub(" ", text) if "\n" in text or "\r" in text else text


def whole_characters(text: str) -> str:
    """Return a text with U+FFFD for each half of a character, which JSON may hold (`\\ud83d`)."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)
