"""The loss against torch's own, in float64.

N = 5 tokens, W = 7.
"""

import math

import pytest
import torch
from torch.nn import functional

from seq2seq.training.loss import cross_entropy

TARGETS = torch.tensor([0, 6, 3, 3, 2])


def logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(5, 7, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_loss_and_gradient_are_torchs_own_summed(smoothing: float) -> None:
    ours_NW, theirs_NW = logits().requires_grad_(), logits().requires_grad_()
    loss = cross_entropy(ours_NW, TARGETS, smoothing)
    expected = functional.cross_entropy(
        theirs_NW, TARGETS, label_smoothing=smoothing, reduction="sum"
    )
    torch.testing.assert_close(loss.total, expected)
    loss.total.backward()
    expected.backward()
    torch.testing.assert_close(ours_NW.grad, theirs_NW.grad)


def test_the_plain_share_is_not_smoothed_and_has_no_gradient() -> None:
    loss = cross_entropy(logits().requires_grad_(), TARGETS, 0.3)
    torch.testing.assert_close(
        loss.plain, functional.cross_entropy(logits(), TARGETS, reduction="sum")
    )
    assert not loss.plain.requires_grad
    assert loss.weight == 5


def test_even_logits_cost_log_w_a_token_however_smoothed() -> None:
    for smoothing in (0.0, 0.4):
        loss = cross_entropy(torch.zeros(5, 7, dtype=torch.float64), TARGETS, smoothing)
        assert float(loss.total) == pytest.approx(5 * math.log(7))


def test_logits_of_half_precision_are_taken_in_float32() -> None:
    half_NW = logits().bfloat16()
    loss = cross_entropy(half_NW, TARGETS, 0.1)
    assert loss.total.dtype == torch.float32
    torch.testing.assert_close(loss, cross_entropy(half_NW.float(), TARGETS, 0.1), rtol=0, atol=0)
