"""Positions as features, by arithmetic on paper."""

import math

import numpy as np
import torch

from seq2seq.model.positions import fourier_features


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
