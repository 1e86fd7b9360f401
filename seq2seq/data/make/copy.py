"""Copy: say the sequence again. -- Graves et al. 2014, 4.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seq2seq.data.make.contract import Draws, Example, Task, bytes_of, check_least


@dataclass(frozen=True, kw_only=True)
class Copy(Task):
    """The target is the source: `3f a0 7c` -> `3f a0 7c`."""

    unit: ClassVar[str] = "items"

    shortest: int = 1
    longest: int = 20
    beyond: tuple[int, ...] = (40, 80, 120)
    symbols: int = 256
    """An item is one of so many, 8 bits in the paper."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_least("symbols", self.symbols, 2)

    def example(self, draws: Draws, length: int) -> Example:
        """Return `length` random items, twice."""
        symbols = bytes_of(self.symbols)
        text = " ".join(draws.one(symbols) for _ in range(length))
        return Example(text, text, [(place, place) for place in range(length)])
