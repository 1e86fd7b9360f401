"""The decoders, by the name that `model.decoder.kind` gives them."""

from seq2seq.config import DecoderConfig
from seq2seq.kinds import DECODERS
from seq2seq.model.contract import Decoder, Surroundings
from seq2seq.model.parts import build

__all__ = ["DECODERS", "Decoder", "build_decoder"]


def build_decoder(config: DecoderConfig, surroundings: Surroundings) -> Decoder:
    """Return the decoder that `config` names."""
    return build(DECODERS, config, "model.decoder", surroundings)
