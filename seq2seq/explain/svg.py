"""An explanation as a heat map in SVG, which needs no other package.

Labels are text, set by whatever shows the file: so words of any script, joined or from right to
left, come out right, in the viewer's own fonts. How wide a label is can only be guessed, by its
columns in a terminal. drawsvg would write the same elements; it measures no text either, and does
not mend characters that XML does not allow.

Shapes: N rows, J columns: words or pieces of the target and of the source.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np

from seq2seq.explain.cells import short
from seq2seq.explain.explanation import Explanation
from seq2seq.explain.overlay import png
from seq2seq.explain.panels import DARK, SLANTED, SMALL, Panel, longest, panels, title_lines
from seq2seq.explain.view import UNASKED, View

_CELL = 40  # all in pixels
_MARGIN = 12
_FONT = 13
_CHARACTER = 8.5  # of a label's column of text, wider than most fonts have it
_LINE = 20  # from a line of the title to the next
_ANGLE = 40  # degrees that long labels are slanted by
_LIGHT, _FULL = (247, 251, 255), (8, 48, 107)  # red, green, blue of the weights 0 and 1
_NEGATIVE = (127, 39, 4)  # and of -1
_NO_NUMBER = (187, 187, 187)
_SMALL_FONT = 9
_SMALL_CHARACTER = 5.5
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow, not even escaped: control characters, halves of surrogate pairs."""


def save(explanation: Explanation, path: Path, view: View = UNASKED) -> None:
    """Write `drawing` to a file, the same bytes for the same explanation."""
    tree = ElementTree(drawing(explanation, view))
    tree.write(path, encoding="utf-8", xml_declaration=True)


def drawing(explanation: Explanation, view: View = UNASKED) -> Element:
    """Return the <svg> element: target down the side, source along the top, a cell a weight.

    Beside it stands the encoder's self-attention, if it has one; or it is what `view` asks for.
    Raises UserError where there is nothing to draw.
    """
    rows = panels(explanation, view)
    sizes = [[_size(panel) for panel in row.panels] for row in rows]
    width = max(_MARGIN + sum(width + _MARGIN for width, _ in row) for row in sizes)
    above = [_LINE if row.heading else 0 for row in rows]
    heights = [max(height for _, height in row) for row in sizes]
    title = title_lines(explanation, max(20, int((width - 2 * _MARGIN) / _CHARACTER)))
    top = _MARGIN + _LINE * len(title)
    width = max(
        width,
        math.ceil(2 * _MARGIN + _CHARACTER * longest([*title, *(row.heading for row in rows)])),
    )
    height = top + sum(above) + sum(heights) + _MARGIN * len(heights)
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "font-family": "sans-serif",
            "font-size": str(_FONT),
            "role": "img",
        },
    )
    _text(root, f"{explanation.source} -> {explanation.translation}", tag="title")
    SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    for number, line in enumerate(title, 1):
        _text(root, line, x=width / 2, y=_MARGIN + number * _LINE - 6, anchor="middle")
    y = float(top)
    for row, row_sizes, heading, row_height in zip(rows, sizes, above, heights, strict=True):
        x = float(_MARGIN)
        if heading:
            _text(root, row.heading, x=x, y=y + heading - 6)
        for panel, (panel_width, _) in zip(row.panels, row_sizes, strict=True):
            (_draw_small if panel.small else _draw)(root, panel, x, y + heading)
            x += panel_width + _MARGIN
        y += heading + row_height + _MARGIN
    indent(root)
    return root


def _size(panel: Panel) -> tuple[int, int]:
    """Width and height in pixels, labels and title included."""
    if panel.small:
        side, height = _small_size(panel)
        return math.ceil(max(side, _SMALL_CHARACTER * len(panel.title))), height + _LINE
    cells = _CELL * len(panel.columns)
    overhang = _along(panel.columns) if _slant(panel.columns) else 0  # of the last column's label
    width = max(_side(panel.rows) + cells + overhang, _CHARACTER * len(panel.title))
    return math.ceil(width), math.ceil(_above(panel) + _CELL * len(panel.rows) + _LINE)


