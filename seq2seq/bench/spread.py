"""The figures of several rounds, told as their median and range."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """The median, the lowest and the highest of some rounds, in their own unit."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of at least one value."""
        found = list(values)
        return cls(median(found), min(found), max(found))

    def render(self, form: str, width: int = 0) -> str:
        """Return `median  [low, high]`, each number in this format, the first one so wide."""
        return f"{format(self.median, form):>{width}}  [{self.low:{form}}, {self.high:{form}}]"

    def as_dict(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return self._asdict()
