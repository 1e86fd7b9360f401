"""Dropout that draws quickly on the CPU -- Srivastava et al. 2014 -- and of whole words."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEVELS = 2**16


class Dropout(nn.Module):
    """Zero each element with probability p in training, and scale the others by 1 / (1 - p).

    On the CPU torch draws one number for each element; here 64 random bits decide on four, so that
    p is rounded to a multiple of 2^-16.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with some elements dropped."""
        if not self.training or not self.p:
            return input
        if input.device.type != "cpu" or torch.compiler.is_compiling():
            return functional.dropout(input, self.p)
        bits = torch.empty((input.numel() + 3) // 4, dtype=torch.long).random_(-(2**63), None)
        dropped = min(round(self.p * _LEVELS), _LEVELS - 1)
        kept = bits.view(torch.int16)[: input.numel()] >= dropped - _LEVELS // 2
        scale = _LEVELS / (_LEVELS - dropped)
        return input * kept.view(input.shape).to(input.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """Return p."""
        return f"p={self.p}"


class WordDropout(nn.Module):
    """Zero whole vectors with probability p in training, and scale the others by 1 / (1 - p).

    -- Gal and Ghahramani 2016, section 4.1; Sennrich and Zhang 2019, section 3.1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropout = Dropout(p)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the vectors, along the last axis, some of them zero."""
        if not self.training or not self.dropout.p:
            return vectors
        kept: Tensor = self.dropout(vectors.new_ones(*vectors.shape[:-1], 1))
        return vectors * kept
