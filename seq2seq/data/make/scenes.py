"""Scenes: a picture of two figures, and a sentence on how they stand to each other.

The larger figure is named first. Else each picture would have two sentences, both right: one thing
is above another which is below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from seq2seq.data.make.contract import Drawing, Draws, Example
from seq2seq.data.make.drawn import Drawn, check_count, file_names
from seq2seq.data.make.figures import Figure, blank, draw, draw_figure
from seq2seq.extras import MissingPackageError, install_hint

if TYPE_CHECKING:
    from seq2seq.data.make.figures import Pixels

SIZE = 32
"""Rows and columns of a picture."""
_RADII = (7, 4)  # of the first figure, and of the second
_ASIDE = 2  # pixels by which two figures that stand above each other may be out of line


class Relation(NamedTuple):
    """How the first figure stands to the second: the words, and the side it is on."""

    english: str
    french: str
    vertical: bool
    first: bool
    """Whether the first figure is the upper, or the left one."""


RELATIONS = (
    Relation("above", "au-dessus", True, True),
    Relation("below", "au-dessous", True, False),
    Relation("to the left of", "à gauche", False, True),
    Relation("to the right of", "à droite", False, False),
)


class Place(NamedTuple):
    """Where a figure is drawn, and how large: middle and radius, in pixels."""

    y: int
    x: int
    radius: int


class Scene(NamedTuple):
    """Two figures, the larger one first, their places, and how the first stands to the second."""

    figures: tuple[Figure, Figure]
    places: tuple[Place, Place]
    relation: Relation

    @property
    def english(self) -> str:
        """`a red circle above a blue square`."""
        first, second = self.figures
        return f"{first.english} {self.relation.english} {second.english}"

    @property
    def french(self) -> str:
        """`un cercle rouge au-dessus d'un carré bleu`."""
        first, second = self.figures
        return f"{first.french} {self.relation.french} d'{second.french}"

    @property
    def pixels(self) -> Pixels:
        """The picture."""
        pixels = blank(SIZE)
        for figure, place in zip(self.figures, self.places, strict=True):
            draw(pixels, figure, *place)
        return pixels


def draw_scene(draws: Draws) -> Scene:
    """Return a scene at random, of two figures that differ and don't touch."""
    first = second = draw_figure(draws)
    while second == first:
        second = draw_figure(draws)
    relation = draws.one(RELATIONS)
    radii = _RADII
    near, far = (0, 1) if relation.first else (1, 0)
    margin = max(radii) + _ASIDE
    middle = draws.between(margin, SIZE - margin)
    across = [middle + draws.between(-_ASIDE, _ASIDE) for _ in range(2)]
    along = [0, 0]
    along[near] = draws.between(radii[near], SIZE - radii[near] - 2 * radii[far] - 1)
    along[far] = draws.between(along[near] + radii[near] + radii[far] + 1, SIZE - radii[far])
    rows, columns = (along, across) if relation.vertical else (across, along)
    one, other = (Place(*place) for place in zip(rows, columns, radii, strict=True))
    return Scene((first, second), (one, other), relation)


@dataclass(frozen=True, kw_only=True)
class Scenes(Drawn):
    """Say how two figures stand: a picture -> `a red circle above a blue square`."""

    unit: ClassVar[str] = "figures"
    kind: ClassVar[str] = "image"

    shortest: int = 2
    longest: int = 2
    beyond: tuple[int, ...] = ()

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_count(self, 2)

    def example(self, draws: Draws, length: int) -> Example:
        """Return a random scene."""
        scene = draw_scene(draws)
        return Example(f"{scene.english} {scene.places}", scene.english, (), scene)

    def save(self, prefix: Path, drawings: Sequence[Drawing]) -> list[str]:
        """Write a picture each; UserError without Pillow."""
        try:
            from PIL import Image
        except ImportError:
            raise MissingPackageError(
                f"data make scenes writes pictures with Pillow: {install_hint('images')}"
            ) from None
        names = file_names(prefix, len(drawings), "png")
        prefix.mkdir()
        for name, drawing in zip(names, drawings, strict=True):
            assert isinstance(drawing, Scene)
            Image.fromarray(drawing.pixels).save(prefix.parent / name)
        return names
