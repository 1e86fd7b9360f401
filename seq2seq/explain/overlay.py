"""A file as a picture, once for each word of its translation, lit where the word was read from.

Drawn by matplotlib (the extra `plots`), or as PNG bytes for a page by Python alone.

Shapes: N target words, S source positions, Y rows, X columns.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources import Backdrop
from seq2seq.errors import UserError
from seq2seq.explain.reading import ForcedReading

_ACROSS = 5  # pictures in a row
_INCHES = 1.9  # of a picture's longer side, unless it is a strip
_STRIP = 3  # times as long as high: then one below the other
_DOTS = 150  # to the inch
_LARGE = 160  # pixels that the shorter side of a picture on a page has at least

Pixels = npt.NDArray[np.uint8]


class Lit(NamedTuple):
    """A word, the greatest of its weights, and the picture lit by them."""

    word: str
    weight: float
    pixels_YX3: Pixels


def lit(backdrop: Backdrop, words: list[str], weights_NS: npt.NDArray[Any]) -> Iterator[Lit]:
    """Yield the picture of each word."""
    for word, weights_S in zip(words, weights_NS, strict=True):
        yield Lit(word, float(weights_S.max(initial=0)), backdrop.lit(weights_S))


def save(
    explanation: ForcedReading, backdrop: Backdrop, path: Path, *, head: int | None = None
) -> None:
    """Write a .png file: the picture, and then the picture of each word.

    The weights are those of one head (from 0), or the mean of those that align words. Raises
    UserError where there is nothing to draw.
    """
    words = [word.word for word in explanation.target_words]
    weights_NS = explanation.matrix_NJ(head)
    if not (words and weights_NS.shape[1]):
        raise UserError("picture: expected words with weights to draw, found none")
    title = f"{Path(explanation.source).name}{explanation.which(head)}\n{explanation.translation}"
    draw(backdrop, words, weights_NS, path, title)


def page_pictures(explanation: ForcedReading) -> list[dict[str, Any]]:
    """Return what a page shows of a file: the picture, and the picture of each word; else none."""
    backdrop = explanation.backdrop
    words = [word.word for word in explanation.target_words]
    weights_NS = explanation.matrix_NJ()
    if backdrop is None or not (words and weights_NS.shape[1]):
        return []
    shown = [Lit("", 0.0, backdrop.pixels_YX3), *lit(backdrop, words, weights_NS)]
    return [
        {"word": one.word, "weight": round(one.weight, 5), "image": data_url(one.pixels_YX3)}
        for one in shown
    ]


def draw(
    backdrop: Backdrop, words: list[str], weights_NS: npt.NDArray[Any], path: Path, title: str
) -> None:
    """Write a .png file: the picture, and the picture of each word with its weights."""
    from matplotlib.figure import Figure

    whole = Lit("", 0.0, backdrop.pixels_YX3)
    shown = [whole, *lit(backdrop, words, weights_NS)]
    rows, columns = backdrop.positions_YX.shape
    across = 1 if columns > _STRIP * rows else min(_ACROSS, len(shown))
    down = ceil(len(shown) / across)
    width = _INCHES * (4 if across == 1 else 1)
    height = max(width * rows / columns, 0.4) + 0.3
    figure = Figure(figsize=(across * width, down * height + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=10, parse_math=False)
    axes = figure.subplots(down, across, squeeze=False).flat
    for ax in axes:
        ax.set_axis_off()
    for ax, one in zip(figure.axes, shown, strict=False):
        ax.imshow(one.pixels_YX3, interpolation="nearest", aspect="equal")
        if one.word:
            ax.set_title(f"{one.word}  {one.weight:.2f}", fontsize=9, parse_math=False)
    figure.savefig(path, dpi=_DOTS)


def data_url(pixels_YX3: Pixels) -> str:
    """Return a picture for a page, as large pixels: `data:image/png;base64,...`."""
    factor = max(1, ceil(_LARGE / min(pixels_YX3.shape[:2])))
    large = np.repeat(np.repeat(pixels_YX3, factor, 0), factor, 1)
    return f"data:image/png;base64,{b64encode(png(large)).decode()}"


def png(pixels_YX3: Pixels) -> bytes:
    """Return a picture in PNG, 8 bits of red, green and blue, without a filter."""
    height, width, _ = pixels_YX3.shape
    rows = np.concatenate((np.zeros((height, 1), np.uint8), pixels_YX3.reshape(height, -1)), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
