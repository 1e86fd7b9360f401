"""From what a decoder knows at a step to the features of the next token."""

import torch
from torch import Tensor, nn

from seq2seq.kernels.deferred import Linear


class Readout(nn.Module):
    """Features of the next token: tanh, or maxout over pairs, of a layer over all parts together.

    -- tanh: Luong et al. 2015, equation 5; maxout: Bahdanau et al. 2015, A.2.2.

    Shapes: B batch, T steps, X the size of each part.
    """

    def __init__(self, kind: str, parts: int, size: int) -> None:
        super().__init__()
        self.pieces = 2 if kind == "maxout" else 1
        self.linear = Linear(parts, self.pieces * size)

    def forward(self, *parts_BTX: Tensor) -> Tensor:
        """Return features_BTF of the parts, concatenated in the order given."""
        return self.squash(self.linear(torch.cat(parts_BTX, -1)))

    def squash(self, mixed: Tensor) -> Tensor:
        """Return the features of what the layer gives."""
        if self.pieces == 1:
            return mixed.tanh()
        return mixed.unflatten(-1, (-1, self.pieces)).amax(-1)
