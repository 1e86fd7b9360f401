"""The attention units, by the name that `model.attention.kind` gives them."""

import inspect
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from seq2seq.config import AttentionConfig
from seq2seq.errors import UserError, did_you_mean
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.attention.contract import Attended, Attention, AttentionState, Memory
from seq2seq.model.attention.luong import Dot, General
from seq2seq.model.attention.none import NoAttention
from seq2seq.model.attention.qkv import QKV, MultiHead

__all__ = ["ATTENTIONS", "Attended", "Attention", "AttentionState", "Memory", "build_attention"]

ATTENTIONS: dict[str, type[Attention]] = {
    "dot": Dot,
    "general": General,
    "additive": Additive,
    "qkv": QKV,
    "multihead": MultiHead,
    "none": NoAttention,
}


def build_attention(config: AttentionConfig, query_size: int, memory_size: int) -> Attention:
    """Return the unit that `config` names, with its options checked against its `__init__`."""
    unit = ATTENTIONS.get(config.kind)
    if unit is None:
        known = ", ".join(ATTENTIONS)
        hint = did_you_mean(config.kind, ATTENTIONS)
        raise UserError(
            f"model.attention.kind: expected one of {known}, found {config.kind!r}{hint}"
        )
    return unit(query_size, memory_size, **_checked_options(unit, config))


def _checked_options(unit: type[Attention], config: AttentionConfig) -> dict[str, Any]:
    """The options given, converted to the annotated types of the unit's keyword-only arguments."""
    parameters = inspect.signature(unit, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is p.empty else p.default)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
    schema = create_model(unit.__name__, __config__=ConfigDict(extra="forbid"), **fields)
    try:
        return schema.model_validate(config.options).model_dump(include=set(config.options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        where = f"model.attention.{name}"
        if first["type"] == "extra_forbidden":
            known = ", ".join(fields) or "no options"
            raise UserError(
                f"{where}: unknown option of kind {config.kind}, which takes {known}"
                f"{did_you_mean(name, fields)}"
            ) from None
        raise UserError(f"{where}: {first['msg']}, found {first['input']!r}") from None
