"""The attention units, by the name that `model.attention.kind` gives them, and the addressings."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError, create_model

from seq2seq.config import AttentionConfig, Part, UnitConfig
from seq2seq.errors import UserError, did_you_mean
from seq2seq.model.attention.bahdanau import Additive
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
from seq2seq.model.attention.controls import NoAttention, Uniform
from seq2seq.model.attention.hard import Stochastic, StraightThrough
from seq2seq.model.attention.local import LocalMonotonic, LocalPredictive
from seq2seq.model.attention.location import Coverage, Location, LocationAware
from seq2seq.model.attention.luong import Dot, General
from seq2seq.model.attention.ntm import NTM, Cosine
from seq2seq.model.attention.qkv import QKV, MultiHead
from seq2seq.model.attention.sparse import Entmax, Sparsemax

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

ATTENTIONS: dict[str, type[Attention]] = {
    "dot": Dot,
    "general": General,
    "concat": Additive,
    "additive": Additive,
    "qkv": QKV,
    "multihead": MultiHead,
    "cosine": Cosine,
    "location": Location,
    "location-aware": LocationAware,
    "coverage": Coverage,
    "uniform": Uniform,
    "none": NoAttention,
}

ADDRESSINGS: dict[str, type[Addressing]] = {
    "softmax": Softmax,
    "sparsemax": Sparsemax,
    "entmax": Entmax,
    "local-m": LocalMonotonic,
    "local-p": LocalPredictive,
    "hard": Stochastic,
    "gumbel": StraightThrough,
    "ntm": NTM,
}


def build_attention(
    config: AttentionConfig,
    query_size: int,
    memory_size: int,
    *,
    token_size: int | None = None,
    key: str = "model.attention",
) -> Attention:
    """Return the unit that `config` names, with its options checked against its `__init__`.

    `token_size` is that of the decoder's input tokens, None where there are none to read; `key`
    says in messages where `config` stands.
    """
    unit = _chosen(ATTENTIONS, config, key, f"an addressing: set {key}.addressing", ADDRESSINGS)
    if unit.reads_token:
        if token_size is None:
            raise UserError(f"{key}: kind {config.kind} reads the decoder's tokens: none here")
        query_size += token_size
    attention = unit(query_size, memory_size, **_checked_options(unit, config, key))
    unit_key, key = key, f"{key}.addressing"
    addressing = _chosen(
        ADDRESSINGS, config.addressing, key, f"an attention unit: set {unit_key}", ATTENTIONS
    )
    if addressing is not Softmax and not attention.heads:
        raise UserError(f"{key}: kind {config.kind} has no weights to address")
    options = _checked_options(addressing, config.addressing, key)
    attention.addressing = addressing(query_size, attention.heads, **options)
    return attention


Unit = TypeVar("Unit", bound=Attention | Addressing)


def _chosen(
    units: Mapping[str, type[Unit]],
    config: UnitConfig,
    key: str,
    elsewhere: str,
    others: Collection[str],
) -> type[Unit]:
    """The unit that `config` names; one of the `others` gets the hint where it belongs."""
    unit = units.get(config.kind)
    if unit is None:
        hint = did_you_mean(config.kind, units)
        if config.kind in others:
            hint = f"; {config.kind} is {elsewhere}={config.kind}"
        raise UserError(
            f"{key}.kind: expected one of {', '.join(units)}, found {config.kind!r}{hint}"
        )
    return unit


def _checked_options(unit: type[Unit], config: UnitConfig, key: str) -> dict[str, Any]:
    """The options given, converted to the annotated types of the unit's keyword-only arguments."""
    parameters = inspect.signature(unit, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is p.empty else p.default)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
    schema = create_model(unit.__name__, __base__=Part, **fields)
    try:
        return schema.model_validate(config.options).model_dump(include=set(config.options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        where = f"{key}.{name}"
        if first["type"] == "extra_forbidden":
            known = ", ".join(fields) or "no options"
            raise UserError(
                f"{where}: unknown option of kind {config.kind}, which takes {known}"
                f"{did_you_mean(name, fields)}"
            ) from None
        if first["type"] == "value_error":
            raise UserError(f"{where}: {first['ctx']['error']}") from None
        expected = first["msg"].replace("Input should be", "expected")
        raise UserError(f"{where}: {expected}, found {first['input']!r}") from None
