"""An explanation as a heat map in PNG, drawn by matplotlib (the extra `plots`).

Right-to-left and joined scripts are set in order by matplotlib 3.11 and later; before, it put their
letters one by one from the left. An SVG (see `svg`) leaves that to its viewer.

Shapes: N rows, J columns: words or pieces of the target and of the source.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2seq.explain.cells import short
from seq2seq.explain.explanation import Explanation
from seq2seq.explain.panels import DARK, SLANTED, SMALL, Panel, longest, panels, title_lines
from seq2seq.explain.view import UNASKED, View

logger = logging.getLogger(__name__)

_CELL = 0.55  # inches
_CHARACTER = 0.09  # inches of a label's character
_LINE = 0.2  # inches of a title's line
_PIXEL = 0.012  # inches of what panels.SMALL counts
_SMALL_CHARACTER = 0.05  # inches of a character of a small panel's title
_DIVERGING = "RdBu"  # from negative values to positive ones, white at 0
_DOTS = 150  # of a PNG, to the inch
_SHAPES = tuple(map(int, matplotlib.__version__.split(".")[:2])) >= (3, 11)
_GLYPH = re.compile(r"Glyph (\d+) .* missing from")
_FONTS = [
    "DejaVu Sans",  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, ...
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC"),
    "WenQuanYi Micro Hei",
    *("PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic"),
    *("Malgun Gothic", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil"),
    *("Noto Sans Telugu", "Noto Sans Thai", "Noto Sans Khmer", "Noto Sans Ethiopic"),
    *("Noto Sans Lao", "Noto Sans Myanmar", "Noto Serif Tibetan", "Noto Sans Gujarati"),
    *("Noto Sans Gurmukhi", "Noto Sans Kannada", "Noto Sans Malayalam", "Noto Sans Sinhala"),
    *("Noto Sans CJK KR", "Noto Sans KR", "Noto Emoji"),
    *("Nirmala UI", "Leelawadee UI", "Arial Unicode MS", "Noto Sans"),
]
"""Tried one after the other for each character, if they are installed."""


def save(explanation: Explanation, path: Path, view: View = UNASKED) -> None:
    """Write `heat_map` to a .png file; warn of characters that come out wrong or not at all."""
    figure = heat_map(explanation, view)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(path, dpi=_DOTS)
    missing = {int(found[1]) for w in caught if (found := _GLYPH.match(str(w.message)))}
    if missing:
        characters = " ".join(chr(number) for number in sorted(missing))
        logger.warning("picture: no font that matplotlib finds has %s", characters)
    if _is_right_to_left(explanation.source + explanation.translation) and not _SHAPES:
        logger.warning(
            "picture: matplotlib %s turns right-to-left words round: take .svg, or 3.11",
            matplotlib.__version__,
        )


def heat_map(explanation: Explanation, view: View = UNASKED) -> Figure:
    """Return the picture: target down the side, source along the top, a cell a weight.

    Beside it stands the encoder's self-attention, if it has one; or it is what `view` asks for.
    Raises UserError where there is nothing to draw.
    """
    rows = panels(explanation, view)
    sizes = [[_size(panel) for panel in row.panels] for row in rows]
    width = 1 + max(3, *(sum(width for width, _ in row) for row in sizes))
    heights = [
        max(height for _, height in row_sizes) + (_LINE if row.heading else 0)
        for row, row_sizes in zip(rows, sizes, strict=True)
    ]
    title = title_lines(explanation, int(width / _CHARACTER))
    figure = Figure(figsize=(width, 1 + _LINE * len(title) + sum(heights)), layout="constrained")
    # Wrapped here, as matplotlib's own wrapping would take what stands between `$` for a formula.
    figure.suptitle("\n".join(title), fontsize=11, **_text())
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, row, row_sizes in zip(parts, rows, sizes, strict=True):
        if row.heading:
            part.suptitle(row.heading, x=0.01, ha="left", fontsize=9, **_text())
        widths = [panel_width for panel_width, _ in row_sizes]
        left = width - 1 - sum(widths)  # what a wider row leaves free
        widths += [left] if left > 0 else []
        axes = part.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
        for ax in axes[len(row.panels) :]:
            ax.remove()
        for ax, panel in zip(axes, row.panels, strict=False):
            (_draw_small if panel.small else _draw)(ax, panel)
    return figure


def _size(panel: Panel) -> tuple[float, float]:
    """Width and height in inches, labels included."""
    if panel.small:
        side = SMALL / max(len(panel.rows), len(panel.columns), 10) * _PIXEL
        width, height = (max(0.3, side * len(labels)) for labels in (panel.columns, panel.rows))
        return max(width, _SMALL_CHARACTER * len(panel.title)), height + 2 * _LINE
    width = _CELL * max(3, len(panel.columns)) + _CHARACTER * longest(panel.rows)
    height = _CELL * max(2, len(panel.rows)) + _CHARACTER * longest(panel.columns)
    return width, height


def _draw_small(ax: Axes, panel: Panel) -> None:
    shares_NJ = np.clip(panel.weights_NJ / panel.span[1], -1, 1)
    low = -1 if panel.span[0] < 0 else 0
    colours = _DIVERGING if low else "Blues"
    if shares_NJ.size:
        ax.imshow(shares_NJ, cmap=colours, vmin=low, vmax=1, aspect="equal")
        ax.set_anchor("NW")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(panel.title, fontsize=6, loc="left", pad=2, **_text())


def _draw(ax: Axes, panel: Panel) -> None:
    weights_NJ, rows, columns = panel.weights_NJ, panel.rows, panel.columns
    edges_J, edges_N = np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5
    low, high = panel.span
    colours = _DIVERGING if low < 0 else "Blues"
    ax.pcolormesh(
        edges_J, edges_N, weights_NJ, cmap=colours, vmin=low, vmax=high, edgecolors="white"
    )
    ax.set_aspect("equal")
    ax.invert_yaxis()
    slant = 40 if longest(columns) > SLANTED else 0
    ax.xaxis.tick_top()
    turned: dict[str, Any] = {
        "rotation": slant,
        "ha": "left" if slant else "center",
        "rotation_mode": "anchor",
    }
    ax.set_xticks(range(len(columns)), columns, **turned, **_text())
    ax.set_yticks(range(len(rows)), rows, **_text())
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(panel.title, fontsize=9)
    if panel.numbered:
        for (row, column), weight in np.ndenumerate(weights_NJ):
            colour = "white" if abs(panel.share(weight)) > DARK else "black"
            ax.text(column, row, short(weight), ha="center", va="center", color=colour, fontsize=9)


@lru_cache
def _text() -> dict[str, Any]:
    """How a user's words are set: in any font that has them, and `$` begins no formula.

    Only fonts that are here: matplotlib complains of every one that is not.
    """
    here = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in here]
    return {"fontfamily": [*fonts, "sans-serif"], "parse_math": False}


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
