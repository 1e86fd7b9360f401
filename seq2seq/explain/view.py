"""Which of all matrices a file shows."""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """What a picture shows, and a page when it is opened."""

    head: int | None = None
    """From 0; None is the mean of all."""
    pieces: bool = False
    """Pieces instead of words."""
    unit: str | None = None
    """The place of a unit or memory; None is what is shown unasked."""
    grid: bool = False
    """Every matrix of every head and step, small."""


UNASKED = View()
