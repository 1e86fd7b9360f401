"""Repeat copy: say the sequence again, as often as is asked. -- Graves et al. 2014, 4.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from seq2seq.data.make.contract import Draws, Example, Task, bytes_of, check_least
from seq2seq.errors import UserError

_AGAIN = "*"


@dataclass(frozen=True, kw_only=True)
class RepeatCopy(Task):
    """The source said as often as it has stars: `3f a0 * * *` -> `3f a0 3f a0 3f a0`.

    The paper gives the number as one real. A token for each number could not be understood above
    those of training, so a number is as many tokens.
    """

    unit: ClassVar[str] = "items"

    shortest: int = 1
    longest: int = 10
    beyond: tuple[int, ...] = (15, 20)
    symbols: int = 256
    """An item is one of so many."""
    fewest_repeats: int = 1
    most_repeats: int = 10
    beyond_repeats: tuple[int, ...] = (15, 20)
    """The numbers of repeats of test sets with more than training has."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_least("symbols", self.symbols, 2)
        check_least("fewest-repeats", self.fewest_repeats, 1)
        check_least("most-repeats", self.most_repeats, self.fewest_repeats)
        if any(number <= self.most_repeats for number in self.beyond_repeats):
            raise UserError(
                f"--beyond-repeats {' '.join(map(str, self.beyond_repeats))}: expected numbers "
                f"above --most-repeats {self.most_repeats}"
            )

    def further(self) -> Mapping[str, Task]:
        """Return the test sets of longer sequences, and of more repeats."""
        return {
            **super().further(),
            **{
                f"test-repeats-{number}": replace(self, fewest_repeats=number, most_repeats=number)
                for number in self.beyond_repeats
            },
        }

    def example(self, draws: Draws, length: int) -> Example:
        """Return `length` random items and stars, and the items as often as there are stars."""
        symbols = bytes_of(self.symbols)
        items = [draws.one(symbols) for _ in range(length)]
        repeats = draws.between(self.fewest_repeats, self.most_repeats)
        links = [(place % length, place) for place in range(length * repeats)]
        return Example(" ".join([*items, *[_AGAIN] * repeats]), " ".join(items * repeats), links)
