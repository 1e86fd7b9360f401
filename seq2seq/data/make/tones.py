"""Tones: a recording of a few notes, and the words for them, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from seq2seq.data.make.contract import Draws

RATE = 8000
"""Samples a second."""
_PAUSE = 40  # milliseconds between two notes


class Pitch(NamedTuple):
    """The height of a note in words, and in hertz."""

    english: str
    french: str
    hertz: int


class Note(NamedTuple):
    """A note: its height in words, in hertz, how long it is in milliseconds, and how loud."""

    pitch: Pitch
    long: bool
    hertz: int
    milliseconds: int
    loudness: float


PITCHES = (Pitch("low", "grave", 300), Pitch("middle", "moyen", 700), Pitch("high", "aigu", 1600))


class Tones(NamedTuple):
    """Notes, one after the other."""

    notes: tuple[Note, ...]

    @property
    def english(self) -> str:
        """`long high, low, middle`."""
        return ", ".join(f"{'long ' * note.long}{note.pitch.english}" for note in self.notes)

    @property
    def french(self) -> str:
        """`aigu long, grave, moyen`: they are sounds, `sons`, which are masculine."""
        return ", ".join(f"{note.pitch.french}{' long' * note.long}" for note in self.notes)

    @property
    def samples(self) -> npt.NDArray[np.int16]:
        """The recording, in 16 bits."""
        import numpy as np

        parts = []
        for note in self.notes:
            times = np.arange(RATE * note.milliseconds // 1000) / RATE
            edge = np.minimum(1, np.minimum(times, times[-1] - times) / 0.01)
            parts.append(note.loudness * edge * np.sin(2 * np.pi * note.hertz * times))
            parts.append(np.zeros(RATE * _PAUSE // 1000))
        return np.round(np.concatenate(parts) * 20000).astype(np.int16)


def draw_tones(draws: Draws, length: int) -> Tones:
    """Return so many notes at random, none quite as high, as long or as loud as another."""
    return Tones(tuple(_draw_note(draws) for _ in range(length)))


def _draw_note(draws: Draws) -> Note:
    pitch, long = draws.one(PITCHES), draws.below(2) == 1
    hertz = pitch.hertz * draws.between(85, 115) // 100
    milliseconds = draws.between(240, 320) if long else draws.between(80, 140)
    return Note(pitch, long, hertz, milliseconds, draws.between(50, 100) / 100)
