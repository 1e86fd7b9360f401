"""Numbers, words and rows as cells of a table in text.

The columns are laid out by hand: what is hard about them is to choose how much of each vector to
show, so that a row is a line. rich (there only while typer wants it) and tabulate (while sacreBLEU
does) would align cells, wrap them, and know nothing of that.

Shapes: S source positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import regex

from seq2seq.explain.reading import Array
from seq2seq.translation.translation import display_width, pad

_GAP = "  "


def short(value: float) -> str:
    """Return two significant digits, as the article writes them: `.94`, `-3.2`, `12`, `0`."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 9999.5:
        return f"{value:.0e}".replace("e+", "e")
    text = f"{value:.2f}" if size < 0.995 else f"{value:.1f}" if size < 9.95 else f"{value:.0f}"
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if size < 0.995 else text


def largest_places(weights_S: Array, terms: int) -> list[int]:
    """Return all positions in order, or those of the largest weights, the largest first.

    Of the latter those are left out whose weight is shown as 0, but never the largest of all.
    """
    if len(weights_S) <= terms:
        return list(range(len(weights_S)))
    top = np.argsort(-weights_S, kind="stable")[:terms].tolist()
    return top[:1] + [place for place in top[1:] if short(weights_S[place]) != "0"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of equally many cells as lines, each column as wide as its widest cell."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def clip(text: str, width: int) -> str:
    """Return the text, or its start and … where it is wider than `width` columns."""
    if display_width(text) <= width:
        return text
    characters = regex.findall(r"\X", text)
    while display_width("".join(characters)) >= width:
        characters.pop()
    return f"{''.join(characters)}…"
