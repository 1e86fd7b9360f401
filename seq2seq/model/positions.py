"""Where something stands, as features: attention alone knows of no order.

Shapes: S positions, A axes, K bands, P features.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def fourier_features(places_SA: Tensor, bands: int, rates: Sequence[float]) -> Tensor:
    """Return features_SP, P = A (2 K + 1), of places from -1 to 1 -- Jaegle et al. 2021, 3.2.

    For a place x on an axis these are sin(f pi x) and cos(f pi x) for the K = `bands` frequencies f
    spread evenly from 1 to half the rate, and x itself. `rates` has each axis's number of positions
    from -1 to 1: half of it is the highest frequency that so many can show (Nyquist's).
    """
    features = []
    for place_S, rate in zip(places_SA.unbind(-1), rates, strict=True):
        frequencies_K = torch.linspace(
            1, rate / 2, bands, dtype=place_S.dtype, device=place_S.device
        )
        angles_SK = place_S.unsqueeze(-1) * (math.pi * frequencies_K)
        features += [angles_SK.sin(), angles_SK.cos(), place_S.unsqueeze(-1)]
    return torch.cat(features, -1)
