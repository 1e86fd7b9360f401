"""Associative retrieval: the value of a key. -- Ba et al. 2016, 4.1; Schlag et al. 2021, 6.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase, digits
from typing import ClassVar

from seq2seq.data.make.contract import Draws, Example, Task, check_least
from seq2seq.errors import UserError

_QUERY = "? ?"


@dataclass(frozen=True, kw_only=True)
class Retrieval(Task):
    """The value behind the key that is asked for: `c 9 k 8 j 3 ? ? k` -> `8`."""

    unit: ClassVar[str] = "pairs of key and value"

    shortest: int = 8
    longest: int = 8
    beyond: tuple[int, ...] = (12, 16, 24)
    keys: int = 26
    """Different keys: a to z, or k0, k1 ... if there are more."""
    values: int = 10
    """Different values: 0 to 9, or v0, v1 ... if there are more."""
    rewrite: bool = False
    """Whether a key may come again with another value; the last one counts."""
    joined: bool = False
    """Whether key and value are one symbol, `c9`, so that one step of a network sees both."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_least("keys", self.keys, 2)
        check_least("values", self.values, 2)
        most = max(self.longest, *self.beyond, 0)
        if most > self.keys and not self.rewrite:
            raise UserError(
                f"--keys {self.keys}: expected at least {most}, one for each pair of the longest "
                "sequence; with --rewrite a key may come again"
            )

    @property
    def name(self) -> str:
        """What of it is not as usual: `joined`, `rewrite` or both."""
        return "-".join(option for option in ("joined", "rewrite") if getattr(self, option))

    def example(self, draws: Draws, length: int) -> Example:
        """Return `length` keys with their values, and a key; the answer is its value."""
        keys, values = _names(self.keys, ascii_lowercase, "k"), _names(self.values, digits, "v")
        if self.rewrite:
            stored = [draws.one(keys) for _ in range(length)]
        else:
            stored = draws.several(length, keys)
        given = [draws.one(values) for _ in range(length)]
        asked = draws.one(stored)
        last = max(place for place, key in enumerate(stored) if key == asked)
        between = "" if self.joined else " "
        pairs = " ".join(f"{key}{between}{value}" for key, value in zip(stored, given, strict=True))
        place = last if self.joined else 2 * last + 1
        return Example(f"{pairs} {_QUERY} {asked}", given[last], [(place, 0)])


@cache
def _names(count: int, short: str, initial: str) -> Sequence[str]:
    return list(short[:count]) if count <= len(short) else [f"{initial}{n}" for n in range(count)]
