"""Pictures: colours, transparency, orientation, size; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq.data.sources import Moments
from seq2seq.errors import UserError

Image = pytest.importorskip("PIL.Image", reason="needs the extra: images")

from seq2seq.data.sources.image import ImageReader  # noqa: E402

DRAWS = np.random.default_rng(1)
PIXELS = DRAWS.integers(0, 256, (6, 9, 3), np.uint8)


def saved(folder: Path, picture: object, name: str = "one.png", **options: object) -> str:
    path = folder / name
    picture.save(path, **options)  # type: ignore[attr-defined]
    return str(path)


def test_a_picture_is_its_pixels_from_0_to_1(tmp_path: Path) -> None:
    name = saved(tmp_path, Image.fromarray(PIXELS))
    np.testing.assert_allclose(ImageReader().grid(name), PIXELS / 255, atol=1e-6)


def test_a_patch_is_a_square_and_the_last_ones_repeat_the_edge(tmp_path: Path) -> None:
    name = saved(tmp_path, Image.fromarray(PIXELS))
    reader = ImageReader(patch=4, frequencies=0)
    reader.fit(Moments.of(name, reader.grid(name)))
    rows = reader.encode(name)
    assert rows.shape == (2 * 3, 4 * 4 * 3)
    assert reader.labels(name) == ["1,1", "1,2", "1,3", "2,1", "2,2", "2,3"]
    scaled = (PIXELS / 255 - (PIXELS / 255).mean((0, 1))) / (PIXELS / 255).std((0, 1))
    np.testing.assert_allclose(rows[0], scaled[:4, :4].ravel(), atol=1e-4)
    last = scaled[np.minimum(np.arange(4, 8), 5)][:, np.minimum(np.arange(8, 12), 8)]
    np.testing.assert_allclose(rows[-1], last.ravel(), atol=1e-4)


def test_a_larger_picture_is_made_smaller_in_proportion(tmp_path: Path) -> None:
    name = saved(tmp_path, Image.new("RGB", (100, 50), (255, 0, 51)))
    grid = ImageReader(pixels=20).grid(name)
    assert grid.shape == (10, 20, 3)
    np.testing.assert_allclose(grid, np.broadcast_to([1, 0, 0.2], grid.shape), atol=1e-6)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    clear.putpixel((0, 0), (255, 0, 0, 255))
    grid = ImageReader().grid(saved(tmp_path, clear))
    np.testing.assert_array_equal(grid[0, 0], [1, 0, 0])
    np.testing.assert_array_equal(grid[1, 1], [1, 1, 1])


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16", "LA"])
def test_every_kind_of_picture_has_the_channels_that_are_asked_for(
    tmp_path: Path, mode: str
) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.full((3, 4), 257 * 100, np.uint16))
    else:
        picture = Image.new("L", (4, 3), 100).convert(mode)
    name = saved(tmp_path, picture, "one.tiff")
    assert ImageReader().grid(name).shape == (3, 4, 3)
    grey = ImageReader(colour="grey").grid(name)
    assert grey.shape == (3, 4, 1)
    if mode != "1":  # black and white is dithered
        np.testing.assert_allclose(grey, 100 / 255, atol=0.02)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    picture = Image.fromarray(PIXELS)
    exif = picture.getexif()
    exif[0x0112] = 6  # turned a quarter: to be turned back clockwise
    name = saved(tmp_path, picture, exif=exif)
    expected = np.rot90(PIXELS, -1) / 255
    np.testing.assert_allclose(ImageReader().grid(name), expected, atol=1e-6)


def refused(name: str) -> str:
    with pytest.raises(UserError) as told:
        ImageReader().grid(name)
    assert "\n" not in str(told.value)
    assert Path(name).name in str(told.value)
    return str(told.value)


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("words")
    (tmp_path / "empty.png").write_bytes(b"")
    whole = Path(saved(tmp_path, Image.fromarray(PIXELS), "whole.png")).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "none that Pillow knows" in refused(str(tmp_path / "words.png"))
    assert "none that Pillow knows" in refused(str(tmp_path / "empty.png"))
    assert "cannot be read as a picture" in refused(str(tmp_path / "cut.png"))
    assert "no such file" in refused(str(tmp_path / "missing.png"))
    assert "found a folder" in refused(str(tmp_path))


def test_several_frames_and_a_huge_picture_are_refused(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (2, 2)), Image.new("RGB", (2, 2), "white")
    name = saved(tmp_path, first, "moving.gif", save_all=True, append_images=[second])
    assert "expected one picture, found 2 frames" in refused(name)
    huge = saved(tmp_path, Image.new("1", (11_000, 10_000)), "huge.png")
    assert "found 11,000 x 10,000" in refused(huge)


def test_pixels_of_32_bits_are_refused(tmp_path: Path) -> None:
    assert "32-bit" in refused(saved(tmp_path, Image.new("F", (2, 2)), "float.tiff"))
