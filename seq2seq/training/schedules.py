"""How the learning rate and the teacher-forcing ratio change over the steps: pure functions.

A kind of either is a class or function of this file, or of the user's own, in a table of
`seq2seq.kinds`. Nothing here needs torch: the configuration looks up which options a kind takes.
"""

import math
from functools import lru_cache
from typing import Any

from seq2seq.config import ScheduleConfig, TeacherForcingConfig
from seq2seq.kinds import FORCINGS, SCHEDULES, option_names


class Schedule:
    """The factor of the base learning rate; this one stays at 1 (`constant`).

    A kind's own settings are the keyword-only arguments of its `__init__`.
    """

    def factor(self, step: int, warmup: int, max_steps: int | None, time_used: float) -> float:
        """Return the factor at update `step`, the warm-up of so many updates being over."""
        return 1.0

    def reduced(self, reductions: int) -> float:
        """Return what the factor is multiplied by after so many reductions."""
        return 1.0


class InverseSqrt(Schedule):
    """Falls as sqrt(warmup / step) -- Vaswani et al. 2017, 5.3."""

    def factor(self, step: int, warmup: int, max_steps: int | None, time_used: float) -> float:
        """Return sqrt(warmup / step)."""
        return math.sqrt(max(warmup, 1) / step)


class Plateau(Schedule):
    """Multiplied by `factor` after more than `patience` validations without a best.

    No lower than `minimum`.
    """

    def __init__(self, *, factor: float = 0.5, patience: int = 1, minimum: float = 0.01) -> None:
        self.decay, self.patience, self.minimum = factor, patience, minimum

    def reduced(self, reductions: int) -> float:
        """Return `factor` to the power of `reductions`, no lower than `minimum`."""
        return max(self.minimum, self.decay**reductions)


class Cosine(Schedule):
    """Falls to `minimum` at `max_steps`, or when the time is used up, if that comes first."""

    def __init__(self, *, minimum: float = 0.01) -> None:
        self.minimum = minimum

    def factor(self, step: int, warmup: int, max_steps: int | None, time_used: float) -> float:
        """Return half a period of the cosine."""
        assert max_steps is not None, "the configuration asks for it"
        done = (step - warmup) / max(1, max_steps - warmup)
        done = min(1.0, max(done, time_used))
        return self.minimum + (1 - self.minimum) * (1 + math.cos(math.pi * done)) / 2


def build_schedule(config: ScheduleConfig) -> Schedule:
    """Return the schedule that the configuration names, with the options that it takes."""
    return _built(SCHEDULES[config.kind], config)


@lru_cache  # each update asks for it; by class, as a name may be registered anew
def _built(kind: type[Schedule], config: ScheduleConfig) -> Schedule:
    known: dict[str, Any] = {**config.model_dump(), **config.options}
    return kind(**{name: known[name] for name in option_names(kind) if name in known})


def learning_rate_factor(
    config: ScheduleConfig, step: int, max_steps: int | None, time_used: float = 0.0
) -> float:
    """Return what the base learning rate is multiplied by at update `step` (the first is 1).

    All kinds rise linearly over `warmup` steps. `time_used` is the share of a limit on the minutes
    that is gone. The reductions of `plateau` are counted by the trainer, see `plateau_factor`.
    """
    if step < config.warmup:
        return step / config.warmup
    return build_schedule(config).factor(step, config.warmup, max_steps, time_used)


def plateau_factor(config: ScheduleConfig, reductions: int) -> float:
    """Return what the learning rate is multiplied by after so many reductions; 1 for most kinds."""
    return build_schedule(config).reduced(reductions)


def teacher_forcing_ratio(config: TeacherForcingConfig, step: int) -> float:
    """Return the probability of feeding the reference's token at update `step` (from 0).

    From `start` towards `end` over `steps` -- Bengio et al. 2015, section 2.4: linear;
    exponential, half-way after a quarter of `steps`; inverse sigmoid, half-way at half of them.
    A kind says how much of the way is left when a share of `steps` is done.
    """
    return config.end + (config.start - config.end) * FORCINGS[config.kind](step / config.steps)


def constant(_: float) -> float:
    """Stay at the start."""
    return 1.0


def linear(done: float) -> float:
    """Fall evenly."""
    return max(0.0, 1.0 - done)


def exponential(done: float) -> float:
    """Halve with every quarter."""
    return 0.5 ** (4 * done)


def inverse_sigmoid(done: float) -> float:
    """Fall fastest half-way."""
    return 1 / (1 + math.exp(min(700.0, 12 * (done - 0.5))))
