"""The fused output layer and loss against the readable one.

N = 7 tokens in chunks of 3, F = 4, W = 5; float64 unless the type matters.
"""

import pytest
import torch
from torch import Tensor, nn

from seq2seq.kernels import output_loss
from seq2seq.kernels.output_loss import output_cross_entropy
from seq2seq.training.loss import cross_entropy

TARGETS = torch.tensor([0, 4, 2, 2, 1, 3, 0])


@pytest.fixture(autouse=True)
def _chunks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_loss, "ROWS", 3)
    monkeypatch.setattr(output_loss, "CHUNK", 1)


def layer() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(4, 5, dtype=torch.float64)


def features() -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(7, 4, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_losses_and_gradients_are_the_readable_ones(smoothing: float) -> None:
    output, features_NF = layer(), features()
    readable = cross_entropy(output(features_NF), TARGETS, smoothing)
    (readable.total / 3).backward()
    wanted = [features_NF.grad, output.weight.grad, output.bias.grad]
    output, features_NF = layer(), features()
    fused = output_cross_entropy(output, features_NF, TARGETS, smoothing)
    torch.testing.assert_close(fused.smoothed, readable.total)
    torch.testing.assert_close(fused.plain_N.sum(), readable.plain)
    (fused.smoothed / 3).backward()
    torch.testing.assert_close([features_NF.grad, output.weight.grad, output.bias.grad], wanted)


def test_the_plain_loss_of_each_token_is_its_own_and_has_no_gradient() -> None:
    output, features_NF = layer(), features()
    fused = output_cross_entropy(output, features_NF, TARGETS, 0.1)
    alone = [
        cross_entropy(output(features_NF[n : n + 1]), TARGETS[n : n + 1], 0.0).plain
        for n in range(7)
    ]
    torch.testing.assert_close(fused.plain_N, torch.stack(alone))
    assert not fused.plain_N.requires_grad


def test_under_autocast_the_products_are_those_of_the_readable_form() -> None:
    output, features_NF = layer().float(), features().detach().float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        readable = cross_entropy(output(features_NF), TARGETS, 0.1)
        fused = output_cross_entropy(output, features_NF, TARGETS, 0.1)
    assert fused.smoothed.dtype == torch.float32
    torch.testing.assert_close(fused.smoothed, readable.total)
    gradients = torch.autograd.grad(readable.total, [features_NF, output.weight])
    ours = torch.autograd.grad(fused.smoothed, [features_NF, output.weight])
    torch.testing.assert_close(ours, gradients, rtol=0.02, atol=0.02)


def test_no_token_costs_nothing() -> None:
    output = layer()
    fused = output_cross_entropy(output, features()[:0], TARGETS[:0], 0.1)
    assert float(fused.smoothed.detach()) == 0.0
    assert fused.plain_N.shape == (0,)


def test_no_gradient_is_made_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = output_cross_entropy(layer(), features(), TARGETS, 0.1)
    monkeypatch.setattr(output_loss, "_logits_gradient", None)  # calling it would fail
    with torch.no_grad():
        torch.testing.assert_close(
            output_cross_entropy(layer(), features(), TARGETS, 0.1).smoothed, wanted.smoothed
        )
