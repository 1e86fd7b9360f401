"""The encoder's last word to the decoder: the first state of every recurrent layer."""

from collections.abc import Sequence

from torch import Tensor, nn

from seq2seq.config import DecoderConfig, EncoderConfig
from seq2seq.errors import UserError
from seq2seq.model.contract import Cell, Encoded, Encoder, Tree


class Bridge(nn.Module):
    """The first state of each recurrent layer of the decoder.

    Made of one vector a layer: `last` is tanh(W h), h what each direction knew at its end
    -- Bahdanau et al. 2015, A.2.2; `mean` takes the mean of all states for h -- Sennrich et al.
    2017; `copy` takes h itself; `zero` starts from nothing. With `state` each layer goes on from
    the last state of the encoder's layer, whole -- Sutskever et al. 2014.

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

    @property
    def continues(self) -> bool:
        """Whether the layers go on from the encoder's states."""
        return self.kind == "state"

    def start(self, cells: Sequence[Cell], encoded: Encoded) -> tuple[Tree, ...]:
        """Return the first state of each cell, from the lowest layer up."""
        if self.continues:
            return encoded.states
        initial = self(encoded)
        return tuple(cell.start(vector) for cell, vector in zip(cells, initial, strict=True))

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


def check_handover(encoder: Encoder, config: EncoderConfig, decoder: DecoderConfig) -> None:
    """Raise UserError unless the decoder's cells can go on from the states of the encoder's."""
    if not encoder.has_states:
        raise UserError(
            "model.decoder.bridge state hands over the states of cells, of which "
            f"model.encoder.kind {config.kind} has none; bridge last fits any encoder"
        )
    if config.bidirectional:
        raise UserError(
            "model.decoder.bridge state needs an encoder of one direction: "
            "set model.encoder.bidirectional=false, or take bridge last"
        )
    for name in ("cell", "size", "layers"):
        ours, theirs = getattr(decoder, name), getattr(config, name)
        if ours != theirs:
            raise UserError(
                f"model.decoder.bridge state needs one {name} in encoder and decoder, found "
                f"model.encoder.{name} {_shown(theirs)} and model.decoder.{name} {_shown(ours)}; "
                "bridge last fits any"
            )


def _shown(value: object) -> str:
    """A setting as an override gives it."""
    kind = getattr(value, "kind", value)
    options = {**getattr(value, "options", {})}
    return f"{kind} {options}" if options else f"{kind}"
