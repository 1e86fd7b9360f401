"""Updates and validations in the time there is, by arithmetic."""

import pytest

from seq2seq.errors import UserError
from seq2seq.planning.schedule import Pace, fit_schedule, patience_for


def test_without_a_budget_all_updates_are_made_and_their_time_is_said() -> None:
    schedule = fit_schedule(1200, Pace(update=0.1, validation=1.0))
    assert (schedule.steps, schedule.validate_every) == (1200, 100)
    assert schedule.seconds == pytest.approx(1200 * 0.1 + 12 * 1.0)


@pytest.mark.parametrize("minutes", [1, 3, 10, 60])
@pytest.mark.parametrize("pace", [Pace(0.01, 0.5), Pace(0.1, 1.0), Pace(0.5, 20.0), Pace(1.0, 3.0)])
def test_a_budget_is_kept_and_hardly_wasted(minutes: float, pace: Pace) -> None:
    seconds = 60 * minutes
    schedule = fit_schedule(10**6, pace, seconds)
    assert 0.8 * seconds <= schedule.seconds <= 0.96 * seconds
    assert schedule.steps <= 10**6


def test_a_budget_that_is_more_than_enough_is_not_used_up() -> None:
    pace = Pace(0.1, 1.0)
    assert fit_schedule(1200, pace, 3600) == fit_schedule(1200, pace)


def test_dear_validations_are_few() -> None:
    schedule = fit_schedule(10**6, Pace(update=0.1, validation=30.0), 600)
    assert -(-schedule.steps // schedule.validate_every) in range(1, 5)


def test_no_budget_for_twenty_updates_is_refused_with_what_would_do() -> None:
    with pytest.raises(
        UserError, match=r"--minutes: .* an update takes 2 s .* give at least 0\.7 minutes more"
    ):
        fit_schedule(1000, Pace(update=2.0, validation=5.0), 10)
    with pytest.raises(UserError, match="--minutes"):
        fit_schedule(1000, Pace(update=2.0, validation=5.0), -3)


def test_the_rate_rises_for_a_while_and_not_for_long() -> None:
    assert fit_schedule(100, Pace(0.1, 1.0)).warmup == 4
    assert fit_schedule(10**5, Pace(0.1, 1.0)).warmup == 400


def test_a_small_validation_set_ends_no_run() -> None:
    assert patience_for(30) is None
    assert patience_for(1000) == 6
