"""The alignment error rate of links and of attention."""

import numpy as np
import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.alignment import score_alignment, score_attention
from seq2seq.evaluation.gold import GoldAlignment
from seq2seq.evaluation.links import Links


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


def gold(sure: Links, possible: Links = frozenset()) -> GoldAlignment:
    return GoldAlignment(sure, sure | possible)


DIAGONAL = gold(links((0, 0), (1, 1), (2, 2)))


def test_alignments_of_another_number_of_sentences_are_refused() -> None:
    with pytest.raises(
        UserError, match="expected alignments of 2 sentences, as the gold has, found 1"
    ):
        score_alignment([links()], [DIAGONAL, DIAGONAL])


def test_the_error_rate_is_that_counted_by_hand() -> None:
    # A has 4 links; 2 of the 3 sure ones, and 3 possible ones (the sure ones are possible too)
    truth = gold(links((0, 0), (1, 1), (2, 2)), links((2, 3)))
    score = score_alignment([links((0, 0), (1, 1), (2, 3), (3, 0))], [truth])
    assert score.aer == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert score.precision == pytest.approx(3 / 4)
    assert score.recall == pytest.approx(2 / 3)


def test_counts_are_summed_over_the_corpus_before_dividing() -> None:
    one = gold(links((0, 0)))
    score = score_alignment([links((0, 0)), links((0, 1), (1, 0), (2, 2))], [one, DIAGONAL])
    assert score.aer == pytest.approx(1 - (2 + 2) / (4 + 4))
    assert (score.links, score.sure, score.sentences) == (4, 4, 2)


@pytest.mark.parametrize("found", [links((0, 0)), links((0, 0), (0, 1), (1, 1))])
def test_all_sure_and_any_possible_links_make_no_error(found: Links) -> None:
    assert score_alignment([found], [gold(links((0, 0)), links((0, 1), (1, 1)))]).aer == 0


def test_no_links_at_all_miss_everything_and_claim_nothing() -> None:
    score = score_alignment([links()], [DIAGONAL])
    assert (score.aer, score.precision, score.recall) == (1, 1, 0)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_attention_shifted_by_a_step_is_recognised(shift: int) -> None:
    n = 5
    truth = gold(frozenset((i, i) for i in range(n)))
    matrix = np.eye(n, k=-shift)  # row t reads source word t - shift
    found = score_attention([matrix], [truth])
    assert found.offset == -shift
    assert found.best.precision == 1
    assert found.unshifted.aer == (0 if shift == 0 else pytest.approx(1))
    assert ("offset 0 is best" in str(found)) == (shift == 0)


def test_gold_outside_the_matrix_is_refused() -> None:
    with pytest.raises(UserError, match=r"sentence 2: gold link 2-2 .* 3 source and 2 target"):
        score_attention([np.eye(3), np.ones((2, 3))], [DIAGONAL, DIAGONAL])
