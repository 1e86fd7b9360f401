"""Clips: a film of a figure that moves, and a sentence on how it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from seq2seq.data.make.contract import Drawing, Draws, Example
from seq2seq.data.make.drawn import Drawn, check_count
from seq2seq.data.make.figures import Figure, blank, draw, draw_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SIZE, FRAMES = 24, 8
_RADIUS = 5


class Direction(NamedTuple):
    """A direction in words, and as signs of rows and columns."""

    english: str
    french: str
    down: int
    right: int


class Speed(NamedTuple):
    """A speed in words, and in pixels a frame."""

    english: str
    french: str
    pixels: int


DIRECTIONS = (
    Direction("up", "vers le haut", -1, 0),
    Direction("down", "vers le bas", 1, 0),
    Direction("to the left", "vers la gauche", 0, -1),
    Direction("to the right", "vers la droite", 0, 1),
)
SPEEDS = (Speed("slowly", "lentement", 1), Speed("quickly", "vite", 2))


class Clip(NamedTuple):
    """A figure, where it begins, and how it moves."""

    figure: Figure
    y: int
    x: int
    direction: Direction
    speed: Speed

    @property
    def english(self) -> str:
        """`a red circle moves slowly to the left`."""
        return f"{self.figure.english} moves {self.speed.english} {self.direction.english}"

    @property
    def french(self) -> str:
        """`un cercle rouge va lentement vers la gauche`."""
        return f"{self.figure.french} va {self.speed.french} {self.direction.french}"

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The film: frames, rows, columns, channels."""
        import numpy as np

        frames = []
        for frame in range(FRAMES):
            moved = frame * self.speed.pixels
            pixels = blank(SIZE)
            y, x = self.y + moved * self.direction.down, self.x + moved * self.direction.right
            draw(pixels, self.figure, y, x, _RADIUS)
            frames.append(pixels)
        return np.stack(frames)


def draw_clip(draws: Draws) -> Clip:
    """Return a clip at random, whose figure stays in sight."""
    figure, direction, speed = draw_figure(draws), draws.one(DIRECTIONS), draws.one(SPEEDS)
    way = (FRAMES - 1) * speed.pixels

    def begin(sign: int) -> int:
        return draws.between(_RADIUS + max(0, -sign * way), SIZE - _RADIUS - max(0, sign * way))

    return Clip(figure, begin(direction.down), begin(direction.right), direction, speed)


@dataclass(frozen=True, kw_only=True)
class Clips(Drawn):
    """Say how a figure moves: a film -> `a red circle moves slowly to the left`."""

    unit: ClassVar[str] = "figure"
    pairs: ClassVar[int] = 2000
    kind: ClassVar[str] = "array"

    shortest: int = 1
    longest: int = 1
    beyond: tuple[int, ...] = ()

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        check_count(self, 1)

    def example(self, draws: Draws, length: int) -> Example:
        """Return a random clip."""
        clip = draw_clip(draws)
        return Example(f"{clip.english} from {clip.y}, {clip.x}", clip.english, (), clip)

    def save(self, prefix: Path, drawings: Sequence[Drawing]) -> list[str]:
        """Write all films of a split as one array; the first of them is `train.npy#0`."""
        import numpy as np

        films = [drawing.pixels for drawing in drawings if isinstance(drawing, Clip)]
        file = prefix.with_name(f"{prefix.name}.npy")
        np.save(file, np.stack(films))
        return [f"{file.name}#{number}" for number in range(len(films))]
