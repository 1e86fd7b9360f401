"""Clips: a film of a figure that moves, and a sentence on how it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from seq2seq.data.make.figures import Figure, blank, draw
from seq2seq.data.make.scenes import draw_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from seq2seq.data.make.contract import Draws

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
    half = way // 2
    spread = (SIZE - way) // 2 - 1

    def begin(sign: int) -> int:
        return SIZE // 2 - sign * half + draws.between(-spread, spread)

    return Clip(figure, begin(direction.down), begin(direction.right), direction, speed)
