"""What a training cannot do is said before it begins."""

import pytest

from seq2seq.config import load_config
from seq2seq.training.first_warnings import warn_of_blindness, warn_of_schedules


@pytest.mark.parametrize(
    ("forcing", "updates", "told"),
    [
        (
            "{kind: linear, end: 0.5}",
            "2000",
            "gets to 0.90 on its way from 1 to 0.5: it takes 10000",
        ),
        ("{kind: exponential, steps: 400}", "100", "gets to 0.50 on its way from 1 to 0"),
        ("{kind: linear, end: 0.5, steps: 2000}", "2000", ""),
        ("{kind: linear, end: 0.5}", "null", ""),  # it ends when the time does
        ("constant", "2000", ""),
    ],
)
def test_a_schedule_that_does_not_get_to_its_end(
    forcing: str, updates: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = [
        f"training.teacher_forcing={forcing}",
        f"training.max_steps={updates}",
        "training.max_minutes=5",
    ]
    warn_of_schedules(load_config(overrides=overrides))
    assert told in caplog.text
    assert bool(caplog.text) == bool(told)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            "training.schedule.warmup=400",
            "gets to 25 % of training.optimizer.lr: it rises",
        ),
        ("training.schedule.warmup=99", ""),
        ("training.ema=0.99", "training.ema 0.99: 37 % of the averaged weights"),
        ("training.ema=0.95", ""),
    ],
)
def test_a_training_that_is_too_short_for_its_schedules(
    override: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_schedules(load_config(overrides=[override, "training.max_steps=100"]))
    assert told in caplog.text
    assert bool(caplog.text) == bool(told)


@pytest.mark.parametrize("attention", ["none", "general"])
@pytest.mark.parametrize("bridge", ["zero", "last"])
def test_a_decoder_that_sees_nothing(
    attention: str, bridge: str, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = [f"model.attention={attention}", f"model.decoder.bridge={bridge}"]
    warn_of_blindness(load_config(overrides=overrides).model)
    assert ("sees nothing" in caplog.text) == ((attention, bridge) == ("none", "zero"))
