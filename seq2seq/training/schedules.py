"""How the learning rate and the teacher-forcing ratio change over the steps: pure functions."""

import math
from collections.abc import Callable

from seq2seq.config import ScheduleConfig, TeacherForcingConfig


def learning_rate_factor(
    config: ScheduleConfig, step: int, max_steps: int | None, time_used: float = 0.0
) -> float:
    """Return what the base learning rate is multiplied by at update `step` (the first is 1).

    All kinds rise linearly over `warmup` steps. Then `constant` and `plateau` stay at 1 (plateau's
    reductions are counted by the trainer, see `plateau_factor`); `inverse_sqrt` falls as
    sqrt(warmup / step) -- Vaswani et al. 2017, 5.3; `cosine` falls to `minimum` at `max_steps`, or
    when `time_used`, the share of a limit on the minutes that is gone, is 1, if that comes first.
    """
    if step < config.warmup:
        return step / config.warmup
    if config.kind == "inverse_sqrt":
        return math.sqrt(max(config.warmup, 1) / step)
    if config.kind == "cosine":
        assert max_steps is not None, "the configuration asks for it"
        done = (step - config.warmup) / max(1, max_steps - config.warmup)
        done = min(1.0, max(done, time_used))
        return config.minimum + (1 - config.minimum) * (1 + math.cos(math.pi * done)) / 2
    return 1.0


def plateau_factor(config: ScheduleConfig, reductions: int) -> float:
    """Return `factor` to the power of `reductions`, no lower than `minimum`; 1 for other kinds."""
    if config.kind != "plateau":
        return 1.0
    return max(config.minimum, config.factor**reductions)


def teacher_forcing_ratio(config: TeacherForcingConfig, step: int) -> float:
    """Return the probability of feeding the reference's token at update `step` (from 0).

    From `start` towards `end` over `steps` -- Bengio et al. 2015, section 2.4: linear;
    exponential, half-way after a quarter of `steps`; inverse sigmoid, half-way at half of them.
    """
    return config.end + (config.start - config.end) * _REMAINING[config.kind](step / config.steps)


def _constant(_: float) -> float:
    return 1.0


def _linear(done: float) -> float:
    return max(0.0, 1.0 - done)


def _exponential(done: float) -> float:
    return 0.5 ** (4 * done)


def _inverse_sigmoid(done: float) -> float:
    return 1 / (1 + math.exp(min(700.0, 12 * (done - 0.5))))


_REMAINING: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "linear": _linear,
    "exponential": _exponential,
    "inverse_sigmoid": _inverse_sigmoid,
}
