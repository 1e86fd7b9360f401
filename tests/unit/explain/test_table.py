"""The step table and the matrix as text, against the source article's own figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.data.tokenizer import WordPieces
from seq2seq.explain import Explanation, Kinds, explain
from seq2seq.explain.cells import short
from seq2seq.explain.table import render, render_steps
from seq2seq.translation.translation import display_width, pad, render_matrix
from tests.unit.explain.tiny import TEXT, article, translator

ARTICLE = """\
I love you  ->  je t'aime

step  x     h, H             s                scores          w = softmax  c = H w                   y
1     I     |5.0|  3.0  4.0
2     love  |1.0| -.60  .80
3     you   |12|    0  -12
4           H                |.50|    0  .50   .63 -3.2 -2.5  .94 .02 .04  .94 h1 + .02 h2 + .04 h3  je
5           H                |2.5|  1.5  2.0  -1.5 -3.9  .57  .11 .01 .88  .11 h1 + .01 h2 + .88 h3  t'
6           H                |.25|    0 -.25  -2.8  .64 -3.2  .03 .95 .02  .03 h1 + .95 h2 + .02 h3  aime

H  the encoder's states h1 ... h3, read from the beginning; 2 entries
s  the decoder's state after the word before; it starts as the encoder's last; 2 entries
w  by softmax from the scores of dot attention

           I    love     you
