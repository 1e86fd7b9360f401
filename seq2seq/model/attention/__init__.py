"""The attention units, by the name that `model.attention.kind` gives them, and the addressings."""

from seq2seq.config import AttentionConfig
from seq2seq.errors import UserError
from seq2seq.kinds import ADDRESSINGS, ATTENTIONS
from seq2seq.model.attention.contract import (
    Addressing,
    Attended,
    Attention,
    AttentionState,
    Choices,
    Memory,
    Softmax,
    join,
    join_choices,
)
from seq2seq.model.parts import build, chosen

__all__ = [
    "ADDRESSINGS",
    "ATTENTIONS",
    "Addressing",
    "Attended",
    "Attention",
    "AttentionState",
    "Choices",
    "Memory",
    "build_attention",
    "join",
    "join_choices",
]


def build_attention(
    config: AttentionConfig,
    query_size: int,
    memory_size: int,
    *,
    token_size: int | None = None,
    positions: bool = True,
    key: str = "model.attention",
) -> Attention:
    """Return the unit that `config` names, with its options checked against its `__init__`.

    `token_size` is that of the decoder's input tokens, None where there are none to read;
    `positions` says whether the memory has any, or is of latents; `key` says in messages where
    `config` stands.
    """
    kind: type[Attention] = chosen(ATTENTIONS, config, key)
    if kind.needs_positions and not positions:
        raise UserError(_needs_positions(key, config.kind, "general or multihead"))
    if kind.reads_token:
        if token_size is None:
            raise UserError(
                f"{key}: kind {config.kind} reads the decoder's tokens and cannot be used for "
                "self-attention"
            )
        query_size += token_size
    attention: Attention = build(ATTENTIONS, config, key, query_size, memory_size)
    addressing: type[Addressing] = chosen(ADDRESSINGS, config.addressing, f"{key}.addressing")
    if addressing is not Softmax and not attention.heads:
        raise UserError(f"{key}.addressing: kind {config.kind} has no weights to address")
    if addressing.needs_positions and not positions:
        raise UserError(_needs_positions(f"{key}.addressing", config.addressing.kind, "softmax"))
    attention.addressing = build(
        ADDRESSINGS, config.addressing, f"{key}.addressing", query_size, attention.heads
    )
    return attention


def _needs_positions(key: str, kind: str, other: str) -> str:
    return (
        f"{key}: kind {kind} goes by positions in the source, and the encoder's latents have none; "
        f"try {other}, or another encoder"
    )
