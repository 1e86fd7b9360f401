"""Positions as features and the parts beside attention, by arithmetic on paper."""

import math

import numpy as np
import pytest
import torch

from seq2seq.model.layers import FeedForward, LayerNorm
from seq2seq.model.parts import initialise
from seq2seq.model.positions import fourier_features, grid_places, sinusoids


def test_sinusoids_are_those_of_the_paper_number_by_number() -> None:
    size = 5  # odd: the last one is a sine without its cosine
    found_SP = sinusoids(torch.arange(7, dtype=torch.float64), size)
    for position in range(7):
        for feature in range(size):
            angle = position / 10000 ** (2 * (feature // 2) / size)
            expected = math.sin(angle) if feature % 2 == 0 else math.cos(angle)
            assert found_SP[position, feature] == pytest.approx(expected, abs=1e-6)


def test_fourier_features_are_those_of_the_paper_number_by_number() -> None:
    places_SA = torch.tensor([[-1.0, 0.5], [0.25, 1.0], [0.0, -0.75]], dtype=torch.float64)
    found_SP = fourier_features(places_SA, bands=3, rates=(8, 12))
    assert found_SP.shape == (3, 2 * (2 * 3 + 1))
    for row, (x, y) in zip(found_SP.numpy(), places_SA.tolist(), strict=True):
        frequencies_x, frequencies_y = (1, 2.5, 4), (1, 3.5, 6)  # up to half the rate
        expected = [
            *(math.sin(math.pi * f * x) for f in frequencies_x),
            *(math.cos(math.pi * f * x) for f in frequencies_x),
            x,
            *(math.sin(math.pi * f * y) for f in frequencies_y),
            *(math.cos(math.pi * f * y) for f in frequencies_y),
            y,
        ]
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_the_cells_of_a_grid_go_from_corner_to_corner() -> None:
    expected = [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]
    assert grid_places((2, 3)).tolist() == expected
    assert grid_places((3,)).tolist() == [[-1], [0], [1]]


def test_a_norm_begins_with_gains_of_one() -> None:
    norm = LayerNorm(4)
    initialise(norm)
    row = torch.tensor([1.0, 2.0, 3.0, 6.0])  # mean 3, deviation sqrt(14 / 4)
    expected = (row - 3) / math.sqrt(14 / 4)
    torch.testing.assert_close(norm(row), expected, atol=1e-5, rtol=1e-5)


def test_the_feed_forward_layer_is_two_products_around_its_function() -> None:
    layer = FeedForward(2, 3)
    with torch.no_grad():
        layer.widen.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
        layer.widen.bias.copy_(torch.tensor([0.0, -1.0, 0.5]))
        layer.narrow.weight.copy_(torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]]))
        layer.narrow.bias.copy_(torch.tensor([0.0, 10.0]))
    # f = relu of (1, 2 - 1, 0.5 - 3) = (1, 1, 0)
    torch.testing.assert_close(layer(torch.tensor([1.0, 2.0])), torch.tensor([3.0, 11.0]))
