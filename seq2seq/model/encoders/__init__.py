"""The encoders, by the name that `model.encoder.kind` gives them."""

from seq2seq.config import EncoderConfig
from seq2seq.kinds import ENCODERS
from seq2seq.model.contract import Encoder
from seq2seq.model.parts import build

__all__ = ["ENCODERS", "Encoder", "build_encoder"]


def build_encoder(config: EncoderConfig, embedding: int, dropout: float) -> Encoder:
    """Return the encoder that `config` names, which reads embeddings of the given size."""
    return build(ENCODERS, config, "model.encoder", embedding, dropout)
