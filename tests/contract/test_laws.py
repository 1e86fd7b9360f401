"""The laws of `seq2seq.conformance` over every attention unit, encoder and decoder: one table.

Shapes and sizes are those of the laws: B = 3 sentences of 7, 4 and 1 source tokens, T = 5; float64.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from seq2seq.config import AttentionConfig, ModelConfig
from seq2seq.conformance.laws import (
    LAWS,
    Case,
    Law,
    the_whole_graph_is_captured_by_torch_compile,
)
from seq2seq.kinds import option_names
from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS, build_attention
from seq2seq.model.decoders import DECODERS

UNITS: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "general"},
    {"kind": "additive", "size": 5},
    {"kind": "qkv", "size": 6},
    {"kind": "multihead", "size": 6, "heads": 3},
    {"kind": "sigma-pi", "rank": 5, "query_factors": 2},
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
RESIDUAL = {"residual": True}
CELLS_OF_FORERUNNERS: list[dict[str, Any]] = [
    {"kind": "deep-gru"},
    {"kind": "deep-gru", "transitions": 0, "norm": False},
    {"kind": "multiplicative"},
    {"kind": "multiplicative-lstm"},
    {"kind": "sigma-pi", "rank": 3},
    {"kind": "sigma-pi", "gate": "none"},
    {"kind": "hyper", "small": 3},
    {"kind": "hyper", "norm": False},
    {"kind": "fast-weights"},
    {"kind": "fast-weights", "recurrent": True, "heads": 2, "decay": "learned"},
    {"kind": "fast-weights", "gate": "update", "decay": "learned", "norm": "length"},
    {"kind": "fast-weights", "rule": "sum", "features": "elu", "norm": "length", "heads": 2},
    {"kind": "fast-associative", "inner": 2},
]
SELF_ATTENTION: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "qkv", "size": 5},
    {"kind": "multihead", "heads": 2},
    {"kind": "dot", "addressing": {"kind": "local-m", "window": 1}},
]
TRANSFORMERS: list[dict[str, Any]] = [
    {"norm": "pre"},
    {"norm": "post", "positions": "learnt", "max_positions": 6, "activation": "gelu"},
    {"norm": "pre", "positions": "none", "heads": 2, "ff": 5},
]
PERCEIVER = {"kind": "perceiver", "latents": 5, "heads": 2, "ff": 7, "bands": 2, "span": 9}
LATENT_UNITS: list[dict[str, Any]] = [
    {"cross_attention": {"kind": "additive", "size": 5}, "self_attention": "dot", "heads": None},
    {"cross_attention": {"kind": "general", "addressing": {"kind": "local-p", "window": 2}}},
    {"cross_attention": "location-aware", "self_attention": "coverage", "heads": None},
    {"cross_attention": {"kind": "cosine", "addressing": "ntm"}, "self_layers": 0},
]
NOT_FOR_SELF = ("location", "none")
RECURRENT = [kind for kind in DECODERS if "cell" in option_names(DECODERS[kind])]
MACHINES: dict[str, dict[str, Any]] = {
    "ntm": {"kind": "ntm", "slots": 5, "width": 3, "reads": 2},
    "dnc": {"kind": "dnc", "slots": 5, "width": 3, "reads": 2, "controller": "gru"},
    "dnc of Franke et al.": {"kind": "dnc", "slots": 5, "width": 3, "links": False, "norm": True},
}
WRITES_TWICE = {**MACHINES["ntm"], "controller": "feed-forward", "writes": 2}


def handed_over(unit: str, decoder: str, cell: Any, layers: int = 2) -> Case:
    """A network whose decoder's cells go on from the states of the encoder's."""
    cells = {"cell": cell, "layers": layers}
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
    *(Case(UNITS[2], {"kind": kind, "cell": "lstm"}, {"kind": "lstm"}) for kind in RECURRENT),
    *(Case(UNITS[1], {"kind": kind, "layers": 2}, {"layers": 2}) for kind in DECODERS),
    Case(UNITS[1], {"kind": "luong", "layers": 2, "input_feeding": True}, {"layers": 2}),
    *(
        Case(
            UNITS[1], {"kind": kind, "layers": 3, "residual": True}, {"layers": 2, "residual": True}
        )
        for kind in ("luong", "bahdanau", "conditional")
    ),
    Case(UNITS[1], {"kind": "luong", "layers": 2, "input_feeding": True, "residual": True}),
    *(Case(UNITS[3], {"kind": "luong", "bridge": bridge}) for bridge in ("mean", "copy", "zero")),
    *(Case(unit, {"kind": "stacked", "layers": 2}) for unit in (*UNITS, *ADDRESSED)),
    *(handed_over("none", "luong", cell) for cell in ("gru", "lstm")),
    *(
        Case(UNITS[1], {"kind": decoder, "cell": cell}, {"cell": cell})
        for cell in CELLS_OF_FORERUNNERS
        for decoder in ("luong", "bahdanau")
    ),
    *(handed_over("general", "luong", cell) for cell in CELLS_OF_FORERUNNERS),
    *(handed_over("general", kind, "gru") for kind in ("bahdanau", "conditional", "stacked")),
    *(handed_over("none", "luong", machine, layers=1) for machine in MACHINES.values()),
    *(
        Case(UNITS[1], {"kind": kind, "cell": machine})
        for machine in MACHINES.values()
        for kind in ("luong", "bahdanau", "conditional")
    ),
    *(Case(UNITS[1], {"kind": "luong"}, {"cell": machine}) for machine in MACHINES.values()),
    Case(UNITS[1], {"kind": "bahdanau", "cell": WRITES_TWICE}),
    Case(UNITS[3], {"kind": "bahdanau", "readout": "maxout"}, {"bidirectional": False, "size": 8}),
    Case(UNITS[3], {"kind": "luong"}, {"bidirectional": False, "reverse": True, "layers": 2}),
    *(Case(unit, {"kind": "transformer"}) for unit in UNITS if unit["kind"] in NOT_FOR_SELF),
    *(
        Case(unit, {"kind": "transformer", "self_attention": unit})
        for unit in (*UNITS, *ADDRESSED)
        if unit["kind"] not in NOT_FOR_SELF
    ),
    *(
        Case(
            {"kind": "multihead", "size": 6, "heads": 2, "bias": True},
            {"kind": "transformer", "layers": 2, **settings},
            {"kind": "transformer", "layers": 2, **settings},
        )
        for settings in TRANSFORMERS
    ),
    *(Case(UNITS[4], {"kind": kind}, {"kind": "transformer"}) for kind in DECODERS),
    *(Case(UNITS[1], {"kind": kind}, PERCEIVER) for kind in DECODERS),
    *(Case(UNITS[3], {"kind": "luong"}, {**PERCEIVER, **units}) for units in LATENT_UNITS),
    Case(ADDRESSED[5], {"kind": "luong"}, {**PERCEIVER, "self_layers": 2}),
    Case(
        UNITS[4],
        {"kind": "bahdanau"},
        {"kind": "perceiver", "blocks": 1, "positions": "sinusoidal", "share": False},
    ),
    *(
        Case(UNITS[1], {"kind": "transformer"}, {"kind": "transformer", "self_attention": unit})
        for unit in SELF_ATTENTION
    ),
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


def rows() -> Iterator[Any]:
    """Every law with every case; a capture takes a second, so most of them are slow together."""
    for law in LAWS:
        for number, case in enumerate(CASES):
            slow = law is the_whole_graph_is_captured_by_torch_compile and number % 4
            marks = [pytest.mark.slow] if slow else []
            yield pytest.param(law, case, marks=marks, id=f"{law.__name__}-{case}")


@pytest.mark.parametrize(("law", "case"), list(rows()))
def test_it_holds_that(law: Law, case: Case) -> None:
    law(case)


def test_an_unknown_option_of_a_unit_is_refused_with_what_it_takes() -> None:
    config = ModelConfig.model_validate({"attention": {"kind": "additive", "sise": 4}})
    with pytest.raises(ValueError, match=r"sise.*takes size.*did you mean 'size'"):
        build_attention(config.attention, 8, 8)
