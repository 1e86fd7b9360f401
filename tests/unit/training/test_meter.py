"""Losses of updates, added up until somebody reads them."""

import math

import pytest
import torch

from seq2seq.errors import UserError
from seq2seq.training.loss import Loss
from seq2seq.training.meter import Meter
from seq2seq.training.progress import Progress, Window


def loss(plain: float, weight: int, **counts: int) -> Loss:
    return Loss(torch.tensor(0.0), torch.tensor(plain), weight, **counts)


def progress(step: int, tokens: int, seconds: float = 1.0) -> Progress:
    return Progress(step=step, window=Window(tokens=tokens, seconds=seconds))


def test_a_record_has_the_mean_loss_of_its_window_and_begins_another() -> None:
    meter, now = Meter(100, log_every=2), progress(2, tokens=8, seconds=4.0)
    meter.add([loss(6.0, 3, forced=1, forcible=4), loss(4.0, 5)])
    record = meter.record(now, 0.1)
    assert record["loss"] == 10 / 8
    assert record["perplexity"] == pytest.approx(math.exp(10 / 8))
    assert (record["target_tokens_per_second"], record["lr"]) == (2, 0.1)
    assert record["teacher_forcing_ratio"] == 0.25
    assert now.window == Window()


def test_without_draws_there_is_no_ratio_of_teacher_forcing() -> None:
    meter = Meter(100, log_every=2)
    meter.add([loss(6.0, 3)])
    assert "teacher_forcing_ratio" not in meter.record(progress(2, tokens=3), 0.1)


def test_what_was_read_is_not_read_again() -> None:
    meter, now = Meter(100, log_every=2), progress(1, tokens=3)
    meter.add([loss(6.0, 3)])
    meter.read(now)
    meter.read(now)
    assert now.window.loss == 6


@pytest.mark.parametrize(("step", "plain"), [(3, 1000.0), (1, math.nan)])
def test_a_lost_model_is_told_when_its_loss_is_read(step: int, plain: float) -> None:
    meter = Meter(100, log_every=2)
    meter.add([loss(plain, 1)])
    with pytest.raises(UserError, match=f"the loss became .* at or before step {step}"):
        meter.read(progress(step, tokens=1))


def test_a_leap_of_the_first_window_may_come_back() -> None:
    meter = Meter(100, log_every=2)
    meter.add([loss(1000.0, 1)])
    meter.read(progress(2, tokens=1))
