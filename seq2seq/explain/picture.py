"""An explanation as a heat map, drawn by matplotlib (the extra `plots`).

Right-to-left and joined scripts are set in order by matplotlib 3.11 and later; before, it put their
letters one by one from the left. An SVG keeps its labels as text, which the viewer sets.

Shapes: N rows, J columns: words or pieces of the target and of the source.
"""

from __future__ import annotations

import logging
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2seq.errors import UserError
from seq2seq.explain.explanation import Array, Explanation, of_head
from seq2seq.explain.table import short
from seq2seq.inference.translation import display_width

logger = logging.getLogger(__name__)

_CELL = 0.55  # inches
_FILLED = 20  # columns, or rows, up to which cells have their numbers in them
_SLANTED = 6  # columns of text beyond which labels along the top are slanted
_DARK = 0.55  # weights above which the number in a cell is white
_CHARACTER = 0.09  # inches of a label's character
_LINE = 0.2  # inches of a title's line
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


class _Panel(NamedTuple):
    """One matrix to draw."""

    title: str
    weights_NJ: Array
    rows: Sequence[str]
    columns: Sequence[str]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches, labels included."""
        width = _CELL * max(3, len(self.columns)) + _CHARACTER * _longest(self.rows)
        height = _CELL * max(2, len(self.rows)) + _CHARACTER * _longest(self.columns)
        return width, height


def save(
    explanation: Explanation, path: Path, *, head: int | None = None, pieces: bool = False
) -> None:
    """Write `heat_map` to a .png or .svg file; warn of characters that come out wrong or not."""
    figure = heat_map(explanation, head=head, pieces=pieces)
    vector = path.suffix.lower() == ".svg"
    metadata = {"Date": None} if vector else None  # equal pictures are equal files
    as_text = matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seq2seq"})
    with as_text, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(path, dpi=_DOTS, metadata=metadata)
    if vector:
        return
    missing = {int(found[1]) for w in caught if (found := _GLYPH.match(str(w.message)))}
    if missing:
        characters = " ".join(chr(number) for number in sorted(missing))
        logger.warning("picture: no font that matplotlib finds has %s", characters)
    if _is_right_to_left(explanation.source + explanation.translation) and not _SHAPES:
        logger.warning(
            "picture: matplotlib %s turns right-to-left words round: take .svg, or 3.11",
            matplotlib.__version__,
        )


def heat_map(explanation: Explanation, *, head: int | None = None, pieces: bool = False) -> Figure:
    """Return the picture: target down the side, source along the top, a cell a weight.

    Beside it stands the encoder's self-attention, if it has one. Raises UserError where there is
    nothing to draw.
    """
    if not explanation.target_pieces:
        raise UserError("picture: expected something to draw, found a blank text")
    panels = _panels(explanation, head, pieces)
    if not panels:
        raise UserError("picture: expected weights to draw, found a model without attention")
    widths, heights = zip(*(panel.size for panel in panels), strict=True)
    width = 1 + sum(widths)
    texts = (explanation.source, explanation.translation)
    title = [line for text in texts for line in textwrap.wrap(text, int(width / _CHARACTER))]
    height = 1 + _LINE * len(title) + max(heights)
    figure = Figure(figsize=(width, height), layout="constrained")
    # Wrapped here, as matplotlib's own wrapping would take what stands between `$` for a formula.
    figure.suptitle("\n".join(title), fontsize=11, **_text())
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for ax, panel in zip(axes, panels, strict=True):
        _draw(ax, panel)
    return figure


def _panels(explanation: Explanation, head: int | None, pieces: bool) -> list[_Panel]:
    if pieces:
        rows, columns = explanation.target_labels, explanation.source_labels
    else:
        rows = [word.word for word in explanation.target_words]
        columns = [word.word for word in explanation.source_words]
    panels = []
    if explanation.heads:
        of_pieces = of_head(explanation.weights_HTS, head)
        weights_NJ = of_pieces if pieces else explanation.matrix_NJ(head)
        which = "" if explanation.heads == 1 else ", mean of heads"
        which = which if head is None else f", head {head + 1}"
        title = f"{explanation.kinds.attention} attention{which}"
        panels.append(_Panel(title, weights_NJ, rows, columns))
    if explanation.self_weights_HSS is not None:
        of_pieces = of_head(explanation.self_weights_HSS, None)
        weights_NJ = of_pieces if pieces else explanation.self_matrix_JJ()
        panels.append(_Panel("self-attention in the encoder", weights_NJ, columns, columns))
    return panels


def _draw(ax: Axes, panel: _Panel) -> None:
    weights_NJ, rows, columns = panel.weights_NJ, panel.rows, panel.columns
    edges_J, edges_N = np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5
    ax.pcolormesh(edges_J, edges_N, weights_NJ, cmap="Blues", vmin=0, vmax=1, edgecolors="white")
    ax.set_aspect("equal")
    ax.invert_yaxis()
    slant = 40 if _longest(columns) > _SLANTED else 0
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
    if max(len(rows), len(columns)) <= _FILLED:
        for (row, column), weight in np.ndenumerate(weights_NJ):
            colour = "white" if weight > _DARK else "black"
            ax.text(column, row, short(weight), ha="center", va="center", color=colour, fontsize=9)


def _longest(labels: Sequence[str]) -> int:
    return max(map(display_width, labels), default=0)


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
