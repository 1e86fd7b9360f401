"""A model written for CTranslate2 gives the log-probabilities that it has here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seq2seq.config import ModelConfig
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.errors import UserError
from seq2seq.model.model import Seq2Seq

ctranslate2 = pytest.importorskip("ctranslate2", reason="needs the extra: ctranslate2")

PIECES = ["<pad>", "<unk>", "<s>", "</s>", *(f"t{number}" for number in range(16))]
SOURCES = [[5, 9, 4, 12, 7, 5, 3], [8, 3], [19, 6, 11, 3]]
TARGETS = [[6, 6, 15], [4, 17, 9, 8, 10], [13]]


def transformer(**changes: Any) -> ModelConfig:
    """Two layers of two heads; `changes` are of both encoder and decoder."""
    part = {"kind": "transformer", "size": 12, "layers": 2, "heads": 2, "ff": 20, **changes}
    unit = {"kind": "multihead", "heads": 2}
    tree = {"embedding": 12, "tie": "target", "encoder": part, "decoder": part, "attention": unit}
    return ModelConfig.model_validate(tree)


def build(config: ModelConfig) -> Seq2Seq:
    torch.manual_seed(1)
    model = Seq2Seq(config, len(PIECES), len(PIECES)).eval()
    for parameter in model.parameters():  # biases too
        nn.init.normal_(parameter, std=0.4)
    return model


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", ["sinusoidal", "learnt", "none"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@torch.no_grad()
def test_the_engine_gives_each_token_the_log_probability_that_it_has_here(
    norm: str, positions: str, activation: str, tmp_path: Path
) -> None:
    from seq2seq.export.ctranslate2 import make_spec

    model = build(transformer(norm=norm, positions=positions, activation=activation))
    spec = make_spec(model)
    spec.register_source_vocabulary(PIECES)
    spec.register_target_vocabulary(PIECES)
    spec.validate()
    spec.optimize()
    spec.save(str(tmp_path))
    scored = ctranslate2.Translator(str(tmp_path)).score_batch(
        [[PIECES[token] for token in source] for source in SOURCES],
        [[PIECES[token] for token in target] for target in TARGETS],
    )
    for source, target, found in zip(SOURCES, TARGETS, scored, strict=True):
        assert found.log_probs == pytest.approx(log_probs(model, source, target), abs=1e-4)


def log_probs(model: Seq2Seq, source: list[int], target: list[int]) -> list[float]:
    """Of each target token and the end, when PAD and BOS are not to be had."""
    inputs_1T = torch.tensor([[BOS, *target]])
    features_1TF = model(
        torch.tensor([source]), torch.tensor([len(source)]), inputs_1T
    ).features_BTF
    logits_TW = model.output(features_1TF[0])
    logits_TW[:, [0, BOS]] = -torch.inf
    wanted_T1 = torch.tensor([*target, EOS]).unsqueeze(1)
    found: list[float] = logits_TW.log_softmax(-1).gather(1, wanted_T1).squeeze(1).tolist()
    return found


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"encoder": {"kind": "recurrent"}}, "Transformers only, found encoder recurrent"),
        ({"attention": {"kind": "additive"}}, "found decoder.1.source Additive with Softmax"),
        ({"attention": {"kind": "multihead", "heads": 3}}, r"one heads for all layers.*\[2, 3\]"),
        ({"embedding": 10}, "model.encoder.size would have to be model.embedding, 10"),
    ],
)
def test_what_the_engine_has_not_is_refused(changes: dict[str, Any], complaint: str) -> None:
    from seq2seq.export.ctranslate2 import make_spec

    config = ModelConfig.model_validate({**transformer().model_dump(), **changes})
    with pytest.raises(UserError, match=complaint):
        make_spec(build(config))
