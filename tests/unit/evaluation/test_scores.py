import math
import os
import unicodedata

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from seq2seq.config import BleuTokenizer
from seq2seq.errors import UserError
from seq2seq.evaluation.moses import score_moses
from seq2seq.evaluation.scores import (
    quick_scores,
    render_scores,
    score_corpus,
    score_exact,
    why_bleu_is_blind,
)


def scores_of(hypotheses: list[str], reference: list[str], bootstrap: int = 0) -> dict[str, float]:
    scores = score_corpus(hypotheses, [reference], bootstrap=bootstrap)
    return {score.name: score.value for score in scores}


def test_perfect_translations_score_100_and_need_no_edits() -> None:
    lines = ["Le chat dort sur le lit.", "Il pleut encore ce soir."]
    assert scores_of(lines, lines) == pytest.approx({"BLEU": 100, "chrF2": 100, "TER": 0})


def test_bleu_is_the_geometric_mean_of_the_hand_counted_precisions() -> None:
    # 1 of 6 words is wrong: 5/6 unigrams, 4/5 bigrams, 3/4 trigrams, 2/3 four-grams are right
    value = scores_of(["a b c d e x"], ["a b c d e f"])["BLEU"]
    assert value == pytest.approx(100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** (1 / 4))


def test_a_short_output_pays_the_brevity_penalty() -> None:
    value = scores_of(["a b c d e"], ["a b c d e f g h"])["BLEU"]
    assert value == pytest.approx(100 * math.exp(1 - 8 / 5))


def test_ter_counts_edits_for_each_reference_word() -> None:
    assert scores_of(["a b c d"], ["a b x d e"])["TER"] == pytest.approx(100 * 2 / 5)


def test_case_counts() -> None:
    assert scores_of(["le chat dort sur le lit ."], ["Le chat dort sur le lit ."])["BLEU"] < 100


def test_the_quick_figures_are_the_full_ones() -> None:
    hypotheses, references = ["Le chien dort.", "Il neige."], [["Le chat dort.", "Il neige fort."]]
    bleu, chrf, _ = score_corpus(hypotheses, references, bootstrap=0)
    exact = score_exact(hypotheses, references)
    assert quick_scores(hypotheses, references) == (bleu.value, chrf.value, exact.value)


def test_a_line_is_right_if_it_is_one_of_its_references_to_the_letter() -> None:
    hypotheses = ["3f a0", "3f a0 ", "3f", "A0", "re\u0301gle"]
    references: list[list[str | None]] = [
        ["3f a0", "3f a0", "3f a0", "a0", "x"],
        [None, None, "3f", "", "r\u00e9gle"],
    ]
    assert score_exact(hypotheses, references).value == pytest.approx(80)


def test_the_interval_of_exact_match_is_wilsons() -> None:
    score = score_exact(["a"] * 9 + ["b"], [["a"] * 10])
    assert score.signature == "9 of 10 lines"
    assert score.interval == pytest.approx((59.585, 98.212), abs=1e-3)  # of 9 in 10, by his formula
    assert score_exact(["a"] * 10, [["a"] * 10]).interval == pytest.approx((72.247, 100), abs=1e-3)


def test_any_of_several_references_may_match() -> None:
    references = [["Salut à tous les amis !"], ["Bonjour à tous les amis !"]]
    assert quick_scores(["Bonjour à tous les amis !"], references).bleu == pytest.approx(100)


def test_intervals_are_the_same_every_time_whatever_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hypotheses = [f"le chat numéro {n} dort sur le lit" for n in range(20)]
    references = [[line.replace("lit", "toit") if len(line) % 2 else line for line in hypotheses]]
    first = score_corpus(hypotheses, references, bootstrap=50)
    monkeypatch.setenv("SACREBLEU_SEED", "none")
    assert score_corpus(hypotheses, references, bootstrap=50) == first
    assert os.environ["SACREBLEU_SEED"] == "none"
    for score in first:
        assert score.interval is not None
        assert score.interval[0] < score.value < score.interval[1]


def test_the_signature_says_how_it_was_counted() -> None:
    bleu, chrf, ter = score_corpus(["un"] * 2, [["un"] * 2], bootstrap=10)
    for part in ("nrefs:1", "bs:10", "seed:12345", "case:mixed", "tok:13a"):
        assert part in bleu.signature.split("|")
    assert "nc:6" in chrf.signature
    assert "tok:tercom" in ter.signature
    assert bleu.signature in render_scores([bleu])


def test_a_large_corpus_is_resampled_less_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.evaluation.metric._RESAMPLED_LINES", 500)
    score = score_corpus(["un deux"] * 10, [["un deux"] * 10], bootstrap=1000)[0]
    assert "bs:50" in score.signature.split("|")


