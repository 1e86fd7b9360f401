"""Schedules against arithmetic on paper."""

import math
from typing import Any

import pytest

from seq2seq.config import ScheduleConfig, TeacherForcingConfig
from seq2seq.training.schedules import (
    learning_rate_factor,
    plateau_factor,
    teacher_forcing_ratio,
)

DECAYS = ("linear", "exponential", "inverse_sigmoid")


def factor(step: int, max_steps: int | None = None, **settings: Any) -> float:
    return learning_rate_factor(ScheduleConfig.model_validate(settings), step, max_steps)


def ratio(step: int, **settings: Any) -> float:
    settings = {"start": 1.0, "end": 0.0, "steps": 100, **settings}
    return teacher_forcing_ratio(TeacherForcingConfig.model_validate(settings), step)


# --- the learning rate ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["constant", "inverse_sqrt", "plateau", "cosine"])
def test_every_kind_rises_linearly_to_one_over_its_warmup(kind: str) -> None:
    found = [factor(step, 20, kind=kind, warmup=4) for step in (1, 2, 3, 4)]
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("kind", ["constant", "inverse_sqrt", "plateau", "cosine"])
def test_without_warmup_the_first_step_is_whole(kind: str) -> None:
    assert factor(1, 100000, kind=kind) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["constant", "plateau"])
def test_constant_and_plateau_stay_at_one(kind: str) -> None:
    assert [factor(step, kind=kind, warmup=2) for step in (2, 3, 10**6)] == [1.0, 1.0, 1.0]


def test_inverse_square_root_halves_when_the_steps_are_four_times_as_many() -> None:
    found = [factor(step, kind="inverse_sqrt", warmup=4) for step in (16, 64, 256)]
    assert found == pytest.approx([1 / 2, 1 / 4, 1 / 8])


def test_cosine_is_half_way_in_the_middle_and_at_its_minimum_in_the_end() -> None:
    settings = {"kind": "cosine", "warmup": 10, "minimum": 0.2}
    assert factor(60, 110, **settings) == pytest.approx(0.6)
    assert factor(110, 110, **settings) == pytest.approx(0.2)
    third = 0.2 + 0.8 * (1 + math.cos(math.pi / 3)) / 2
    assert factor(40, 100, kind="cosine", warmup=10, minimum=0.2) == pytest.approx(third)
    falling = [factor(step, 110, **settings) for step in range(10, 111)]
    assert falling == sorted(falling, reverse=True)


def test_cosine_stays_at_its_minimum_when_a_run_goes_on() -> None:
    assert factor(130, 110, kind="cosine", warmup=10, minimum=0.2) == pytest.approx(0.2)


def test_cosine_falls_with_the_time_where_time_ends_the_run() -> None:
    config = ScheduleConfig(kind="cosine", warmup=10, minimum=0.2)
    by_steps = [learning_rate_factor(config, step, 110) for step in (10, 60, 110)]
    quick = [learning_rate_factor(config, step, 110, (step - 10) / 200) for step in (10, 60, 110)]
    assert quick == by_steps  # time enough changes nothing
    slow = [learning_rate_factor(config, 20, 110, used) for used in (0.5, 1.0, 1.2)]
    assert slow == pytest.approx([0.6, 0.2, 0.2])
    assert learning_rate_factor(config, 5, 110, 0.9) == 0.5  # warming up all the same
    assert learning_rate_factor(ScheduleConfig(), 20, 110, 0.9) == 1.0


def test_a_plateau_multiplies_by_its_factor_each_time_but_not_below_the_minimum() -> None:
    config = ScheduleConfig(kind="plateau", factor=0.5, minimum=0.2)
    assert [plateau_factor(config, n) for n in range(4)] == [1.0, 0.5, 0.25, 0.2]
    assert plateau_factor(ScheduleConfig(), 3) == 1.0


# --- teacher forcing ------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "half"), [*zip(DECAYS, (50, 25, 50), strict=True)])
def test_each_decay_is_half_way_where_it_says(kind: str, half: int) -> None:
    assert ratio(half, kind=kind) == pytest.approx(0.5)
    assert ratio(half, kind=kind, start=0.9, end=0.3) == pytest.approx(0.6)


@pytest.mark.parametrize("kind", DECAYS)
def test_each_decay_starts_at_the_start_ends_at_the_end_and_never_rises(kind: str) -> None:
    settings = {"kind": kind, "start": 0.9, "end": 0.2}
    assert ratio(0, **settings) == pytest.approx(0.9, abs=0.002)
    assert ratio(10**9, **settings) == pytest.approx(0.2)
    ratios = [ratio(step, **settings) for step in range(300)]
    assert ratios == sorted(ratios, reverse=True)
    assert all(0.2 <= value <= 0.9 for value in ratios)


def test_decays_on_paper() -> None:
    assert ratio(25, kind="linear") == pytest.approx(0.75)
    assert ratio(100, kind="linear") == 0
    assert ratio(50, kind="exponential") == pytest.approx(1 / 4)
    assert ratio(100, kind="exponential") == pytest.approx(1 / 16)
    assert ratio(25, kind="inverse_sigmoid") == pytest.approx(1 / (1 + math.exp(-3)))
    assert ratio(100, kind="inverse_sigmoid") == pytest.approx(1 / (1 + math.exp(6)))


def test_a_ratio_may_rise_and_a_constant_stays_at_its_start() -> None:
    assert ratio(25, kind="linear", start=0.0, end=1.0) == pytest.approx(0.25)
    assert [ratio(step, kind="constant", start=0.7) for step in (0, 10**6)] == [0.7, 0.7]
