"""The laws of `seq2seq.conformance` over every attention unit, encoder and decoder: one table.

Shapes and sizes are those of the laws: B = 3 sentences of 7, 4 and 1 source tokens, T = 5; float64.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from seq2seq.config import AttentionConfig, ModelConfig
from seq2seq.conformance.laws import LAWS, Case, Law
from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS, build_attention
from seq2seq.model.decoders import DECODERS

UNITS: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "general"},
    {"kind": "additive", "size": 5},
    {"kind": "qkv", "size": 6},
    {"kind": "multihead", "size": 6, "heads": 3},
    {"kind": "cosine"},
    {"kind": "location", "positions": 9},
    {"kind": "location-aware", "size": 5, "filters": 3, "width": 3},
    {"kind": "coverage", "size": 5},
    {"kind": "uniform"},
    {"kind": "none"},
]
ADDRESSED: list[dict[str, Any]] = [
    {"kind": "concat", "addressing": "sparsemax"},
    {"kind": "general", "addressing": "entmax"},
    {"kind": "general", "addressing": {"kind": "local-m", "window": 1}},
    {"kind": "general", "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "multihead", "size": 6, "heads": 2, "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "additive", "addressing": "hard"},
    {"kind": "qkv", "addressing": "gumbel"},
    {"kind": "cosine", "addressing": "ntm"},
    {"kind": "coverage", "addressing": "ntm"},
    {"kind": "multihead", "size": 6, "heads": 2, "addressing": "ntm"},
]
SELF_ATTENTION: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "qkv", "size": 5},
    {"kind": "multihead", "heads": 2},
    {"kind": "dot", "addressing": {"kind": "local-m", "window": 1}},
]


def handed_over(unit: str, decoder: str, cell: str) -> Case:
    """A network of two layers whose decoder's cells go on from the states of the encoder's."""
    cells = {"cell": cell, "layers": 2}
    encoder = {"kind": "recurrent", "size": 8, "bidirectional": False}
    return Case({"kind": unit}, {"kind": decoder, "bridge": "state", **cells}, {**encoder, **cells})


CASES = [
    *(Case(unit, {"kind": "luong"}) for unit in UNITS),
    *(Case(unit, {"kind": "luong", "input_feeding": True}) for unit in UNITS),
    *(Case(unit, {"kind": "bahdanau"}) for unit in UNITS),
    *(Case(unit, {"kind": "conditional"}) for unit in UNITS),
    *(Case(unit, {"kind": "luong"}) for unit in ADDRESSED),
    *(Case(unit, {"kind": "conditional"}) for unit in ADDRESSED),
    *(Case(UNITS[1], {"kind": "luong"}, {"self_attention": unit}) for unit in SELF_ATTENTION),
    Case(
        UNITS[1],
        {"kind": "luong"},
        {"self_attention": {"kind": "qkv"}, "self_residual": True},
    ),
    *(Case(UNITS[2], {"kind": kind, "cell": "lstm"}, {"kind": "lstm"}) for kind in DECODERS),
    *(Case(UNITS[1], {"kind": kind, "layers": 2}, {"layers": 2}) for kind in DECODERS),
    Case(UNITS[1], {"kind": "luong", "layers": 2, "input_feeding": True}, {"layers": 2}),
    *(Case(UNITS[3], {"kind": "luong", "bridge": bridge}) for bridge in ("mean", "copy", "zero")),
    *(Case(unit, {"kind": "stacked", "layers": 2}) for unit in (*UNITS, *ADDRESSED)),
    *(handed_over("none", "luong", cell) for cell in ("gru", "lstm")),
    *(handed_over("general", kind, "gru") for kind in ("bahdanau", "conditional", "stacked")),
    Case(UNITS[3], {"kind": "bahdanau", "readout": "maxout"}, {"bidirectional": False, "size": 8}),
]


@pytest.fixture(scope="module", autouse=True)
def _frozen_garbage() -> Iterator[None]:
    """Spare the collector what is there already: capture makes it run often, torch makes it long.

    A capture took 0.81 s with, 0.67 s without (mean of 14 cases, one thread of two busy cores).
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_table_has_every_unit_every_addressing_and_every_decoder() -> None:
    units = [AttentionConfig.model_validate(case.attention) for case in CASES]
    assert {unit.kind for unit in units} == set(ATTENTIONS)
    assert {unit.addressing.kind for unit in units} == set(ADDRESSINGS)
    assert {case.decoder["kind"] for case in CASES} == set(DECODERS)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_it_holds_that(law: Law, case: Case) -> None:
    law(case)


def test_an_unknown_option_of_a_unit_is_refused_with_what_it_takes() -> None:
    config = ModelConfig.model_validate({"attention": {"kind": "additive", "sise": 4}})
    with pytest.raises(ValueError, match=r"sise.*takes size.*did you mean 'size'"):
        build_attention(config.attention, 8, 8)
