"""Which validation is better, and which loss is lost."""

import math

import pytest

from seq2seq.training.judgement import is_better, why_lost


@pytest.mark.parametrize(
    ("new", "best", "metric", "better"),
    [
        ({"loss": 9, "bleu": 1}, {}, "bleu", True),
        ({"loss": 2, "bleu": 31}, {"loss": 1, "bleu": 30}, "bleu", True),
        ({"loss": 1, "bleu": 29}, {"loss": 2, "bleu": 30}, "bleu", False),
        ({"loss": 1, "bleu": 30}, {"loss": 2, "bleu": 30}, "bleu", True),
        ({"loss": 2, "bleu": 30}, {"loss": 2, "bleu": 30}, "bleu", False),
        ({"loss": 1, "bleu": 29}, {"loss": 2, "bleu": 30}, "loss", True),
        ({"loss": 2, "chrf": 61}, {"loss": 1, "chrf": 60}, "chrf", True),
        ({"loss": 2, "chrf": 61}, {"loss": 1}, "chrf", False),  # of a run before there was chrF
        ({"loss": 2, "exact": 99.5}, {"loss": 1, "exact": 99.0}, "exact", True),
        ({"loss": 1, "exact": 99.5}, {"loss": 2, "exact": 99.5}, "exact", True),
        ({"loss": math.nan, "bleu": 0}, {"loss": 2, "bleu": 0}, "bleu", False),
    ],
)
def test_the_higher_score_is_better_and_of_equals_the_lower_loss(
    new: dict[str, float], best: dict[str, float], metric: str, better: bool
) -> None:
    assert is_better(new, best, metric) == better


def test_a_loss_is_lost_where_it_is_no_number_or_ten_times_a_guess() -> None:
    guess = math.log(6000)
    assert not why_lost(guess, 6000)
    assert not why_lost(9.9 * guess, 6000)
    assert why_lost(10.1 * guess, 6000) == (
        "the loss became 87.9, where a guess among 6,000 has 8.70"
    )
    assert why_lost(math.nan, 6000) == "the loss became nan"
    assert why_lost(math.inf, 6000) == "the loss became inf"
