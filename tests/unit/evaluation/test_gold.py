"""Gold alignments: both formats of files, and what is wrong in them."""

from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.gold import GoldAlignment, read_gold
from seq2seq.evaluation.links import Links, pharaoh


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


def gold(sure: Links, possible: Links = frozenset()) -> GoldAlignment:
    return GoldAlignment(sure, sure | possible)


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
