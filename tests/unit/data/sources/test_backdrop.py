"""Pictures of sources, and which position each pixel belongs to, against loops."""

import numpy as np
import pytest

from seq2seq.data.sources.backdrop import backdrop_of
from seq2seq.data.sources.grids import patches

DRAWS = np.random.default_rng(1)


def test_a_pixel_of_a_picture_belongs_to_the_patch_that_holds_it() -> None:
    grid = DRAWS.random((5, 7, 3)).astype(np.float32)
    found = backdrop_of(grid, (2, 3))
    np.testing.assert_array_equal(found.pixels_YX3, np.round(grid * 255))
    rows = patches(grid, (2, 3))
    for y in range(5):
        for x in range(7):
            assert found.positions_YX[y, x] == (y // 2) * 3 + x // 3
            assert set(grid[y, x]) <= set(rows[found.positions_YX[y, x]])


def test_frames_of_a_film_stand_side_by_side() -> None:
    grid = DRAWS.integers(2, 255, (3, 4, 2, 3)).astype(np.float32)
    found = backdrop_of(grid, (2, 2, 2))
    assert found.pixels_YX3.shape == (4, 6, 3)
    for frame in range(3):
        np.testing.assert_array_equal(found.pixels_YX3[:, 2 * frame : 2 * frame + 2], grid[frame])
        assert found.positions_YX[3, 2 * frame] == (frame // 2) * 2 + 1


def test_rows_are_columns_with_their_channels_from_below() -> None:
    grid = np.array([[-1, 0, 1], [3, -5, 3]], np.float32)
    found = backdrop_of(grid, (1,))
    grey = np.round((grid - -5) / 8 * 255)
    np.testing.assert_array_equal(found.pixels_YX3[:, :, 1], [grey[:, 2], grey[:, 1], grey[:, 0]])
    np.testing.assert_array_equal(found.positions_YX, [[0, 1]] * 3)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_numbers_of_channels_are_grey(channels: int) -> None:
    found = backdrop_of(np.full((2, 2, channels), 0.2, np.float32), (1, 1))
    assert np.unique(found.pixels_YX3).tolist() == [51]


def test_the_greatest_weight_lights_its_patch_fully_and_none_leaves_a_fifth() -> None:
    found = backdrop_of(np.full((2, 4, 3), 1, np.float32), (2, 2))
    lit = found.lit(np.array([0.0, 0.4]))
    assert lit[:, :2].tolist() == [[[51] * 3] * 2] * 2
    assert lit[:, 2:].tolist() == [[[255] * 3] * 2] * 2
