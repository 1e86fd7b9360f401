"""Attention as a table in HTML, for a notebook: it needs no script, style sheet or other file.

Everything that comes from a user is escaped. Colours are given with their backgrounds, so that the
table is legible in a dark notebook too. pandas could style such a table, and is a large thing to
ask for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

_DARK = 0.55  # weights above which the number in a cell is white
_CELLS = 2500  # of a table at most: 0.5 MB
_SHOWN = 0.005  # weights below which a cell has no number


def shaded_table(
    weights_IJ: npt.NDArray[np.floating], words: Sequence[str], source_words: Sequence[str]
) -> str:
    """Return a <table>: a row a target word, a column a source word, greater weights darker.

    Weights are from 0 to 1. Without columns (no attention) there is nothing, an empty text; of too
    many cells for a notebook, how many there are.
    """
    rows = [[float(weight) for weight in row] for row in weights_IJ]
    if not any(rows):
        return ""
    if len(words) * len(source_words) > _CELLS:
        size = f"{len(words)} by {len(source_words)} words"
        return paragraph(f"(attention of {size}: write a page or a picture of it)")
    heading = "".join(_label(word, "col") for word in source_words)
    lines = [f"<tr><td></td>{heading}</tr>"]
    for word, row in zip(words, rows, strict=True):
        cells = (_cell(w, word, source) for w, source in zip(row, source_words, strict=True))
        lines.append(f"<tr>{_label(word, 'row')}{''.join(cells)}</tr>")
    return '<table style="border-collapse:collapse">' + "".join(lines) + "</table>"


def paragraph(text: str, *, bold: bool = False) -> str:
    """Return a <p> of a user's text, in the text's own direction."""
    weight = ";font-weight:bold" if bold else ""
    return f'<p dir="auto" style="margin:0.2em 0;text-align:start{weight}">{_text(text)}</p>'


def _label(word: str, scope: str) -> str:
    side = "right" if scope == "row" else "center"
    style = f"padding:2px 6px;text-align:{side};font-weight:normal"
    return f'<th scope="{scope}" style="{style}"><bdi>{_text(word)}</bdi></th>'


def _cell(weight: float, word: str, source: str) -> str:
    share = min(max(weight, 0.0), 1.0) if math.isfinite(weight) else 0.0
    number = f"{weight:.2f}" if share >= _SHOWN else ""
    # From white to a dark blue; opaque, whatever is behind it.
    red, green, blue = (round(255 + share * (full - 255)) for full in (8, 48, 107))
    style = (
        f"background:rgb({red},{green},{blue});color:{'white' if share > _DARK else 'black'};"
        "padding:2px 6px;text-align:center;min-width:2.5em"
    )
    told = _text(f"{word} ← {source}: {weight:.3f}")
    return f'<td title="{told}" style="{style}">{number}</td>'


def _text(text: str) -> str:
    """`text` escaped; half a surrogate pair, which no page can hold, becomes U+FFFD."""
    return escape(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
