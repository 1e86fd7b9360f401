"""What a model can't read: text of unknown characters, and lines of any length."""

from __future__ import annotations

import logging
import unicodedata
from pathlib import Path

import pytest

import seq2seq
from seq2seq import DecodingConfig, Translation, Translator, UserError, load_config
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.explain import explain
from seq2seq.pipeline import train
from tests.integration.tiny import BY_HEART, tiny

SPLITS = ("train", "valid")
GREEDY = DecodingConfig(beam=1)
EMPTY = DecodingConfig(beam=1, unknown="empty")
FOREIGN = ["😀", "我爱你", "Привет, мир", "ΓΕΙΑ", "👩‍👩‍👧 😀", "สวัสดี", "«ЯЖ»!", "  😀 ", "Щ 25"]


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    folder = tmp_path_factory.mktemp("unknown")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        return seq2seq.load(train(tiny(folder, *BY_HEART), folder / "run").folder)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "seq2seq")
    return caplog


# --- one text or many -----------------------------------------------------------------------------


def test_one_text_gives_one_translation_and_a_list_gives_a_list(translator: Translator) -> None:
    one = translator.translate("the cat sleeps", GREEDY)
    assert isinstance(one, Translation)
    (same,) = translator.translate(["the cat sleeps"], GREEDY)
    assert one.text == same.text == "le chat dort"
    assert translator.translate("").text == ""
    assert [each.text for each in translator.stream("here")] == ["ici"]


# --- unknown sources ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FOREIGN)
def test_a_line_of_nothing_but_unknown_words_is_copied_or_left_empty(
    text: str, translator: Translator
) -> None:
    found = translator.translate(text, GREEDY)
    assert (found.text, found.is_unknown, found.candidates) == (text, True, [])
    assert found.attention.shape == (0, len(found.source_words))
    assert found.as_dict()["translation"] == text
    assert translator.translate(text, EMPTY).text == ""


def test_letters_of_the_target_s_script_are_unknown_in_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    pairs = [("the cat sleeps", "猫在睡觉"), ("the dog eats", "狗在吃东西")]
    run = train(tiny(tmp_path, "training.max_steps=1", pairs=pairs), tmp_path / "run")
    translator = seq2seq.load(run.folder)
    for text in ("猫在睡觉", "狗 25!", "猫😀"):
        assert (translator.translate(text).text, translator.translate(text).is_unknown) == (text, 1)
    assert translator.translate("the 猫").candidates
    assert translator.translate("猫", DecodingConfig(beam=1, unknown="translate")).candidates


def test_scripts_that_training_sources_were_written_in_are_known_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    pairs = [
        ("बिल्ली सोती है", "the cat sleeps"),
        ("kutta khata hai", "the dog eats"),
        ("billi khati hai", "the cat eats"),
    ]
    files = [f"data.{split}=[{tmp_path}/{split}.en,{tmp_path}/{split}.fr]" for split in SPLITS]
    overrides = ["training.max_steps=1", "data.source=hi", "data.target=en", *files]
    run = train(tiny(tmp_path, *overrides, pairs=pairs), tmp_path / "run")
    assert run.source_scripts == ["Devanagari", "Latin"]
    translator = seq2seq.load(run.folder)
    for text in ("kutta hai", "बिल्ली है"):
        assert translator.translate(text).candidates, text
    assert translator.translate("猫").is_unknown


def test_what_a_vocabulary_of_the_source_s_own_has_is_known_in_any_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    pairs = [("the cat sleeps", "le chat dort"), ("猫が sleeps", "un chat dort")]
    apart = ("training.max_steps=1", "tokenizer.joint=false", "model.tie=none")
    translator = seq2seq.load(train(tiny(tmp_path, *apart, pairs=pairs), tmp_path / "run").folder)
    assert translator.translate("猫が").candidates
    assert translator.translate("狗").is_unknown


def test_a_line_with_a_known_word_is_translated_without_a_mark_for_the_rest(
    translator: Translator,
) -> None:
    found = translator.translate(["the cat 😀 sleeps", "here Ω", "我 cat"], GREEDY)
    assert [each.unknown for each in found] == [1, 1, 1]
    assert not any(each.is_unknown or "⁇" in each.text for each in found)
    assert all(each.candidates for each in found)


def test_a_blank_line_is_not_unknown(translator: Translator) -> None:
    found = translator.translate("  ")
    assert (found.text, found.unknown, found.is_unknown) == ("", 0, False)


def test_unknown_lines_are_warned_of_once_with_their_number(
    translator: Translator, told: pytest.LogCaptureFixture
) -> None:
    translator.translate(["here", *["😀"] * 7, "the cat ☃ ☃", ""], GREEDY)
    assert [record.getMessage() for record in told.records] == [
        "no word known to the model: 7 lines (2, 3, 4, 5, 6, ...) (decoding.unknown)",
        "2 source pieces unknown to the model: line 9",
    ]
    told.clear()
    translator.translate(["here", "the cat sleeps"], GREEDY)
    assert not told.records


