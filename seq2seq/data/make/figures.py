"""Coloured figures: what they are called in English and French, and how they are drawn.

Drawn by arithmetic alone, so that the pixels are the same on every machine.

Shapes: Y rows, X columns, 3 channels (red, green, blue).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from seq2seq.data.make.contract import Draws

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels: TypeAlias = npt.NDArray[np.uint8]
    """Pixels_YX3."""
    Numbers: TypeAlias = npt.NDArray[np.float64]


class Shape(NamedTuple):
    """The names of a shape, and where it is: whether a place, from -1 to 1, is inside."""

    english: str
    french: str
    feminine: bool
    inside: Callable[[Numbers, Numbers], npt.NDArray[np.bool_]]


class Colour(NamedTuple):
    """The names of a colour, the French one for a masculine and a feminine noun; its pixels."""

    english: str
    masculine: str
    feminine: str
    pixels: tuple[int, int, int]


SHAPES = (
    Shape("circle", "cercle", False, lambda y, x: y * y + x * x <= 1),
    Shape("square", "carré", False, lambda y, x: (abs(y) <= 0.85) & (abs(x) <= 0.85)),
    Shape("triangle", "triangle", False, lambda y, x: (y <= 0.8) & (abs(x) <= (y + 1) / 1.8)),
    Shape("cross", "croix", True, lambda y, x: (abs(y) <= 0.3) | (abs(x) <= 0.3)),
    Shape("star", "étoile", True, lambda y, x: abs(y) ** 0.7 + abs(x) ** 0.7 <= 1),
)
COLOURS = (
    Colour("red", "rouge", "rouge", (220, 30, 30)),
    Colour("green", "vert", "verte", (30, 160, 50)),
    Colour("blue", "bleu", "bleue", (40, 70, 220)),
    Colour("yellow", "jaune", "jaune", (235, 210, 40)),
    Colour("purple", "violet", "violette", (140, 50, 170)),
    Colour("orange", "orange", "orange", (245, 140, 30)),  # named after the fruit: it never agrees
    Colour("black", "noir", "noire", (20, 20, 20)),
)
_FINE = 3  # subpixels along each side of a pixel


class Figure(NamedTuple):
    """A shape of a colour."""

    shape: Shape
    colour: Colour

    @property
    def english(self) -> str:
        """`a red circle`, `an orange star`."""
        article = "an" if self.colour.english[0] in "aeiou" else "a"
        return f"{article} {self.colour.english} {self.shape.english}"

    @property
    def french(self) -> str:
        """`un cercle rouge`, `une étoile verte`."""
        shape, colour = self.shape, self.colour
        if shape.feminine:
            return f"une {shape.french} {colour.feminine}"
        return f"un {shape.french} {colour.masculine}"


def draw_figure(draws: Draws) -> Figure:
    """Return a figure at random."""
    return Figure(draws.one(SHAPES), draws.one(COLOURS))


def blank(size: int) -> Pixels:
    """Return a white picture of `size` rows and columns."""
    import numpy as np

    return np.full((size, size, 3), 255, np.uint8)


def draw(pixels: Pixels, figure: Figure, y: int, x: int, radius: int) -> None:
    """Draw a figure, its middle at row `y` and column `x`, its edge smooth; all of it is inside."""
    import numpy as np

    places = (np.arange(2 * radius * _FINE) + 0.5) / (radius * _FINE) - 1
    rows, columns = np.meshgrid(places, places, indexing="ij")
    inside = figure.shape.inside(rows, columns)
    count_YX1 = inside.reshape(2 * radius, _FINE, 2 * radius, _FINE).sum((1, 3))[:, :, None]
    here = pixels[y - radius : y + radius, x - radius : x + radius]
    colour = np.array(figure.colour.pixels)
    here[:] = (here.astype(np.int64) * (_FINE**2 - count_YX1) + colour * count_YX1) // _FINE**2
