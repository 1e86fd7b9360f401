"""Tones: a recording of a few notes, and the words for them, one after the other."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from seq2seq.data.make.contract import Drawing, Draws, Example
from seq2seq.data.make.drawn import Drawn, file_names

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


class Melody(NamedTuple):
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


def draw_melody(draws: Draws, length: int) -> Melody:
    """Return so many notes at random, none quite as high, as long or as loud as another."""
    return Melody(tuple(_draw_note(draws) for _ in range(length)))


def _draw_note(draws: Draws) -> Note:
    pitch, long = draws.one(PITCHES), draws.below(2) == 1
    hertz = pitch.hertz * draws.between(85, 115) // 100
    milliseconds = draws.between(240, 320) if long else draws.between(80, 140)
    return Note(pitch, long, hertz, milliseconds, draws.between(50, 100) / 100)


@dataclass(frozen=True, kw_only=True)
class Tones(Drawn):
    """Name the notes of a recording, one after the other: -> `long high, low, middle`."""

    unit: ClassVar[str] = "notes"
    kind: ClassVar[str] = "sound"

    shortest: int = 2
    longest: int = 4
    beyond: tuple[int, ...] = (5, 6)

    def example(self, draws: Draws, length: int) -> Example:
        """Return random notes."""
        melody = draw_melody(draws, length)
        sizes = [(note.hertz, note.milliseconds, note.loudness) for note in melody.notes]
        return Example(f"{melody.english} {sizes}", melody.english, (), melody)

    def save(self, prefix: Path, drawings: Sequence[Drawing]) -> list[str]:
        """Write a WAV file each, of 16 bits and one channel."""
        names = file_names(prefix, len(drawings), "wav")
        prefix.mkdir()
        for name, drawing in zip(names, drawings, strict=True):
            assert isinstance(drawing, Melody)
            with wave.open(str(prefix.parent / name), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(drawing.samples.astype("<i2").tobytes())
        return names