def test_a_hopeless_translation_has_an_interval_too() -> None:
    score = score_corpus(["x y"] * 3, [["a b"] * 3], bootstrap=10)[0]
    assert (score.value, score.interval) == (0, (0, 0))


# --- small sets, and the range of the metrics -----------------------------------------------------


@pytest.mark.parametrize("count", range(1, 11))
@pytest.mark.parametrize("right", ["all", "none", "one", "all but one", "empty"])
def test_every_small_set_has_scores_and_intervals_in_their_range(count: int, right: str) -> None:
    references = [f"le chat numéro {n} dort sur le lit" for n in range(count)]
    hypotheses = {
        "all": references,
        "none": ["xyz"] * count,
        "one": [references[0], *["xyz"] * (count - 1)],
        "all but one": [*references[1:], "x"],
        "empty": [""] * count,
    }[right]
    for score in score_corpus(hypotheses, [references], bootstrap=50):
        highest = math.inf if score.name == "TER" else 100 + 1e-9
        assert 0 <= score.value <= highest
        assert (score.interval is None) == (count == 1)
        if score.interval is not None:
            assert 0 <= score.interval[0] <= score.interval[1] <= highest
            assert all(type(bound) is float for bound in score.interval)


def test_the_interval_of_two_lines_holds_the_score_and_is_called_too_narrow() -> None:
    # Alone neither line has any BLEU, and the mean of the resamples strays with chance.
    bleu, *_ = score_corpus(["the cat sat", "x y z w v"], [["the cat sat", "a b c d e"]])
    assert bleu.interval is not None
    assert bleu.interval[0] < 29 < bleu.value == pytest.approx(bleu.interval[1], abs=1e-4)
    assert bleu.note == "2 lines are few: the interval is too narrow"
    (alone, *_) = score_corpus(["x y z w"], [["a b c d"]])
    assert (alone.interval, alone.note) == (None, "")


def test_nothing_for_nothing_is_a_translation_without_error() -> None:
    bleu, chrf, ter = score_corpus(["", ""], [["", ""]], bootstrap=10)
    assert (bleu.value, chrf.value, ter.value) == (0, 0, 0)


def test_an_interval_ends_where_the_resamples_end() -> None:
    hypotheses = ["the cat sat on a mat today", ""]
    bleu, _, ter = score_corpus(hypotheses, [hypotheses], bootstrap=1000)
    assert bleu.interval is not None
    assert 0 < bleu.interval[0] < bleu.interval[1] == 100
    assert ter.interval == (0, 0)
    (_, _, ter) = score_corpus(["", ""], [hypotheses], bootstrap=1000)  # of a resample 100, or 0
    assert ter.interval is not None
    assert 0 < ter.interval[0] < ter.interval[1] == 100


def test_short_lines_have_the_plain_figure_and_a_note_with_the_other() -> None:
    lines = ["I love you", "hello there"]
    bleu, chrf, _ = score_corpus(lines, [lines], bootstrap=0)
    assert (bleu.value, chrf.value) == (0, 100)
    assert "eff:no" in bleu.signature
    assert bleu.note == "no reference has four tokens, so BLEU can't tell; with eff:yes 100.00"
    (longer, *_) = score_corpus([*lines, "x"], [[*lines, "one two three four"]], bootstrap=0)
    assert longer.note == ""


# --- other tokenisers -----------------------------------------------------------------------------


def test_chinese_is_counted_by_characters_and_the_signature_says_so() -> None:
    bleu, _, ter = score_corpus(["老师喜欢水。"], [["老师喜欢茶。"]], language="zh")
    # 5 of 6 characters, 3 of 5 pairs, 2 of 4 triples, 1 of 3 fours
    assert bleu.value == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4))
    assert "tok:zh" in bleu.signature.split("|")
    assert ter.value == pytest.approx(100 / 6)
    assert "asian:yes" in ter.signature.split("|")
    (_, _, same) = score_corpus(["老师喜欢水。"], [["老师喜欢茶。"]], tokenize="char")
    assert same == ter


def test_the_literal_sacrebleu_figure_of_a_tokeniser_is_the_figure() -> None:
    hypotheses, references = ["ฉันอ่านหนังสือ"], [["ฉันชอบอ่านหนังสือ"]]
    bleu, chrf, _ = score_corpus(hypotheses, references, tokenize="char")
    assert bleu.value == BLEU(tokenize="char").corpus_score(hypotheses, references).score
    assert chrf.value == CHRF().corpus_score(hypotheses, references).score


# --- what is the same text, and what is no reference ----------------------------------------------


