from pathlib import Path

import numpy as np
import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.alignment import score_alignment, score_attention
from seq2seq.evaluation.gold import GoldAlignment, read_gold
from seq2seq.evaluation.links import Links, links_from_attention, pharaoh


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


def gold(sure: Links, possible: Links = frozenset()) -> GoldAlignment:
    return GoldAlignment(sure, sure | possible)


DIAGONAL = gold(links((0, 0), (1, 1), (2, 2)))


def test_both_formats_of_the_same_gold_read_the_same(tmp_path: Path) -> None:
    pharaoh, naacl = tmp_path / "gold.align", tmp_path / "gold.wa"
    pharaoh.write_text("0-0 1?2\n\n2-1\n")
    naacl.write_text("0001 1 1 S\n1 2 3 P\n3 3 2\n")
    expected = [gold(links((0, 0)), links((1, 2))), gold(links()), gold(links((2, 1)))]
    assert read_gold(pharaoh) == expected
    assert read_gold(naacl) == expected


def test_links_that_are_written_are_read_again(tmp_path: Path) -> None:
    found = [links((10, 0), (2, 1), (2, 0)), links(), links((0, 3))]
    assert pharaoh(found[0]) == "2-0 2-1 10-0"
    path = tmp_path / "out.align"
    path.write_text("".join(f"{pharaoh(each)}\n" for each in found))
    assert [(truth.sure, truth.possible) for truth in read_gold(path, sentences=3)] == [
        (each, each) for each in found
    ]


def test_links_to_the_empty_word_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "gold.wa"
    path.write_text("1 0 1 S\n1 2 1 P\n")
    assert read_gold(path, sentences=2) == [gold(links(), links((1, 0))), gold(links())]


@pytest.mark.parametrize(
    ("text", "place"), [("0-0\n0-0 1:1\n", ":2: .*'1:1'"), ("1 1 1 S\n1 1 S\n", ":2: .*'1 1 S'")]
)
def test_a_bad_line_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "gold"
    path.write_text(text)
    with pytest.raises(UserError, match=f"gold{place}"):
        read_gold(path)


def test_a_wrong_number_of_sentences_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text("0-0\n1-1\n")
    with pytest.raises(UserError, match="of 3 pairs, found 2"):
        read_gold(path, sentences=3)
    with pytest.raises(UserError, match="1 aligned sentences, but gold for 2"):
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


WEIGHTS_TS = np.array([[0.1, 0.6, 0.3], [0.45, 0.1, 0.45], [0, 0, 0]])


def test_each_target_word_links_to_its_greatest_weight() -> None:
    assert links_from_attention(WEIGHTS_TS) == links((1, 0), (0, 1))


def test_a_threshold_links_to_every_weight_that_reaches_it() -> None:
    assert links_from_attention(WEIGHTS_TS, threshold=0.3) == links((1, 0), (2, 0), (0, 1), (2, 1))


def test_no_threshold_links_to_a_word_without_weight() -> None:
    assert links_from_attention(np.array([[0, 0.5], [0, 0]]), threshold=0) == links((1, 0))


def test_no_words_have_no_links() -> None:
    assert links_from_attention(np.zeros((0, 3))) == links()
    assert links_from_attention(np.zeros((3, 0))) == links()


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
