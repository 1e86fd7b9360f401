"""The encoder's last word to the decoder: the first state of every recurrent layer."""

from torch import Tensor, nn

from seq2seq.errors import UserError
from seq2seq.model.contract import Encoded


class Bridge(nn.Module):
    """A vector for each recurrent layer of the decoder, to start it.

    `last` is tanh(W h), h what each direction knew at its end -- Bahdanau et al. 2015, A.2.2;
    `mean` takes the mean of all states for h -- Sennrich et al. 2017; `copy` takes h itself;
    `zero` starts from nothing.

    Shapes: B batch, E memory size, L layers, X size of the vector that starts a cell.
    """

    def __init__(self, kind: str, memory_size: int, layers: int, size: int) -> None:
        super().__init__()
        self.kind = kind
        self.shape = (layers, size)
        if kind == "copy" and memory_size != size:
            raise UserError(
                "model.decoder.bridge copy needs encoder and decoder states of one size, "
                f"found encoder {memory_size} and decoder {size}; bridge last fits any"
            )
        self.linear = nn.Linear(memory_size, layers * size) if kind in ("last", "mean") else None

    def forward(self, encoded: Encoded) -> tuple[Tensor, ...]:
        """Return initial_BX of each layer."""
        return self._initial(encoded).unbind(1)

    def _initial(self, encoded: Encoded) -> Tensor:
        """Return initial_BLX."""
        if self.kind == "zero":
            return encoded.states_BSE.new_zeros(encoded.mask_BS.size(0), *self.shape)
        source_BE = encoded.mean_BE() if self.kind == "mean" else encoded.final
        assert isinstance(source_BE, Tensor)
        if self.linear is not None:
            return self.linear(source_BE).tanh().unflatten(-1, self.shape)
        return source_BE.unsqueeze(1).expand(-1, self.shape[0], -1)
