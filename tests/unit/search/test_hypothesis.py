import pytest

from seq2seq.search.hypothesis import penalised


@pytest.mark.parametrize(("penalty", "score"), [(0, -6.0), (1, -2.0), (0.5, -6 / 3**0.5)])
def test_the_score_is_the_sum_over_length_to_the_penalty(penalty: float, score: float) -> None:
    assert penalised([-1.0, -2.0, -3.0], penalty) == pytest.approx(score, abs=1e-15)


@pytest.mark.parametrize("penalty", [0, 0.6, 1])
def test_nothing_emitted_scores_nothing(penalty: float) -> None:
    assert penalised([], penalty) == 0
