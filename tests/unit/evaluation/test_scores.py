import math
import os

import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.scores import quick_bleu, render_scores, score_corpus, score_moses


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


def test_the_quick_figure_is_the_full_one() -> None:
    hypotheses, references = ["Le chien dort.", "Il neige."], [["Le chat dort.", "Il neige fort."]]
    full = score_corpus(hypotheses, references, bootstrap=0)[0]
    assert quick_bleu(hypotheses, references) == full.value


def test_any_of_several_references_may_match() -> None:
    references = [["Salut à tous les amis !"], ["Bonjour à tous les amis !"]]
    assert quick_bleu(["Bonjour à tous les amis !"], references) == pytest.approx(100)


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
    bleu, chrf, ter = score_corpus(["un"], [["un"]], bootstrap=10)
    for part in ("nrefs:1", "bs:10", "seed:12345", "case:mixed", "tok:13a"):
        assert part in bleu.signature.split("|")
    assert "nc:6" in chrf.signature
    assert "tok:tercom" in ter.signature
    assert bleu.signature in render_scores([bleu])


def test_a_large_corpus_is_resampled_less_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.evaluation.scores._RESAMPLED_LINES", 500)
    score = score_corpus(["un deux"] * 10, [["un deux"] * 10], bootstrap=1000)[0]
    assert "bs:50" in score.signature.split("|")


def test_a_hopeless_translation_has_an_interval_too() -> None:
    score = score_corpus(["x y"] * 3, [["a b"] * 3], bootstrap=10)[0]
    assert (score.value, score.interval) == (0, (0, 0))


def test_a_wrong_number_of_lines_is_refused_with_both_numbers() -> None:
    with pytest.raises(UserError, match="the reference has 2 lines, the hypotheses 1"):
        score_corpus(["a"], [["a", "b"]])
    with pytest.raises(UserError, match="reference 2 has 3 lines, the hypotheses 1"):
        quick_bleu(["a"], [["a"], ["a", "b", "c"]])
    with pytest.raises(UserError, match="0 hypotheses"):
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