def test_rows_of_a_table_are_warned_of(
    translator: Translator, told: pytest.LogCaptureFixture
) -> None:
    list(translator.translate(["here", "here\tici", "the cat\tle chat"], GREEDY))
    assert [record.getMessage() for record in told.records] == [
        "tabs inside: 2 lines (2, 3), translated whole; `cut -f1` takes the first column of a table"
    ]


def test_unknown_sources_are_a_pathology_of_their_own(translator: Translator) -> None:
    translator.options = GREEDY
    sources = ["the cat sleeps", "我爱你", "Привет, мир, как дела"]
    found = evaluate(translator, sources, [["le chat dort", "je", "salut"]], bootstrap=0)
    assert found.pathologies is not None
    assert found.pathologies["unknown source"].lines == (2, 3)
    assert found.pathologies["copied"].count == found.pathologies["empty"].count == 0
    assert "unknown source" in found.render()


def test_an_unknown_source_can_be_explained_and_forced(translator: Translator) -> None:
    assert explain(translator, "😀").translation == "😀"
    (forced,) = translator.force([("😀", "le chat")])
    assert (forced.text, len(forced.candidates)) == ("le chat", 1)


# --- what is kept ---------------------------------------------------------------------------------


def test_tags_and_unknown_words_survive_if_asked_for(translator: Translator) -> None:
    options = DecodingConfig(beam=1, keep=True)
    texts = ["<b>the cat</b> sleeps", "the dog 😀 sleeps", "the cat sleeps", "<br/>", "<b>我</b>"]
    found = translator.translate(texts, options)
    assert found[0].text == "<b>le chat</b> dort"
    assert found[1].text.count("😀") == 1
    assert [each.text for each in found[2:]] == ["le chat dort", "<br/>", "<b>我</b>"]
    assert found[0].source == "the cat sleeps"
    assert [each.is_unknown for each in found] == [False, False, False, False, True]


def test_what_is_kept_is_found_in_any_form_of_the_text(translator: Translator) -> None:
    options = DecodingConfig(beam=1, keep=True)
    name = unicodedata.normalize("NFD", "Ωμέγάλέ")
    for text in (f"the dog {name} sleeps", f"the\u00ad <i>dog</i> {name}\u00a0sleeps"):
        (found,) = translator.translate([text], options)
        assert found.text.count("Ωμέγάλέ") == 1, text


def test_a_given_translation_is_read_with_the_tags_of_its_source(translator: Translator) -> None:
    before = translator.options
    translator.options = DecodingConfig(keep=True)
    (forced,) = translator.force([("<b>the cat</b> sleeps", "<b>le chat</b> dort")])
    translator.options = before
    assert forced.source == "<b>the cat</b> sleeps"


def test_every_hypothesis_keeps(translator: Translator) -> None:
    options = DecodingConfig(beam=3, n_best=3, keep=True)
    (found,) = translator.translate(["the cat sees http://a.org/b"], options)
    assert [each.text.count("http://a.org/b") for each in found.candidates] == [1, 1, 1]


def test_keeping_needs_attention(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Translator, "has_attention", False)
    with pytest.raises(UserError, match=r"decoding\.keep: the model has no attention weights"):
        translator.translate("here", DecodingConfig(keep=True))
    with pytest.raises(UserError, match=r"decoding\.keep copies by attention"):
        load_config(None, ["decoding.keep=true", "model.attention=none"])


# --- lines of any length --------------------------------------------------------------------------


def test_of_a_line_beyond_the_limit_the_first_words_are_translated_and_it_is_said(
    translator: Translator, told: pytest.LogCaptureFixture
) -> None:
    options = DecodingConfig(beam=1, max_source=4)
    found = translator.translate(["the cat sleeps", "the cat sleeps here here here"], options)
    assert [each.source for each in found] == ["the cat sleeps", "the cat sleeps here"]
    assert found[1].text == translator.translate("the cat sleeps here", GREEDY).text
    (warning,) = told.messages
    assert warning == (
        "line 2 has 29 characters, which are more than 4 pieces (decoding.max_source): only the "
        "first 19 characters are translated"
    )


@pytest.mark.parametrize(
    "line",
    ["cat " * 250_000, "a" * 1_000_000, "cat." * 250_000, "😀" * 1_000_000, "a\u0301" * 500_000],
    ids=["words", "one word", "full stops", "unknown", "marks"],
)
def test_a_line_of_a_megabyte_is_cut_before_it_is_spelt(
    line: str, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    spelt: list[int] = []
    encode = translator.tokenizers.source.encode

    def spy(text: str) -> list[int]:
        spelt.append(len(text))
        return encode(text)

    monkeypatch.setattr(translator.tokenizers.source, "encode", spy)
    found = translator.translate(["here", line, "here"], GREEDY)
    assert [found[0].text, found[2].text] == ["ici", "ici"]
    assert len(found[1].source_pieces) <= GREEDY.max_source + 1  # and the end
    assert max(spelt) <= 16 * GREEDY.max_source


def test_a_megabyte_of_spaces_hides_no_word(
    translator: Translator, told: pytest.LogCaptureFixture
) -> None:
    wide = "the cat" + " " * 1_000_000 + "sleeps"
    assert translator.translate(wide, GREEDY).text == "le chat dort"
    assert translator.translate(" " * 1_000_000, GREEDY).text == ""
    assert not told.records
