"""What a comparison found of one system."""

from __future__ import annotations

from dataclasses import dataclass

from seq2seq.compare.differences import Differences
from seq2seq.compare.measuring import Measured
from seq2seq.compare.significance import PValues


@dataclass(frozen=True)
class SystemResult:
    """A system's models, and how it compares with the baseline."""

    name: str
    runs: list[Measured]
    """One for each seed."""
    p_values: list[PValues]
    """One for each seed that the baseline has too; empty of the baseline itself."""
    differences: Differences | None
    """Of the first of these seeds; None of the baseline."""
    compared: tuple[str, str] | None = None
    """The two models of the differences."""
