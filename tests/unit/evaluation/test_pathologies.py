import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.pathologies import find_pathologies, has_loop, render_pathologies


def lines_of(name: str, sources: list[str], hypotheses: list[str]) -> tuple[int, ...]:
    return find_pathologies(sources, hypotheses)[name].lines


def test_good_translations_are_clean() -> None:
    report = find_pathologies(["The cat sleeps."], ["Le chat dort."])
    assert report.clean
    assert report.length_ratio == 1
    assert render_pathologies(report).endswith("no pathologies")


def test_an_empty_output_is_found_unless_the_source_is_empty_too() -> None:
    sources, hypotheses = ["Hello.", "", "Bye."], ["", "", "Salut."]
    assert lines_of("empty", sources, hypotheses) == (1,)
    assert lines_of("invented", ["", "Hi."], ["Merci.", "Salut."]) == (1,)


@pytest.mark.parametrize(
    "text",
    ["non non non", "le chat le chat le chat", "a b c d a b c d a b c d", "ok x y x y x y"],
)
def test_an_ngram_three_times_in_a_row_is_a_loop(text: str) -> None:
    assert has_loop(text.split())


@pytest.mark.parametrize(
    "text",
    ["non non oui non", "le chat le chat le", "a b c d e a b c d e a b c d e", "1 000 000 000"],
)
def test_less_than_three_times_or_more_than_four_words_is_no_loop(text: str) -> None:
    assert not has_loop(text.split())


def test_a_loop_that_the_source_has_too_is_right() -> None:
    assert lines_of("looping", ["ha ha ha", "Stop."], ["ha ha ha", "Arrête arrête Arrête"]) == (2,)


def test_a_copied_sentence_is_found_but_not_a_copied_name() -> None:
    sources = ["John Smith", "The cat sleeps here.", "It rains."]
    assert lines_of("copied", sources, ["John Smith", "the cat sleeps here.", "Il pleut."]) == (2,)


def test_lengths_far_from_the_source_are_found() -> None:
    sources = ["a b", "a b", " ".join("abcdefghijklmnop")]
    hypotheses = [" ".join("abcdefghi"), " ".join("abcdefghij"), "a b c d e"]
    assert lines_of("too long", sources, hypotheses) == (2,)  # 2 x 2 + 5 is 9
    assert lines_of("too short", sources, hypotheses) == (3,)  # 2 x 5 + 5 is less than 16


@pytest.mark.parametrize(
    "translation",
    [
        "今天老师看见了那条河，可是没有人知道为什么。",
        "今日は先生が川を見ましたが、なぜか誰も知りませんでした。",
        "วันนี้ครูเห็นแม่น้ำแต่ไม่มีใครรู้ว่าทำไม",
        "आज शिक्षक ने नदी देखी, लेकिन किसी को पता नहीं था कि क्यों।",
        "امروز معلم رودخانه را دید، اما هیچ\u200cکس نمی\u200cدانست چرا.",
    ],
)
def test_a_right_translation_is_clean_in_any_script(translation: str) -> None:
    source = "Today the teacher saw the river, but nobody knew why."
    assert find_pathologies([source, translation], [translation, source]).clean
    doubled = find_pathologies([source], [translation * 5])
    assert doubled["too long"].count == 1


def test_a_copy_is_one_whatever_its_canonical_form() -> None:
    assert lines_of("copied", ["E\u0301le\u0300ve, ou\u0300 vas-tu"], ["Élève, où vas-tu"]) == (1,)


def test_truncated_outputs_are_those_that_are_flagged() -> None:
    report = find_pathologies(["a", "b", "c"], ["x", "y", "z"], truncated=[False, True, True])
    assert report["truncated"].lines == (2, 3)
    assert report["truncated"].rate == pytest.approx(2 / 3)


def test_one_output_for_different_sources_is_found_with_the_commonest() -> None:
    report = find_pathologies(["a", "b", "a", "c", "d"], ["x", "x", "x", "y", "z"])
    assert report["same output"].lines == (1, 2, 3)
    assert (report.commonest, report.commonest_sources) == ("x", 2)
    assert "2 sources: 'x'" in render_pathologies(report)


def test_the_same_source_may_have_the_same_output() -> None:
    assert find_pathologies(["a", "a"], ["x", "x"]).clean


def test_only_the_first_lines_are_kept_but_all_are_counted() -> None:
    report = find_pathologies([f"word {n}" for n in range(9)], [""] * 9)
    assert report["empty"].count == 9
    assert report["empty"].lines == (1, 2, 3, 4, 5)


def test_nothing_translated_is_clean() -> None:
    assert find_pathologies([], []).clean


def test_a_wrong_number_of_lines_is_refused_with_both_numbers() -> None:
    with pytest.raises(UserError, match="expected 2 translations, one for each source, found 1"):
        find_pathologies(["a", "b"], ["x"])