je    [0.94]   0.02    0.04\x20
t'     0.11    0.01   [0.88]
aime   0.03   [0.95]   0.02\x20"""  # noqa: E501 -- as wide as it is

NARROW = """\
#  x     |h|  |s|  scores          w = softmax  c = H w                   y
1  I     5.0
2  love  1.0
3  you   12
4        H    .50   .63 -3.2 -2.5  .94 .02 .04  .94 h1 + .02 h2 + .04 h3  je
5        H    2.5  -1.5 -3.9  .57  .11 .01 .88  .11 h1 + .01 h2 + .88 h3  t'
6        H    .25  -2.8  .64 -3.2  .03 .95 .02  .03 h1 + .95 h2 + .02 h3  aime
"""

NARROWER = """\
#  x     |h|  |s|  scores       w = softmax  c = H w              y
1  I     5.0
2  love  1.0
3  you   12
4        H    .50   .63 -2.5 …  .94 .04 …    .94 h1 + .04 h3 + …  je
5        H    2.5   .57 -1.5 …  .88 .11 …    .88 h3 + .11 h1 + …  t'
6        H    .25   .64 -2.8 …  .95 .03 …    .95 h2 + .03 h1 + …  aime
"""


def long(words: int) -> Explanation:
    """Every target word looks at its own source word with .97, at the one after with .03."""
    weights_TS = np.eye(words) * 0.97 + np.roll(np.eye(words), 1, 1) * 0.03
    names = [WordPieces(f"word{i}", (i,)) for i in range(words)]
    states_SE = np.ones((words, 9))
    return article(
        source_pieces=[f"▁{name.word}" for name in names],
        target_pieces=[f"▁{name.word}" for name in names],
        source_words=names,
        target_words=names,
        states_SE=states_SE,
        values_HSV=states_SE[None],
        decoder_TD=states_SE,
        scores_HTS=10 * weights_TS[None],
        weights_HTS=weights_TS[None],
        context_TC=weights_TS @ states_SE,
    )


def test_the_articles_table_and_matrix_are_printed() -> None:
    assert render(article()) == ARTICLE


def test_in_80_columns_it_has_norms_only_and_then_the_largest_weights_only() -> None:
    assert render_steps(article(), width=80).startswith(NARROW)
    assert render_steps(article(), width=72).startswith(NARROWER)


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("words", [1, 12, 50])
def test_no_line_is_wider_than_asked_for_whatever_the_sentence(words: int, width: int) -> None:
    explanation = long(words)
    _, *lines = render(explanation, width=width).splitlines()
    assert max(map(display_width, lines)) <= width
    table = lines[2 : 2 + 2 * words]
    assert [line.split()[0] for line in table] == [str(n) for n in range(1, 2 * words + 1)]


def test_a_matrix_too_wide_gives_each_words_weightiest_words() -> None:
    *_, matrix = render(long(30), width=100).split("\n\n")
    first, *_, last = matrix.splitlines()
    assert first.split() == ["word0", ".97", "word0", ".03", "word1"]
    assert last.split() == ["word29", ".97", "word29", ".03", "word0"]


def test_full_shows_every_entry_and_every_term() -> None:
    wide = long(30)
    text = render(wide, full=True)
    row = text.splitlines()[2 + 30 + 1]
    assert "…" not in text
    assert row.split()[2:].count("1.0") == 9  # s
    assert row.split().count("9.7") == 1  # the scores
    assert row.split()[-6:] == [".97", "h1", "+", ".03", "h2", "word0"]


def test_a_long_word_is_cut_off_in_the_table_only() -> None:
    word = "Donaudampfschifffahrt"
    named = article(
        source_pieces=["▁I", f"▁{word}", "▁you"],
        source_words=[WordPieces(w, (i,)) for i, w in enumerate(["I", word, "you"])],
    )
    table, matrix = render(named).split("\n\n")[1::2]
    assert "Donaudampfsch…  " in table
    assert word not in table
    assert word in matrix


def test_a_blank_text_says_that_it_is_blank() -> None:
    assert render(explain(translator(), " ")) == "(nothing to explain: the text is blank)"


def test_weights_of_another_addressing_are_not_called_softmax() -> None:
    kinds = replace(article().kinds, addressing="local-p")
    header = render_steps(article(kinds=kinds)).splitlines()[0]
    assert "w (local-p)" in header
    assert "softmax" not in header


def test_what_is_not_a_mean_of_states_is_not_called_so() -> None:
    projected = article(values_HSV=article().states_SE[None] + 1)
    text = render_steps(projected)
    assert "c = V w" in text
    assert ".94 v1 + .02 v2 + .04 v3" in text


def test_the_mean_of_heads_has_no_sum_for_a_context_but_one_head_has() -> None:
    seen = explain(
        translator({"kind": "multihead", "size": 6, "heads": 3}, source_end=False), "cat"
    )
    mean, second = render_steps(seen), render_steps(seen, head=1)
    norm = short(float(np.linalg.norm(seen.context_TC[0])))
    assert f"|{norm}| " in mean
    assert "w (softmax)" in mean
    assert "mean of 3 heads" in mean
    assert " v1" not in mean.splitlines()[2]
    assert "1.0 v1" in second
    assert "w = softmax" in second
    assert "head 2" in second


def test_without_attention_there_are_no_scores_and_no_matrix() -> None:
    text = render(explain(translator("none"), TEXT))
    header = text.splitlines()[2]
    assert header.split() == ["step", "x", "h,", "H", "s", "y"]
    assert "there is no attention" in text.splitlines()[-1]


def test_pieces_have_a_matrix_with_a_row_for_the_end() -> None:
    seen = explain(translator(), TEXT, target="un chat")
    *_, matrix = render(seen, pieces=True, full=True).split("\n\n")
    assert [line.split()[0] for line in matrix.splitlines()[1:]] == seen.target_labels
    assert matrix.splitlines()[0].split() == seen.source_labels


def test_self_attention_has_a_matrix_of_its_own() -> None:
    text = render(explain(translator(self_attention="dot"), "the cat"))
    title, matrix = text.split("\n\n")[-2:]
    assert title == "encoder.self: dot attention"
    assert [line.split()[0] for line in matrix.splitlines()] == ["the", "the", "cat", "</s>"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.94, ".94"),
        (-3.2, "-3.2"),
        (0.5, ".50"),
        (-0.004, "0"),
        (0.0, "0"),
        (0.996, "1.0"),
        (1.0, "1.0"),
        (-0.35, "-.35"),
        (9.94, "9.9"),
        (9.96, "10"),
        (12.4, "12"),
        (-1234.0, "-1234"),
        (99999.0, "1e05"),
        (-1.7e38, "-2e38"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_have_two_digits_as_in_the_article(value: float, text: str) -> None:
    assert short(value) == text


def test_kinds_that_are_not_known_by_name_are_no_error() -> None:
    text = render(article(kinds=Kinds("Own", "Mine", "Theirs", "None", "in both directions")))
    assert "by Mine from the scores of Own attention" in text


# --- columns of a terminal ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width"),
    [
        *[("", 0), ("aime", 4), ("我爱你", 6), ("ａ", 2), ("ｱ", 1), ("é", 1), ("e\u0301", 1)],
        *[("한국", 4), ("שָׁלוֹם", 4), ("a\u200bb", 2), ("👩", 2), ("नमस्ते", 4)],
        *[("\u1112\u1161\u11ab", 2), ("น้ำ", 2), ("می\u200cخواهم", 7), ("か\u3099", 2)],
        *[("👩\u200d👩\u200d👧", 2), ("👍🏽", 2), ("🇫🇷", 2), ("❤\ufe0f", 2), ("1\ufe0f\u20e3", 2)],
        *[("\u200eشاه\u200e", 3), ("\t", 0)],
    ],
)
def test_wide_characters_take_two_columns_and_marks_none(text: str, width: int) -> None:
    assert display_width(text) == width


def test_padding_fills_up_to_columns_not_to_characters() -> None:
    assert pad("我", 4) == "我  "
    assert pad("我", 4, right=True) == "  我"


def test_words_written_from_the_right_leave_the_columns_in_their_order() -> None:
    # Left-to-right marks (U+200E) about them: without, a terminal turns the numbers after them.
    weights_IJ = np.array([[0.9, 0.1]], np.float32)
    heading, row = render_matrix(weights_IJ, ["شاه"], ["سلام", "you"]).split("\n")
    assert heading == "       \u200eسلام\u200e     you"
    assert row == "\u200eشاه\u200e  [0.90]   0.10 "
    title = render(article(source="سلام دنیا", translation="hi")).split("\n")[0]
    assert title == "\u200eسلام دنیا\u200e  ->  hi"


def test_a_long_word_is_clipped_between_its_characters() -> None:
    family = "👩\u200d👩\u200d👧\u200d👦"
    words = [WordPieces(family * 9, (0,)), WordPieces("love", (1,)), WordPieces("you", (2,))]
    shown = render(article(source_pieces=[family * 9, "love", "you"], source_words=words))
    assert f" {family * 6}…" in shown


def test_a_matrix_of_wide_words_stays_in_line() -> None:
    weights_IJ = np.array([[0.9, 0.1], [0.25, 0.75]], np.float32)
    assert render_matrix(weights_IJ, ["我爱", "te\u0301"], ["我", "爱爱爱爱"]) == "\n".join(
        [
            "          我  爱爱爱爱",
            "我爱  [0.90]     0.10 ",
            "te\u0301     0.25     [0.75]",
        ]
    )
