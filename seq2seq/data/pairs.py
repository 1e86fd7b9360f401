"""A sentence and its translation, as every reader gives them."""

import re
from typing import NamedTuple

_HALF = re.compile("[\ud800-\udfff]")
_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")


class Pair(NamedTuple):
    """A sentence, its translation and the number of their line, from 1."""

    source: str
    target: str
    line: int
    others: tuple[str, ...] = ()
    """Further translations, where a format has several: references that are scored against."""


def one_line(text: str) -> str:
    """Return a text from a format in which it may go over lines, in one line."""
    return _BREAK.sub(" ", text) if "\n" in text or "\r" in text else text


def whole_characters(text: str) -> str:
    """Return a text with U+FFFD for each half of a character, which JSON may hold (`\\ud83d`)."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)
