"""Recordings: their numbers, spectra against sums written out, and what is refused."""

from __future__ import annotations

import cmath
import math
import wave
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data.sources.sound import SoundReader, mel_bands, spectra
from seq2seq.errors import UserError


def saved(
    folder: Path, samples: list[list[int]], *, width: int = 2, rate: int = 100, name: str = "a.wav"
) -> str:
    """A WAV file; `samples` has a list for each moment, a number for each channel."""
    path = folder / name
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples[0]) if samples else 1)
        file.setsampwidth(width)
        file.setframerate(rate)
        signed = width > 1
        data = (n.to_bytes(width, "little", signed=signed) for moment in samples for n in moment)
        file.writeframes(b"".join(data))
    return str(path)


def test_powers_are_those_of_the_fourier_sum_of_each_frame_under_hann_s_window() -> None:
    samples = np.random.default_rng(1).normal(size=11)
    frame, step, width = 6, 3, 8
    found = spectra(samples, frame, step)
    padded = [*samples.tolist(), *[0.0] * 10]
    expected = []
    for start in (0, 3, 6):
        weighted = [
            padded[start + n] * math.sin(math.pi * (n + 0.5) / frame) ** 2 for n in range(frame)
        ]
        row = []
        for k in range(width // 2 + 1):
            total = sum(
                x * cmath.exp(-2j * math.pi * k * n / width) for n, x in enumerate(weighted)
            )
            row.append(abs(total) ** 2 / frame)
        expected.append(row)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_band_rises_from_the_middle_of_the_one_before_to_its_own_and_falls_to_the_next() -> None:
    bands, frequencies, rate = 4, 33, 8000

    def mel(hertz: float) -> float:
        return 2595 * math.log10(1 + hertz / 700)

    def hertz(mels: float) -> float:
        return float(700 * (10 ** (mels / 2595) - 1))

    corners = [hertz(mel(4000) * n / 5) for n in range(6)]
    found = mel_bands(bands, frequencies, rate)
    for band in range(bands):
        left, middle, right = corners[band : band + 3]
        for index in range(frequencies):
            f = 4000 * index / (frequencies - 1)
            slope = (f - left) / (middle - left) if f <= middle else (right - f) / (right - middle)
            assert found[band, index] == pytest.approx(max(0.0, slope))


def test_a_note_is_loudest_in_the_band_of_its_frequency(tmp_path: Path) -> None:
    rate, hertz = 8000, 1000
    samples = [[round(20000 * math.sin(2 * math.pi * hertz * n / rate))] for n in range(800)]
    reader = SoundReader(rate=rate, bands=0)
    grid = reader.grid(saved(tmp_path, samples, rate=rate))
    assert grid.shape == (9, 129)
    assert set(grid.argmax(1)) == {hertz * 256 // rate}


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_any_width_are_the_same_sound(tmp_path: Path, width: int) -> None:
    top = 2 ** (8 * width - 1)
    parts = [0.5, -0.25, 0.75, -1.0, 0.0, 0.25]
    samples = [[int(part * top) + (top if width == 1 else 0)] for part in parts]
    reader = SoundReader(rate=100, frame=60, step=60, bands=0)
    grid = reader.grid(saved(tmp_path, samples, width=width))
    expected = np.log(np.maximum(spectra(np.array(parts), 6, 6), 1e-10))
    np.testing.assert_allclose(grid, expected, rtol=1e-5)


def test_stereo_is_averaged(tmp_path: Path) -> None:
    stereo = saved(tmp_path, [[3000, 1000], [-500, 1500], [200, 0]], name="stereo.wav")
    mono = saved(tmp_path, [[2000], [500], [100]], name="mono.wav")
    reader = SoundReader(rate=100, frame=30, step=10)
    np.testing.assert_allclose(reader.grid(stereo), reader.grid(mono), rtol=1e-6)


def test_a_frame_is_called_by_when_it_begins(tmp_path: Path) -> None:
    reader = SoundReader(rate=100, frame=20, step=12.5)
    assert [reader.label((n,)) for n in range(3)] == ["0ms", "12.5ms", "25ms"]


def test_what_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("words of no use")
    rows = {
        str(tmp_path / "words.wav"): "words.wav",
        saved(tmp_path, [], name="none.wav"): "expected a recording, found an empty one",
        saved(tmp_path, [[1]], rate=44100, name="fast.wav"): "found 44,100; resample it",
        str(tmp_path / "missing.wav"): "no such file",
    }
    for name, reason in rows.items():
        with pytest.raises(UserError) as told:
            SoundReader(rate=100).grid(name)
        assert reason in str(told.value)
        assert "\n" not in str(told.value)


def test_a_recording_of_hours_is_refused_before_it_is_read(tmp_path: Path) -> None:
    name = saved(tmp_path, [[0]] * 700, rate=1, name="long.wav")
    with pytest.raises(UserError, match="expected at most 600 seconds, found 700"):
        SoundReader(rate=1).grid(name)