def test_composed_and_decomposed_text_score_alike_and_the_scores_say_what_was_composed() -> None:
    composed = ["Le café était fermé.", "Il a été élu à Orléans."]
    split = [unicodedata.normalize("NFD", line) for line in composed]
    hypotheses = ["Le café est fermé.", "Il a été élu là."]
    plain = score_corpus(hypotheses, [composed], bootstrap=0)
    decomposed = score_corpus(hypotheses, [split], bootstrap=0)
    assert [score.value for score in decomposed] == [score.value for score in plain]
    assert plain[0].note == ""
    assert decomposed[0].note == "2 references composed (NFC)"
    ours = [unicodedata.normalize("NFD", line) for line in hypotheses]
    (bleu, *_) = score_corpus(ours, [composed], bootstrap=0)
    assert (bleu.value, bleu.note) == (plain[0].value, "2 hypotheses composed (NFC)")


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_blank_line_among_several_references_is_a_missing_one(blank: str | None) -> None:
    hypotheses = ["the cat sat on a mat", "I do it"]
    first = ["the cat sat on a mat today", "I do it now with all of my friends here"]
    alone = score_corpus(hypotheses, [first], bootstrap=0)
    crossed: list[list[str | None]] = [[blank, first[1]], [first[0], blank]]
    for streams in (crossed, crossed[::-1]):
        found = score_corpus(hypotheses, streams, bootstrap=0)
        assert [score.value for score in found] == [score.value for score in alone]
        assert found[0].note == (
            "2 blank references taken for missing" if blank is not None else ""
        )
        assert "nrefs:1" in found[0].signature


def test_a_line_whose_references_are_all_blank_should_be_empty() -> None:
    hypotheses = ["", "a b c d"]
    several: list[list[list[str | None]]] = [
        [["", "a b c d"]],
        [[None, "a b c d"]],
        [["", "a b c d"], [" ", "x"]],
    ]
    for streams in several:
        bleu, _, ter = score_corpus(hypotheses, streams, bootstrap=0)
        assert bleu.value == pytest.approx(100)
        assert ter.value == 0


def test_a_wrong_number_of_lines_is_refused_with_both_numbers() -> None:
    with pytest.raises(UserError, match="the reference has 2 lines and the hypotheses have 1"):
        score_corpus(["a"], [["a", "b"]])
    with pytest.raises(UserError, match="reference 2 has 3 lines and the hypotheses have 1"):
        quick_scores(["a"], [["a"], ["a", "b", "c"]])
    with pytest.raises(UserError, match="expected hypotheses, found none"):
        score_corpus([], [[]])


def test_the_literatures_bleu_ignores_case_and_splits_hyphens_only_in_the_second_figure() -> None:
    pytest.importorskip("sacremoses")
    whole, split = score_moses(
        ["l'homme au T-SHIRT rouge ."], [["L'homme au t-short rouge."]], bootstrap=0
    )
    # whole: l' homme au t-shirt rouge .          5/6  3/5  1/4, and smoothing of 0/3 to 1/6
    # split: l' homme au t @-@ shirt rouge .      7/8  5/7  3/6  2/5
    assert whole.value == pytest.approx(100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** (1 / 4))
    assert split.value == pytest.approx(100 * (7 / 8 * 5 / 7 * 3 / 6 * 2 / 5) ** (1 / 4))
    assert "not comparable with sacreBLEU 13a" in str(whole)
    assert "case:lc" in whole.signature


def test_without_sacremoses_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sacremoses", None)
    with pytest.raises(UserError, match=r"pip install 'seq2seq-attention\[moses\]'"):
        score_moses(["a"], [["a"]])


def test_nothing_is_scored_against_missing_references_alone() -> None:
    with pytest.raises(UserError, match=r"^cannot score: expected references, found none but"):
        score_corpus(["je t'aime"], [[None], [None]])
    assert score_corpus(["je t'aime"], [[None], ["je t'aime"]], bootstrap=0)[1].value == 100


@pytest.mark.parametrize(
    ("lines", "tokenize", "blind"),
    [
        (["je t'aime"] * 500, "13a", True),  # two tokens
        (["deux mots ici"] * 500, "13a", True),
        (["un deux trois quatre"] * 99, "13a", True),  # one run of four each
        (["un deux trois quatre"] * 100, "13a", False),
        (["un deux trois quatre"] * 150 + ["un mot"] * 1851, "13a", True),  # not one for ten lines
        (["un deux trois quatre"] * 210 + ["un mot"] * 1790, "13a", False),
        (["在图书馆里老师喜欢水。"] * 100, "13a", True),
        (["在图书馆里老师喜欢水。"] * 100, "zh", False),
    ],
)
def test_bleu_is_blind_where_hardly_a_line_has_four_tokens(
    lines: list[str], tokenize: BleuTokenizer, blind: bool
) -> None:
    reason = why_bleu_is_blind(lines, tokenize)
    assert bool(reason) == blind
    if blind:
        assert f"tok:{tokenize}" in reason
