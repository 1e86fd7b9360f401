"""An exported model translates as the model does, for every way that state is carried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.config import DecodingConfig, ModelConfig, TokenizerConfig
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.errors import UserError
from seq2seq.inference.translator import Translator
from seq2seq.model.attention import ATTENTIONS, AttentionState, Memory
from seq2seq.model.attention.luong import Dot
from seq2seq.model.model import Seq2Seq
from seq2seq.translation.texts import TextSettings

pytest.importorskip("onnx", reason="needs the extra: onnx")
pytest.importorskip("onnxruntime", reason="needs the extra: onnx")

from seq2seq.export.graphs import write_graphs
from seq2seq.export.network import Network
from seq2seq.export.translator import LightTranslator

TEXTS = ["the cat", "", "a small dog sees the big bird", "bird", "the dog the dog the dog"]
SIZES = {"embedding": 8, "dropout": 0.3}
LSTM = {"kind": "lstm", "size": 6}
CASES: dict[str, dict[str, Any]] = {
    "dot, two layers": {
        "attention": "dot",
        "encoder": {"layers": 2, "size": 6},
        "decoder": {"kind": "luong", "layers": 2},
    },
    "general, input feeding": {
        "attention": "general",
        "decoder": {"kind": "luong", "layers": 2, "input_feeding": True},
    },
    "additive, conditional": {"attention": "additive", "decoder": {"kind": "conditional"}},
    "additive, lstm": {
        "attention": "additive",
        "encoder": {**LSTM, "layers": 2},
        "decoder": {"cell": "lstm", "layers": 2},
    },
    "multihead, maxout": {
        "attention": {"kind": "multihead", "heads": 3},
        "decoder": {"readout": "maxout", "bridge": "mean"},
    },
    "location, one direction": {
        "attention": {"kind": "location", "positions": 5},  # shorter and longer than the sources
        "encoder": {"bidirectional": False, "size": 6},
    },
    "location-aware": {"attention": "location-aware"},
    "coverage, local-p": {"attention": {"kind": "coverage", "addressing": "local-p"}},
    "cosine, ntm": {"attention": {"kind": "cosine", "addressing": "ntm"}},
    "qkv, local-m": {
        "attention": {"kind": "qkv", "addressing": {"kind": "local-m", "window": 1}},
        "decoder": {"kind": "luong"},
    },
    "additive, hard": {"attention": {"kind": "additive", "addressing": "hard"}},
    "uniform, zero": {"attention": "uniform", "decoder": {"kind": "luong", "bridge": "zero"}},
    "none, gru state": {
        "attention": "none",
        "encoder": {"bidirectional": False, "reverse": True, "size": 12},
        "decoder": {"kind": "luong", "bridge": "state"},
    },
    "general, ntm": {
        "attention": "general",
        "decoder": {"kind": "luong", "cell": {"kind": "ntm", "slots": 5, "width": 3, "writes": 2}},
    },
    "additive, dnc": {
        "attention": "additive",
        "decoder": {"cell": {"kind": "dnc", "slots": 5, "width": 3, "controller": "feed-forward"}},
    },
    "additive, dnc without links": {
        "attention": "additive",
        "decoder": {"cell": {"kind": "dnc", "slots": 5, "width": 3, "links": False, "norm": True}},
    },
    "none": {"attention": "none", "decoder": {"kind": "conditional"}},
    "perceiver": {
        "attention": "general",
        "encoder": {"kind": "perceiver", "size": 6, "heads": 2, "latents": 5, "span": 9},
        "decoder": {"kind": "luong"},
    },
    "perceiver, sinusoidal, dot": {
        "attention": "none",
        "encoder": {
            "kind": "perceiver",
            "size": 8,  # that of the embeddings
            "positions": "sinusoidal",
            "cross_attention": "dot",
            "self_attention": {"kind": "multihead", "addressing": "gumbel"},
        },
    },
    "self-attention": {"attention": "dot", "encoder": {"size": 6, "self_attention": "multihead"}},
    "self-attention, residual": {
        "attention": "none",
        "encoder": {"size": 6, "self_attention": "qkv", "self_residual": True},
    },
    "transformer": {
        "attention": {"kind": "multihead", "heads": 3},
        "encoder": {"kind": "transformer", "layers": 2, "size": 12, "heads": 3},
        "decoder": {"kind": "transformer", "layers": 2, "norm": "pre", "positions": "learnt"},
    },
    "transformer, units that carry a state": {
        "attention": {"kind": "cosine", "addressing": "ntm"},
        "decoder": {"kind": "transformer", "self_attention": "coverage"},
    },
    "transformer, local-m": {
        "attention": {"kind": "location", "positions": 5},
        "encoder": {"kind": "transformer", "size": 12},
        "decoder": {
            "kind": "transformer",
            "self_attention": {"kind": "dot", "addressing": {"kind": "local-m", "window": 1}},
        },
    },
    **{
        f"{cell} in the decoder": {
            "attention": "sigma-pi",
            "decoder": {"kind": decoder, "cell": cell, "size": 8},
        }
        for cell, decoder in (
            ("multiplicative", "luong"),
            ("multiplicative-lstm", "bahdanau"),
            ("sigma-pi", "bahdanau"),
            ("hyper", "luong"),
            ("fast-weights", "bahdanau"),
            ("fast-associative", "luong"),
        )
    },
    "fast weights by the sum, in both": {
        "attention": "dot",
        "encoder": {"cell": {"kind": "fast-weights", "rule": "sum"}, "size": 4},
        "decoder": {"cell": {"kind": "fast-weights", "rule": "sum"}, "size": 8},
    },
}


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    texts = [text for text in TEXTS if text] * 3
    return train_tokenizers(texts, texts, TokenizerConfig(vocab_size=40))


def build(case: dict[str, Any], tokenizers: Tokenizers) -> Seq2Seq:
    torch.manual_seed(1)
    parts = {"encoder": {"size": 6}, **case}
    parts["decoder"] = {"size": 12, **case.get("decoder", {})}
    config = ModelConfig.model_validate({**SIZES, **parts})
    model = Seq2Seq(config, len(tokenizers.source), len(tokenizers.target))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)  # sharp weights, and outputs that end
    return model


def translators(
    case: dict[str, Any], tokenizers: Tokenizers, folder: Path
) -> tuple[Translator, LightTranslator]:
    model = build(case, tokenizers)
    write_graphs(model, folder)
    options = DecodingConfig(max_length=12, batch=2)
    settings = TextSettings(options=options, source_end=True, max_length=100)
    return (
        Translator([model], tokenizers, settings, device=torch.device("cpu")),
        LightTranslator(Network(folder), tokenizers, settings),
    )


@pytest.mark.parametrize("name", CASES)
def test_text_scores_and_attention_are_the_models(
    name: str, tokenizers: Tokenizers, tmp_path: Path
) -> None:
    ordinary, light = translators(CASES[name], tokenizers, tmp_path)
    for changes in ({"beam": 1}, {"beam": 4, "n_best": 4}, {"beam": 3, "batch": 64}):
        options = ordinary.options.model_copy(update=changes)
        ours, theirs = ordinary.translate(TEXTS, options), list(light.stream(TEXTS, options))
        for one, other in zip(ours, theirs, strict=True):
            assert (one.source, one.source_words) == (other.source, other.source_words)
            for a, b in zip(one.candidates, other.candidates, strict=True):
                assert (a.text, a.pieces, a.finished) == (b.text, b.pieces, b.finished)
                assert a.score == pytest.approx(b.score, abs=1e-4)
                assert a.log_probs == pytest.approx(b.log_probs, abs=1e-4)
                np.testing.assert_allclose(a.weights_HTS, b.weights_HTS, atol=1e-4)


class Branching(Dot):
    """Looks at values, which a recorded graph can't."""

    def score(
        self, queries_BHTK: torch.Tensor, memory: Memory, state: AttentionState
    ) -> torch.Tensor:
        scores_BHTS = super().score(queries_BHTK, memory, state)
        return scores_BHTS if state.step_B.max() else -scores_BHTS


