"""What a picture of an explanation shows: one matrix a panel, with its labels; panels in rows.

Shapes: N rows, J columns: words or pieces of the target and of the source.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.errors import UserError
from seq2seq.explain.explanation import Explanation
from seq2seq.explain.maps import Array, Maps, choose
from seq2seq.explain.view import View
from seq2seq.translation.translation import display_width

IN_A_ROW = 12  # small panels at most
SMALL = 120  # pixels of a small panel's longer side
FILLED = 20  # columns, or rows, up to which cells have their numbers in them
SLANTED = 6  # columns of text beyond which labels along the top are slanted
DARK = 0.55  # weights above which the number in a cell is white


class Panel(NamedTuple):
    """One matrix to draw."""

    title: str
    weights_NJ: Array
    rows: Sequence[str]
    columns: Sequence[str]
    span: tuple[float, float] = (0.0, 1.0)
    """The values of the faintest and the fullest colour; a negative one is the fullest too."""
    small: bool = False
    """Whether it is one of many: cells without numbers, and no labels."""

    @property
    def numbered(self) -> bool:
        """Whether there is room for numbers in the cells."""
        return not self.small and max(len(self.rows), len(self.columns)) <= FILLED

    def share(self, value: float) -> float:
        """Return which part of the fullest colour a value has, from -1 to 1."""
        return min(max(value / self.span[1], -1.0), 1.0)


class Row(NamedTuple):
    """Panels side by side, and what stands above them, if anything."""

    heading: str
    panels: Sequence[Panel]


def panels(explanation: Explanation, view: View) -> list[Row]:
    """Return the matrices to draw, in rows: by default those of `first_maps` side by side.

    Of a unit there is one, of a memory a row for each of its tensors; a grid has rows for each
    place, with a matrix for each head or step. Raises UserError where there is nothing to draw.
    """
    if not explanation.target_pieces:
        raise UserError("picture: expected something to draw, found a blank text")
    chosen = explanation.first_maps
    if view.unit is not None or view.grid:
        chosen = explanation.all_maps
    if view.unit is not None:
        chosen = choose(chosen, view.unit)
    rows: list[Row] = []
    if view.grid or view.unit is not None:
        for one in chosen:
            small = view.grid or one.by == "step"
            numbers = range(len(one.names)) if view.grid else one.numbers(view.head)
            drawn = [_panel(one, number, view, small=small) for number in numbers]
            parts = [drawn[start : start + IN_A_ROW] for start in range(0, len(drawn), IN_A_ROW)]
            headings = [one.heading if small else "", *[""] * len(parts)]
            rows += map(Row, headings, parts)
    elif chosen:
        heads = [view.head if one.place == explanation.shown else None for one in chosen]
        rows = [Row("", [_panel(one, h, view) for one, h in zip(chosen, heads, strict=True)])]
    if not rows:
        raise UserError("picture: expected weights to draw, found a model without attention")
    return rows


def _panel(one: Maps, number: int | None, view: View, *, small: bool = False) -> Panel:
    return Panel(
        one.names[number] if small and number is not None else one.title(number),
        one.matrix(number, pieces=view.pieces),
        one.rows.labels(view.pieces),
        one.columns.labels(view.pieces),
        one.span,
        small,
    )


def title_lines(explanation: Explanation, width: int) -> list[str]:
    """Return the source and its translation, broken into lines of at most `width` characters."""
    texts = (explanation.source, explanation.translation)
    return [line for text in texts for line in textwrap.wrap(text, width)]


def longest(labels: Sequence[str]) -> int:
    """Return the columns of text that the widest label takes; 0 of none."""
    return max(map(display_width, labels), default=0)