def _small_size(panel: Panel) -> tuple[int, int]:
    """The pixels that the cells of a small panel take: as many a cell for all, at least 2."""
    cell = max(2, SMALL // max(len(panel.rows), len(panel.columns), 10))
    return cell * len(panel.columns), cell * len(panel.rows)


def _draw_small(root: Element, panel: Panel, left: float, top: float) -> None:
    width, height = _small_size(panel)
    # Of a pixel a cell: as <rect>s, a hundred panels would be too much for a viewer.
    colours = [[_rgb(panel.share(float(weight))) for weight in row] for row in panel.weights_NJ]
    shape = (*panel.weights_NJ.shape, 3)
    pixels_YX3 = np.array(colours, np.uint8).reshape(shape)
    picture = f"data:image/png;base64,{b64encode(png(pixels_YX3)).decode()}"
    place = {"x": _number(left), "y": _number(top), "width": str(width), "height": str(height)}
    style = "image-rendering:pixelated;outline:1px solid #ccc"
    image = SubElement(root, "image", {**place, "href": picture, "style": style})
    _text(image, panel.title, tag="title")
    _text(root, panel.title, x=left, y=top + height + _LINE - 6, size=_SMALL_FONT)


def _draw(root: Element, panel: Panel, left: float, top: float) -> None:
    x, y = left + _side(panel.rows), top + _above(panel)
    slant = _slant(panel.columns)
    for column, label in enumerate(panel.columns):
        middle, anchor = x + _CELL * (column + 0.5), "start" if slant else "middle"
        _text(root, label, x=middle, y=y - 6, anchor=anchor, turned=-slant)
    for row, label in enumerate(panel.rows):
        _text(root, label, x=x - 6, y=y + _CELL * (row + 0.5) + _FONT / 3, anchor="end")
    for (row, column), weight in np.ndenumerate(panel.weights_NJ):
        _cell(root, panel, row, column, float(weight), x + _CELL * column, y + _CELL * row)
    below = y + _CELL * len(panel.rows) + _LINE - 4
    _text(root, panel.title, x=x + _CELL * len(panel.columns) / 2, y=below, anchor="middle")


def _cell(
    root: Element, panel: Panel, row: int, column: int, weight: float, x: float, y: float
) -> None:
    place = {"x": _number(x), "y": _number(y), "width": str(_CELL), "height": str(_CELL)}
    rect = SubElement(
        root, "rect", {**place, "fill": _colour(panel.share(weight)), "stroke": "white"}
    )
    words = f"{panel.rows[row]} <- {panel.columns[column]}: {weight:.3f}"
    _text(rect, words, tag="title")  # what a pointer on the cell is told
    if panel.numbered:
        x, y, colour = (
            x + _CELL / 2,
            y + _CELL / 2,
            "white" if abs(panel.share(weight)) > DARK else "black",
        )
        _text(root, short(weight), x=x, y=y + _FONT / 3, anchor="middle", colour=colour)


def _text(
    parent: Element,
    text: str,
    *,
    tag: str = "text",
    x: float | None = None,
    y: float | None = None,
    anchor: str = "",
    turned: int = 0,
    colour: str = "",
    size: int | None = None,
) -> None:
    values = {"text-anchor": anchor, "fill": colour, "font-size": "" if size is None else str(size)}
    if x is not None and y is not None:
        values = {"x": _number(x), "y": _number(y), **values}
        if turned:
            values["transform"] = f"rotate({turned} {_number(x)} {_number(y)})"
    element = SubElement(parent, tag, {name: value for name, value in values.items() if value})
    element.text = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _side(rows: Sequence[str]) -> float:
    """The width of the labels down the side."""
    return _CHARACTER * longest(rows) + 6


def _above(panel: Panel) -> float:
    """The height of the labels along the top."""
    if not _slant(panel.columns):
        return _LINE + 6
    return _along(panel.columns) * math.tan(math.radians(_ANGLE)) + _LINE


def _along(columns: Sequence[str]) -> float:
    """How far the longest slanted label reaches to the right."""
    return _CHARACTER * longest(columns) * math.cos(math.radians(_ANGLE))


def _slant(columns: Sequence[str]) -> int:
    """The degrees by which labels along the top are slanted."""
    return _ANGLE if longest(columns) > SLANTED or len(columns) > 20 else 0


def _colour(share: float) -> str:
    return "#" + "".join(f"{part:02x}" for part in _rgb(share))


def _rgb(share: float) -> tuple[int, ...]:
    """From light to full by a share, or to the other full one below 0; grey of no number."""
    if not math.isfinite(share):
        return _NO_NUMBER
    full = _FULL if share >= 0 else _NEGATIVE
    return tuple(round(a + abs(share) * (b - a)) for a, b in zip(_LIGHT, full, strict=True))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
