"""What the encoder reads of a source: embeddings of its ids, or a projection of its features.

Shapes: B batch, S source positions, F features, I embedding size.
"""

from torch import Tensor, nn

from seq2seq.data.sources import Features
from seq2seq.kernels.deferred import Linear
from seq2seq.model.embedding import Embedding

__all__ = ["Features", "Projection", "source_embedding"]


class Projection(nn.Module):
    """Rows of features -> vectors of the size of an embedding: one linear layer."""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.features = features
        self.linear = Linear(features, size)

    def forward(self, source_BSF: Tensor) -> Tensor:
        """Return embedded_BSI."""
        return self.linear(source_BSF.to(self.linear.weight.dtype))


def source_embedding(vocabulary: int | Features, size: int) -> Embedding | Projection:
    """Return what makes vectors of a source: of ids of a vocabulary, or of rows of features."""
    if isinstance(vocabulary, Features):
        return Projection(vocabulary.size, size)
    return Embedding(vocabulary, size)
