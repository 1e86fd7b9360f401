"""Associative recall: given an item of a list, say the next one. -- Graves et al. 2014, 4.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seq2seq.data.make.contract import Draws, Example, Task, bytes_of, check_least

_BEFORE_ITEM, _QUERY = "|", "?"


@dataclass(frozen=True, kw_only=True)
class Recall(Task):
    """The item behind the one asked for: `| 3a 0f 21 | 11 2b 3c ? 3a 0f 21` -> `11 2b 3c`.

    No item comes twice, so there is one answer.
    """

    unit: ClassVar[str] = "items"

    shortest: int = 2
    longest: int = 6
    beyond: tuple[int, ...] = (8, 12, 20)
    symbols: int = 64
    """A symbol is one of so many, 6 bits in the paper."""
    width: int = 3
    """Symbols of an item."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_least("shortest", self.shortest, 2)
        check_least("width", self.width, 1)
        longest = max(self.longest, *self.beyond, 2)
        least = next(n for n in range(2, longest + 2) if n**self.width >= longest)
        check_least("symbols", self.symbols, least)  # so that there are enough different items

    def example(self, draws: Draws, length: int) -> Example:
        """Return `length` different items and one of them; the answer is the one behind it."""
        symbols = bytes_of(self.symbols)
        items: list[str] = []
        while len(items) < length:
            item = " ".join(draws.one(symbols) for _ in range(self.width))
            if item not in items:
                items.append(item)
        asked = draws.below(length - 1)
        listed = " ".join(f"{_BEFORE_ITEM} {item}" for item in items)
        first = (asked + 1) * (self.width + 1) + 1
        links = [(first + place, place) for place in range(self.width)]
        return Example(f"{listed} {_QUERY} {items[asked]}", items[asked + 1], links)
