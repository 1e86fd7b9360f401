"""How many updates, and when to validate, in the time there is: arithmetic, no clock."""

from __future__ import annotations

import math
from typing import NamedTuple

from seq2seq.errors import UserError

_VALIDATIONS = 12  # enough to see a curve, and to keep the best of
_FEWEST_VALIDATIONS = 4
_VALIDATING = 0.15  # the share of the time beyond which there are fewer
_MARGIN = 0.92  # of a budget: what is measured in seconds strays over minutes
_FEWEST = 20  # updates that are worth a run
_WARMUP = 0.04  # of the updates: rising to full rate, 400 at most
_NOISY = 400  # validation sentences below which no bad luck ends a run


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
    """Return `wanted` updates with their validations, or as many as `seconds` hold.

    Raises UserError if hardly an update fits.
    """
    steps = wanted
    if seconds is not None:
        steps = min(wanted, _affordable(pace, _MARGIN * seconds))
        if steps < min(wanted, _FEWEST):
            least = (_FEWEST * pace.update + pace.validation) / _MARGIN - seconds
            raise UserError(
                f"--minutes: an update takes {pace.update:.2g} s and a validation "
                f"{pace.validation:.2g} s, so that no training fits in what is left; "
                f"give {math.ceil(least / 6) / 10:.1f} minutes more"
            )
    validations = _validations(steps * pace.update, pace)
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


def _affordable(pace: Pace, seconds: float) -> int:
    """The most updates that fit with their validations."""
    for validations in range(_VALIDATIONS, 0, -1):
        left = seconds - validations * pace.validation
        cheap = validations * pace.validation <= _VALIDATING * seconds
        if cheap or validations == 1:
            return max(0, int(left / pace.update))
    raise AssertionError("one validation is always tried")


def _validations(updating: float, pace: Pace) -> int:
    affordable = int(_VALIDATING / (1 - _VALIDATING) * updating / pace.validation)
    return max(_FEWEST_VALIDATIONS, min(_VALIDATIONS, affordable))
