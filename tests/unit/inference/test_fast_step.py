"""The fast step of recurrent decoders gives what the model's own lines give."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seq2seq.config import ModelConfig
from seq2seq.inference.fast_step import FastStep, fast_step_of
from seq2seq.model.model import Seq2Seq

DEEP: dict[str, Any] = {"layers": 3}


@pytest.mark.parametrize("kind", ["bahdanau", "conditional"])
@pytest.mark.parametrize("layers", [{}, DEEP, {**DEEP, "residual": True}], ids=str)
def test_it_is_the_model_step_by_step(kind: str, layers: dict[str, Any]) -> None:
    torch.manual_seed(1)
    config = ModelConfig.model_validate(
        {
            "embedding": 8,
            "encoder": {"size": 6},
            "attention": "additive",
            "decoder": {"kind": kind, "size": 8, **layers},
        }
    )
    model = Seq2Seq(config, 20, 20).eval()
    source_BS, lengths_B = torch.randint(4, 20, (3, 5)), torch.tensor([5, 4, 3])
    step = fast_step_of(model)
    assert isinstance(step, FastStep)
    with torch.no_grad():
        memory, state = model.encode(source_BS, lengths_B)
        fast = step.start(memory, state, slots=1)
        for tokens_B in torch.randint(4, 20, (4, 3)):
            decoded = model.decode(tokens_B.unsqueeze(1), memory, state)
            expected_BW = model.output(decoded.features_BTF[:, 0]).log_softmax(-1)
            found_BW, weights_BHS, fast = step(tokens_B, fast)
            state = decoded.state
            torch.testing.assert_close(found_BW, expected_BW, rtol=0, atol=1e-5)
            expected_BHS = decoded.weights_BHTS[:, :, 0]
            torch.testing.assert_close(weights_BHS.view_as(expected_BHS), expected_BHS)