class Unheard(Dot):
    """Computes what ONNX has no operator for."""

    def score(
        self, queries_BHTK: torch.Tensor, memory: Memory, state: AttentionState
    ) -> torch.Tensor:
        return torch.special.bessel_j0(super().score(queries_BHTK, memory, state))


class OfOneSize(Dot):
    """Counts its sentences once and for all."""

    def score(
        self, queries_BHTK: torch.Tensor, memory: Memory, state: AttentionState
    ) -> torch.Tensor:
        scores_BHTS = super().score(queries_BHTK, memory, state)
        return scores_BHTS + torch.zeros(int(queries_BHTK.size(0)), 1, 1, 1)


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (OfOneSize, "export: the graphs fit one size of batch only: "),
        (Branching, "export: the graphs give .* off the model's"),
        (Unheard, "export: the model can't be written as ONNX: .*bessel_j0"),
    ],
)
def test_a_unit_that_onnx_cannot_say_is_refused(
    unit: type[Dot],
    message: str,
    tokenizers: Tokenizers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ATTENTIONS, "mine", unit)
    with pytest.raises(UserError, match=message):
        write_graphs(build({"attention": "mine"}, tokenizers), tmp_path)


def test_exporting_leaves_the_model_as_it_was(tokenizers: Tokenizers, tmp_path: Path) -> None:
    model = build(CASES["none"], tokenizers).eval()
    write_graphs(model, tmp_path)
    assert not any(module.training for module in model.modules())


def test_an_encoder_that_reads_word_by_word_is_refused(
    tokenizers: Tokenizers, tmp_path: Path
) -> None:
    encoder = {**LSTM, "bidirectional": False, "size": 12}
    case = {"encoder": encoder, "decoder": {"cell": "lstm", "bridge": "state"}}
    with pytest.raises(UserError, match=r"export: .*LSTM reads the source in a loop"):
        write_graphs(build(case, tokenizers), tmp_path)
