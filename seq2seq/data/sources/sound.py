"""Recordings -> frames of log spectra. WAV is read by Python itself, others by soundfile."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from seq2seq.bounds import Frequencies, Milliseconds
from seq2seq.data.sources.contract import FileReader, Grid, Scale, existing_file
from seq2seq.errors import UserError
from seq2seq.extras import MissingPackageError, install_hint

Samples = npt.NDArray[np.float64]

_MOST = 600  # seconds
_FLOOR = 1e-10  # of a power, before its logarithm


class SoundReader(FileReader):
    """A recording as frames, one every `step` milliseconds, each the log powers of its bands.

    The bands are triangles that are evenly spaced in mel; of 0 bands it is every frequency of the
    Fourier transform. Several channels (stereo) are averaged.
    """

    kind = "sound"

    def __init__(
        self,
        *,
        rate: Annotated[int, Field(ge=1, le=1_000_000)] = 16000,
        frame: Milliseconds = 25.0,
        step: Milliseconds = 10.0,
        bands: Annotated[int, Field(ge=0, le=4096)] = 40,
        frequencies: Frequencies = 4,
    ) -> None:
        super().__init__()
        self.rate = rate
        self.frame = frame
        self.step = step
        self.bands = bands
        self.frequencies = frequencies

    def read(self, name: str) -> Grid:
        """Return frames and their log powers."""
        path = existing_file(name)
        rate, samples = _recording(name, path)
        if rate != self.rate:
            raise UserError(
                f"{name}: expected {self.rate:,} samples a second (data.source_kind.rate), found "
                f"{rate:,}; resample it"
            )
        if not len(samples):
            raise UserError(f"{name}: expected a recording, found an empty one")
        powers = spectra(samples, *map(self._samples, (self.frame, self.step)))
        if self.bands:
            powers = powers @ mel_bands(self.bands, powers.shape[1], self.rate).T
        return np.log(np.maximum(powers, _FLOOR)).astype(np.float32)

    def cell(self, axes: int) -> tuple[int, ...]:
        """Return one frame."""
        return (1,)

    def usual(self) -> Scale:
        """Return a scale of one axis, time, and of a channel a band."""
        frequencies = _width(self._samples(self.frame)) // 2 + 1
        return Scale.unknown(1, self.bands or frequencies)

    def label(self, place: Sequence[int]) -> str:
        """Return when the frame begins."""
        return f"{place[0] * self.step:g}ms"

    def _samples(self, milliseconds: float) -> int:
        return max(1, round(self.rate * milliseconds / 1000))


def spectra(samples: Samples, frame: int, step: int) -> Samples:
    """Return the powers of every frequency of each frame, weighted by Hann's window.

    `frame` and `step` are numbers of samples; the end is filled up with silence.
    """
    frames = 1 + max(0, -(-(len(samples) - frame) // step))
    missing = (frames - 1) * step + frame - len(samples)
    padded = np.pad(samples, (0, max(0, missing)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, frame)[::step][:frames]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(frame) + 0.5) / frame)
    return np.abs(np.fft.rfft(cut * window, _width(frame))) ** 2 / frame


def _width(frame: int) -> int:
    """The length of the Fourier transform of a frame: the next power of 2."""
    return 1 << (frame - 1).bit_length()


def mel_bands(bands: int, frequencies: int, rate: int) -> Samples:
    """Return how much of each frequency is in each band: triangles evenly spaced in mel.

    mel(f) = 2595 log10(1 + f / 700) -- O'Shaughnessy 1987.
    """
    hertz = np.linspace(0, rate / 2, frequencies)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    left, middle, right = (corners[at : at + bands, None] for at in range(3))
    rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling))


def _recording(name: str, path: Path) -> tuple[int, Samples]:
    """The samples a second, and the samples from -1 to 1, the mean of all channels."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, count = file.getframerate(), file.getsampwidth(), file.getnframes()
            _check_length(name, count, rate)
            if not 1 <= width <= 4:
                raise UserError(f"{name}: expected samples of 8 to 32 bits, found {8 * width}")
            data = file.readframes(count)
            return rate, _mean(_decoded(data, width), file.getnchannels())
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk within a chunk
        return _by_soundfile(name, path, str(error) or "it is cut off")
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from None


def _check_length(name: str, samples: int, rate: int) -> None:
    if samples > _MOST * rate:
        raise UserError(
            f"{name}: expected at most {_MOST} seconds, found {samples / rate:,.0f}; cut it"
        )


def _decoded(data: bytes, width: int) -> Samples:
    """Integers of `width` bytes, little-endian; those of one byte have no sign."""
    data = data[: len(data) // width * width]
    if width == 1:
        return np.frombuffer(data, np.uint8) / 128.0 - 1
    if width == 3:
        wide = np.frombuffer(data, np.uint8).reshape(-1, 3)
        low = np.zeros((len(wide), 4), np.uint8)
        low[:, 1:] = wide
        return low.view("<i4")[:, 0] / 2.0**31
    return np.frombuffer(data, f"<i{width}") / 2.0 ** (8 * width - 1)


def _mean(samples: Samples, channels: int) -> Samples:
    return samples[: len(samples) // channels * channels].reshape(-1, channels).mean(1)


def _by_soundfile(name: str, path: Path, reason: str) -> tuple[int, Samples]:
    try:
        import soundfile
    except (ImportError, OSError):
        raise MissingPackageError(
            f"{name}: not a PCM WAV file ({reason}); other recordings need soundfile: "
            f"{install_hint('sound')}"
        ) from None
    reader: Any = soundfile
    try:
        found = reader.info(str(path))
        _check_length(name, found.frames, found.samplerate)
        samples, rate = reader.read(str(path), always_2d=True)
    except UserError:
        raise
    except Exception as error:  # of soundfile, which says of damage what its library does
        raise UserError(f"{name}: cannot be read as a recording: {error}") from None
    return int(rate), samples.mean(1)
