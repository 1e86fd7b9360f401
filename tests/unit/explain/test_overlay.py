"""Pictures of words: PNG by Python alone against Pillow, and by matplotlib."""

import io
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data.sources.backdrop import backdrop_of
from seq2seq.explain.overlay import data_url, draw, lit, png

PIXELS = np.random.default_rng(1).integers(0, 256, (3, 5, 3), np.uint8)


def test_a_png_holds_the_pixels() -> None:
    image = pytest.importorskip("PIL.Image", reason="needs the extra: images")
    np.testing.assert_array_equal(np.asarray(image.open(io.BytesIO(png(PIXELS)))), PIXELS)


def test_a_page_s_picture_has_large_pixels() -> None:
    image = pytest.importorskip("PIL.Image", reason="needs the extra: images")
    kind, _, data = data_url(PIXELS).partition(",")
    assert kind == "data:image/png;base64"
    large = np.asarray(image.open(io.BytesIO(b64decode(data))))
    factor = large.shape[0] // 3
    assert large.shape[0] >= 160
    np.testing.assert_array_equal(large[factor // 2 :: factor, factor // 2 :: factor], PIXELS)


def test_each_word_has_a_picture_and_its_greatest_weight() -> None:
    backdrop = backdrop_of(PIXELS.astype(np.float32), (3, 5))
    found = list(lit(backdrop, ["a", "b"], np.array([[0.7], [0.2]])))
    assert [(one.word, one.weight) for one in found] == [("a", 0.7), ("b", 0.2)]


@pytest.mark.parametrize("shape", [(6, 6, 3), (4, 30, 3)])
def test_a_file_of_all_words_is_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra: plots")
    backdrop = backdrop_of(np.zeros(shape, np.float32), (2, 2))
    weights_NS = np.full((7, backdrop.positions_YX.max() + 1), 0.1)
    draw(backdrop, list("abcdefg"), weights_NS, tmp_path / "all.png", "a title of $5")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
