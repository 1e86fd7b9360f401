"""How much of a run is done: the share of the limit that comes first."""

import io
from contextlib import redirect_stderr
from typing import Any

import pytest

from seq2seq.config import TrainingConfig
from seq2seq.data.batching import Position
from seq2seq.training.limits import Bar, Done, limits_reached, share_done
from seq2seq.training.progress import Progress


def done(
    *, step: int = 0, epoch: int = 0, batch: int = 0, minutes: float = 0, **limits: Any
) -> Any:
    progress = Progress(step=step, position=Position(epoch, batch), seconds=60 * minutes)
    return share_done(TrainingConfig(**limits), progress, 10)


def test_each_limit_has_its_share() -> None:
    assert done(step=30, max_steps=120) == Done(0.25, "step 30 of 120")
    assert done(step=7, epoch=1, batch=5, max_epochs=3) == Done(0.5, "step 7, epoch 1.5 of 3")
    assert done(step=7, minutes=1.5, max_minutes=2) == Done(0.75, "step 7, 1.5 of 2 min")


def test_a_limit_is_reached_with_its_last_unit() -> None:
    config = TrainingConfig(max_steps=30, max_epochs=2, max_minutes=1, patience=3)
    almost = Progress(step=29, position=Position(1, 9), seconds=59.9, misses=2)
    assert limits_reached(config, almost) == {}
    past = Progress(step=30, position=Position(2, 0), seconds=60.0, misses=3)
    reached = {"max_steps": 30, "max_epochs": 2, "max_minutes": 1, "patience": 3}
    assert limits_reached(config, past) == reached
    assert limits_reached(TrainingConfig(max_steps=31, patience=None), past) == {}


@pytest.mark.parametrize(
    ("minutes", "text"), [(1, "step 40 of 100"), (6, "step 40, 6.0 of 10 min")]
)
def test_the_limit_that_comes_first_is_shown(minutes: float, text: str) -> None:
    limits = {"max_steps": 100, "max_epochs": 50, "max_minutes": 10}
    assert done(step=40, epoch=4, minutes=minutes, **limits).text == text


def test_without_a_limit_there_is_no_share_and_never_more_than_all_of_it() -> None:
    assert done(step=7) is None
    assert done(step=7, minutes=3, max_minutes=2).share == 1


def test_the_bar_shows_the_share_and_starts_where_a_resumed_run_is() -> None:
    with redirect_stderr(io.StringIO()) as shown:
        with Bar(Done(0.5, "step 50 of 100"), show=True) as bar:
            bar.move(Done(0.75, "step 75 of 100"), 75)
            bar.say("loss 1.234")
        first, *_, last = filter(None, shown.getvalue().split("\r"))
    assert first.startswith(" 50%|")
    assert last.startswith(" 75%|")
    assert "| step 75 of 100 [" in last
    assert "loss 1.234" in last


def test_a_run_without_a_limit_counts_its_updates() -> None:
    with redirect_stderr(io.StringIO()) as shown, Bar(None, show=True) as bar:
        bar.move(None, 75)
        bar.say("loss 1.234")
    assert "step 75 [" in shown.getvalue()
    assert "%" not in shown.getvalue()


def test_a_bar_that_nobody_sees_writes_nothing() -> None:
    with redirect_stderr(io.StringIO()) as shown, Bar(Done(0, "step 0 of 9"), show=False) as bar:
        bar.move(Done(0.5, "step 4 of 9"), 4)
        bar.say("loss 1.234")
    assert shown.getvalue() == ""
