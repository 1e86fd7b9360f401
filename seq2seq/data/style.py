"""How a text is written: which capitals, quotes and ends of lines a model learns, and which not."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_HARDLY = 0.001
"""A way of writing rarer than this is not learnt."""
_STRAIGHT, _CURLY = "'", "\u2019"
_STRAIGHT_QUOTE, _CURLY_QUOTES = '"', "\u201c\u201d\u201e"
_FEWEST = 10  # lines, of which something can be said
_LETTERS = 4  # in capitals: `TV` and `OK` are no lines in capitals


@dataclass
class Style:
    """Counts of the lines of one side, by the way in which they are written."""

    lines: int = 0
    capitals: int = 0
    small: int = 0
    closed: int = 0
    """Lines that end in a mark."""
    alphabet: Counter[str] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Count a line that is not empty; its characters are counted by who owns `alphabet`."""
        self.lines += 1
        self.small += text.islower()
        self.capitals += text.isupper() and sum(map(str.isalpha, text)) >= _LETTERS
        self.closed += unicodedata.category(text[-1]).startswith("P")

    @property
    def one_case(self) -> str | None:
        """`lower` or `upper` if all letters are of one case, in a script that has two."""
        if self.lines < _FEWEST:
            return None
        lower = any(map(str.islower, self.alphabet))
        upper = any(map(str.isupper, self.alphabet))
        return ("lower" if lower else "upper") if lower != upper else None

    def unseen(self) -> Iterator[str]:
        """Yield each way of writing that hardly a line has, with an example and the counts."""
        if self.lines < _FEWEST:
            return
        yield from self._case()
        yield from self._endings()
        straight, curly = self.alphabet[_STRAIGHT], self.alphabet[_CURLY]
        yield from _either("apostrophes", (_STRAIGHT, straight), (_CURLY, curly))
        curly = sum(self.alphabet[mark] for mark in _CURLY_QUOTES)
        straight = self.alphabet[_STRAIGHT_QUOTE]
        yield from _either("quotes", (_STRAIGHT_QUOTE, straight), ("\u201c \u201d", curly))
        if not any(map(str.isdigit, self.alphabet)):
            yield "digits (none)"

    def _case(self) -> Iterator[str]:
        one = self.one_case
        if one:
            yield f"{'capitals' if one == 'lower' else 'small letters'} (all is {one}-case)"
        elif any(map(str.isupper, self.alphabet)):
            for count, name in (
                (self.capitals, "lines in capitals, THE DOG"),
                (self.small, "lines without a capital, the dog"),
            ):
                if count < _HARDLY * self.lines:
                    yield f"{name} ({count:,} of {self.lines:,})"

    def _endings(self) -> Iterator[str]:
        for count, name in (
            (self.lines - self.closed, "lines without a mark at their end"),
            (self.closed, "lines with a mark at their end"),
        ):
            if count < _HARDLY * self.lines:
                yield f"{name} ({count:,} of {self.lines:,})"


def _either(name: str, *kinds: tuple[str, int]) -> Iterator[str]:
    """What is missing of two ways to write one mark."""
    total = sum(count for _, count in kinds)
    if not total:
        yield f"{name} (none)"
        return
    for (mark, count), (other, others) in zip(kinds, reversed(kinds), strict=True):
        if count < _HARDLY * total:
            yield f"{name} as {mark} ({count:,}, beside {others:,} as {other})"
