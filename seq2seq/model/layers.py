"""What layers of attention have beside it: norms, and an MLP at each position alone."""

from typing import Literal

from torch import Tensor, nn

from seq2seq.kernels.deferred import Linear

Activation = Literal["relu", "gelu"]


class LayerNorm(nn.LayerNorm):
    """Each vector less its mean, over its deviation -- Ba, Kiros and Hinton 2016."""

    def initialise(self) -> None:
        """Begin with gains of 1 and shifts of 0."""
        self.reset_parameters()


class FeedForward(nn.Module):
    """W2 f(W1 x + b1) + b2 at each position -- Vaswani et al. 2017, 3.3, where f is relu."""

    def __init__(self, size: int, inner: int, activation: Activation = "relu") -> None:
        super().__init__()
        self.widen = Linear(size, inner)
        self.activation = nn.ReLU() if activation == "relu" else nn.GELU()
        self.narrow = Linear(inner, size)

    def forward(self, input: Tensor) -> Tensor:
        """Return vectors of the same size."""
        return self.narrow(self.activation(self.widen(input)))
