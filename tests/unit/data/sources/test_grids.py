"""Patches and positions against loops over the paper's words."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from seq2seq.data.sources.grids import patch_counts, patches, positions
from seq2seq.model.positions import fourier_features


@pytest.mark.parametrize(
    ("shape", "cell"), [((5,), (1,)), ((7,), (3,)), ((5, 7), (2, 3)), ((3, 4, 5), (2, 2, 4))]
)
def test_a_patch_holds_its_own_numbers_row_by_row_and_the_edge_goes_on(
    shape: tuple[int, ...], cell: tuple[int, ...]
) -> None:
    grid = np.random.default_rng(1).normal(size=(*shape, 2)).astype(np.float32)
    counts = [math.ceil(n / size) for n, size in zip(shape, cell, strict=True)]
    expected = []
    for patch in product(*map(range, counts)):
        numbers: list[float] = []
        for inside in product(*map(range, cell)):
            place = tuple(
                min(at * size + step, n - 1)
                for at, size, step, n in zip(patch, cell, inside, shape, strict=True)
            )
            numbers += grid[place].tolist()
        expected.append(numbers)
    assert patch_counts(grid, cell) == tuple(counts)
    np.testing.assert_array_equal(patches(grid, cell), expected)


@pytest.mark.parametrize("counts", [(1,), (4,), (2, 3)])
def test_a_place_has_itself_and_its_sines_and_cosines_along_each_axis(
    counts: tuple[int, ...],
) -> None:
    expected = []
    for place in product(*map(range, counts)):
        row: list[float] = []
        for index, count in zip(place, counts, strict=True):
            x = -1 + 2 * index / (count - 1) if count > 1 else 0.0
            row += [math.sin(k * math.pi * x) for k in (1, 2, 3)]
            row += [*(math.cos(k * math.pi * x) for k in (1, 2, 3)), x]
        expected.append(row)
    np.testing.assert_allclose(positions(counts, 3), expected, atol=1e-6)


def test_positions_are_those_of_the_model_s_own_function() -> None:
    places_SA = torch.cartesian_prod(torch.linspace(-1, 1, 3), torch.linspace(-1, 1, 4))
    expected = fourier_features(places_SA, 5, (10, 10))
    np.testing.assert_allclose(positions((3, 4), 5), expected.numpy(), atol=1e-5)


def test_no_frequencies_are_no_positions() -> None:
    assert positions((2, 3), 0).shape == (6, 0)
