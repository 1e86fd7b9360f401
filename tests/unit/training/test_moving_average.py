"""The moving average of weights against arithmetic on paper."""

from __future__ import annotations

import torch

from seq2seq.config import ModelConfig
from seq2seq.model.model import Seq2Seq
from seq2seq.training.moving_average import MovingAverage


def test_the_average_follows_the_weights_by_the_decay() -> None:
    config = ModelConfig.model_validate(
        {"encoder": {"size": 4}, "decoder": {"size": 8}, "embedding": 5}
    )
    model = Seq2Seq(config, 10, 10)
    average = MovingAverage(model, 0.9)
    expected = {name: weights.clone() for name, weights in model.named_parameters()}
    for _ in range(3):
        with torch.no_grad():
            for name, weights in model.named_parameters():
                weights.add_(1.0)
                expected[name] = 0.9 * expected[name] + 0.1 * weights
        average.update()
    found = dict(average.model.named_parameters())
    assert found.keys() == expected.keys()  # a tied weight is one here too
    for name, weights in found.items():
        torch.testing.assert_close(weights, expected[name])
    assert average.model.output.weight is average.model.target_embedding.weight
    assert average.model is not model
