"""How many updates and validations fit into a given time: arithmetic, no clock."""

from __future__ import annotations

import math
from typing import NamedTuple

from seq2seq.errors import UserError

_VALIDATIONS = 12  # enough to see a curve, and to keep the best of
_VALIDATING = 0.15  # the largest share of the time that they take
_MARGIN = 0.92  # of a budget: a pace measured in seconds varies over minutes
_FEWEST = 20  # updates that are worth a run
_WARMUP = 0.04  # of the updates: rising to full rate, 400 at most
_NOISY = 400  # validation sentences below which early stopping would end a run by chance


class Pace(NamedTuple):
    """Seconds that this machine takes for an update and for a validation."""

    update: float
    validation: float


class Schedule(NamedTuple):
    """The updates of a run."""

    steps: int
    validate_every: int
    warmup: int
    seconds: float
    """What updates and validations take at the measured pace."""


def fit_schedule(wanted: int, pace: Pace, seconds: float | None = None) -> Schedule:
    """Return `wanted` updates with their validations, or as many as fit into `seconds`.

    Raises UserError if fewer than 20 fit.
    """
    if seconds is None:
        steps = wanted
        validations = _validations(steps * pace.update / (1 - _VALIDATING), pace, at_least=4)
    else:
        left = _MARGIN * seconds
        validations = _validations(left, pace)
        steps = min(wanted, int((left - validations * pace.validation) / pace.update))
        if steps < min(wanted, _FEWEST):
            least = (_FEWEST * pace.update + pace.validation) / _MARGIN - seconds
            raise UserError(
                f"--minutes: the time left after planning is too short to train: an update takes "
                f"{pace.update:.2g} s and a validation {pace.validation:.2g} s; give at least "
                f"{math.ceil(least / 6) / 10:.1f} minutes more"
            )
    every = -(-steps // validations)
    return Schedule(
        steps,
        every,
        min(400, math.ceil(_WARMUP * steps)),
        steps * pace.update + -(-steps // every) * pace.validation,
    )


def patience_for(sentences: int) -> int | None:
    """Return after how many validations without a best a run ends; never if they are noisy."""
    return 6 if sentences >= _NOISY else None


def _validations(seconds: float, pace: Pace, *, at_least: int = 1) -> int:
    """How many validations take no more than their share of so many seconds."""
    return max(at_least, min(_VALIDATIONS, int(_VALIDATING * seconds / pace.validation)))
