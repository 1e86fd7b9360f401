"""Which columns of a table are taken, and what is said of it."""

import logging
from pathlib import Path

import pytest

from seq2seq.config import DataConfig
from seq2seq.data.corpus import Columns, Pair, find_corpus, find_test_set, warn_if_odd
from seq2seq.data.identification import find_order, guess_language
from seq2seq.data.languages import known_language, same_language
from seq2seq.data.readers.headers import is_header_pair
from seq2seq.errors import UserError

ENGLISH = ["The dog sleeps on the chair.", "I love you very much.", "Where is my blue coat?"]
FRENCH = ["Le chien dort sur la chaise.", "Je t'aime beaucoup.", "Où est mon manteau bleu ?"]
OTHER = ["We were going to the beach.", "She has two brothers.", "It is raining in the town."]


def table(folder: Path, *columns: list[str], header: str = "") -> str:
    rows = "".join("\t".join(row) + "\n" for row in zip(*columns, strict=True))
    (folder / "a.tsv").write_text(header + rows, encoding="utf-8")
    return str(folder / "a.tsv")


def first(spec: str, columns: Columns | None = None) -> Pair:
    return next(iter(find_corpus(spec, "en", "fr", columns).pairs()))


def test_columns_are_taken_by_number_and_by_name(tmp_path: Path) -> None:
    plain = table(tmp_path, FRENCH, OTHER, ENGLISH)
    assert first(plain, (3, 1)) == Pair(ENGLISH[0], FRENCH[0], 1)
    named = table(tmp_path, FRENCH, OTHER, ENGLISH, header="A\tB\tC\n")
    assert first(named, ("c", "A")) == Pair(ENGLISH[0], FRENCH[0], 2)


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    plain = table(tmp_path, FRENCH, ENGLISH)
    with pytest.raises(UserError, match=r"no column 5; columns: 1: 'Le chien .*'; 2: 'The dog"):
        first(plain, (5, 1))
    with pytest.raises(UserError, match="no header row names 'en'"):
        first(plain, ("en", "fr"))
    named = table(tmp_path, FRENCH, ENGLISH, header="french\tenglish\n")
    with pytest.raises(UserError, match=r"no column 'englisch' \(did you mean 'english'\?\)"):
        first(named, ("englisch", "french"))


def test_a_test_set_need_not_be_laid_out_as_the_training_table(tmp_path: Path) -> None:
    spec = table(tmp_path, ENGLISH, FRENCH)
    found = find_test_set(spec, "en", "fr", (4, 7))
    assert next(iter(found.pairs())) == Pair(ENGLISH[0], FRENCH[0], 1)


def test_what_cannot_be_told_is_refused_with_a_sample_of_each_column(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot find .*1: 'The dog.*2: 'We were.*data\.columns"):
        first(table(tmp_path, ENGLISH, OTHER, FRENCH))


def test_two_columns_of_one_name_are_refused_by_that_name(tmp_path: Path) -> None:
    spec = table(tmp_path, ENGLISH, FRENCH, ENGLISH, header="en\tfr\tEN\n")
    with pytest.raises(UserError, match="columns 1 and 3 are each named 'En'"):
        first(spec, ("En", "fr"))
    assert first(spec, ("en", "fr")).source == ENGLISH[0]
    with pytest.raises(UserError, match="as 2 columns are named 'en'"):
        first(table(tmp_path, ENGLISH, FRENCH, ENGLISH, header="en\tfr\ten\n"))


def test_of_three_languages_in_a_header_none_asked_for_which_there_are_is_said(
    tmp_path: Path,
) -> None:
    spec = table(tmp_path, ENGLISH, OTHER, FRENCH, header="en\tth\tfr\n")
    with pytest.raises(UserError, match="give two of en, th, fr with --source and --target"):
        find_corpus(spec, "source", "target")


def test_a_blank_line_is_no_row_and_counts_as_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("\n \r\nen\tfr\n\nthe dog\tle chien\n\n\t\n")
    pairs = list(find_corpus(str(tmp_path / "a.tsv"), "en", "fr").pairs())
    assert pairs == [Pair("the dog", "le chien", 5), Pair("", "", 7)]


def test_of_three_languages_the_two_that_are_asked_for_are_taken(tmp_path: Path) -> None:
    german = ["Der Hund schläft auf dem Stuhl.", "Ich liebe dich sehr.", "Wo ist mein Mantel?"]
    assert first(table(tmp_path, german, FRENCH, ENGLISH)) == Pair(ENGLISH[0], FRENCH[0], 1)


def test_languages_may_be_words_of_ones_own(tmp_path: Path) -> None:
    spec = table(tmp_path, OTHER, ENGLISH, header="modern\tshakespeare\n")
    pairs = find_corpus(spec, "shakespeare", "modern").pairs()
    assert next(iter(pairs)) == Pair(ENGLISH[0], OTHER[0], 2)


def test_an_exchange_is_said_as_a_warning_and_a_plain_table_needs_no_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "seq2seq")
    first(table(tmp_path, ENGLISH, FRENCH))
    assert not caplog.records
    first(table(tmp_path, FRENCH, ENGLISH))
    assert caplog.records[0].levelno == logging.WARNING
    assert "en from column 2, fr from column 1 of 2, by what is in them" in caplog.text


def test_quotes_that_are_not_csv_are_kept_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = table(tmp_path, [f'"{text}"' for text in ENGLISH], FRENCH)
    assert first(spec).source == f'"{ENGLISH[0]}"'
    assert "many cells are in double quotes" in caplog.text


def test_one_sentence_in_quotes_is_speech(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sources = [f'"{ENGLISH[0]}"', *ENGLISH[1:], *OTHER]
    spec = table(tmp_path, sources, [f'"{FRENCH[0]}"', *FRENCH[1:], *FRENCH])
    assert first(spec) == Pair(f'"{ENGLISH[0]}"', f'"{FRENCH[0]}"', 1)
    assert not caplog.records


@pytest.mark.parametrize("name", ["a.en", "a.fr"])
def test_two_files_in_the_wrong_order_are_warned_of(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for side, lines in (("en", ENGLISH), ("fr", FRENCH)):
        (tmp_path / f"a.{side}").write_text("".join(f"{line}\n" for line in lines))
    pair = [str(tmp_path / name), str(tmp_path / ("a.fr" if name == "a.en" else "a.en"))]
    warn_if_odd(find_corpus(pair, "en", "fr"), DataConfig())
    assert ("look swapped: in 3 of 3 pairs" in caplog.text) == (name == "a.fr")


def test_a_header_in_two_files_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for side, lines in (("en", ["source", *ENGLISH]), ("fr", ["target", *FRENCH])):
        (tmp_path / f"a.{side}").write_text("".join(f"{line}\n" for line in lines))
    warn_if_odd(find_corpus(str(tmp_path / "a"), "en", "fr"), DataConfig())
    assert "a.en:1: the first pair looks like a header" in caplog.text


@pytest.mark.parametrize(
    ("left", "right"),
    [("en", "fr"), ("English", "Français"), ("source", "target"), ("src", "tgt"),
     ("fr-FR", "en-US"), ("text_en", "text_fr"), ("sentence1", "sentence2"),
     ("anglais", "français"), ("EN", "translation"), ("English (US)", "French (France)"),
     ("phrase anglaise", "phrase française"), ("İngilizce", "Fransızca"), ("अंग्रेज़ी", "फ़्रेंच"),
     ("INGILIZCE", "FRANSIZCA"), ("英文", "法文"), ("Αγγλικά", "Γαλλικά"),
     ("الإنكليزية", "الفرنسية"),
     ("Tiếng Anh", "Tiếng Pháp"), ("อังกฤษ", "ฝรั่งเศส"), ("engleski", "francuski"),
     ("Quelltext", "Zieltext"), ("inputs", "targets"), ("prompt", "completion"), ("SRC", "MT"),
     ("col1", "col2"), ("Column 1", "Column 2"), ("text_अंग्रेज़ी", "text_फ़्रेंच")],
)  # fmt: skip
def test_a_header_is_known(left: str, right: str) -> None:
    assert is_header_pair(left, right, "en", "fr")


@pytest.mark.parametrize(
    ("left", "right"),
    [("no", "it"), ("is", "est"), ("text", "texte"), ("english", "anglais"), ("Source.", "Source."),
     ("The dog sleeps.", "Le chien dort."), ("1", "2"), ("note", "note"), ("", "fr"),
     ("0", "1"), ("A", "B"), ("L1", "L2")],  # with nothing below
)  # fmt: skip
def test_a_pair_of_words_is_no_header(left: str, right: str) -> None:
    assert not is_header_pair(left, right, "en", "fr")


@pytest.mark.parametrize(
    ("name", "code"),
    [("fra", "fr"), ("fre", "fr"), ("fr_CA", "fr"), ("fra_Latn", "fr"), ("Français", "fr"),
     ("zh-Hans", "zh"), ("CHINESE", "zh"), ("日本語", "ja"), ("हिन्दी", "hi"), ("klingon", None),
     ("", None)],
)  # fmt: skip
def test_names_of_languages_are_known(name: str, code: str | None) -> None:
    assert known_language(name) == code
    assert code is None or same_language(name, code)


def test_a_language_that_nobody_knows_is_itself() -> None:
    assert same_language("tlh", "TLH")
    assert not same_language("tlh", "fr")
    assert find_order(ENGLISH, FRENCH, "tlh", "fr") is None


def test_languages_are_told_from_the_text() -> None:
    order = find_order(ENGLISH, FRENCH, "en", "fr")
    assert order
    assert order.straight > order.exchanged == 0
    exchanged = find_order(FRENCH, ENGLISH, "en", "fr")
    assert exchanged
    assert exchanged.is_exchanged
    assert guess_language(FRENCH)[0] == "fr"
    assert guess_language(["12", "34"]) == []
    assert guess_language(["Hello"] * 300) == []  # again and again tells no more than once


def test_two_other_languages_are_no_exchange_of_the_two_that_were_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spanish = ["El perro duerme en la silla.", "Te quiero mucho.", "¿Dónde está mi abrigo azul?"]
    german = ["Der Hund schläft auf dem Stuhl.", "Ich liebe dich sehr.", "Wo ist mein Mantel?"]
    spec = table(tmp_path, spanish * 7, german * 7)
    assert first(spec) == Pair(spanish[0], german[0], 1)
    warn_if_odd(find_corpus(spec, "en", "fr"), DataConfig())
    assert "expected en, but the source looks like es" in caplog.text
    assert "expected fr, but the target looks like de" in caplog.text


def test_equal_and_empty_lines_say_nothing() -> None:
    order = find_order(["", "1", "same text"], ["", "2", "same text"], "en", "fr")
    assert order == (0, 0, 0)
    assert not order.is_exchanged


@pytest.mark.parametrize("names", [("0", "1"), ("A", "B"), ("L1", "L2"), ("sent_a", "sent_b")])
def test_names_that_count_the_columns_are_a_header_over_text(
    names: tuple[str, str], tmp_path: Path
) -> None:
    spec = table(tmp_path, ENGLISH, FRENCH, header="\t".join(names) + "\n")
    assert [pair.source for pair in find_corpus(spec, "en", "fr").pairs()] == ENGLISH
    spec = table(tmp_path, ["1", "2", "3"], ["un", "deux", "trois"], header="0\t1\n")
    assert len(list(find_corpus(spec, "en", "fr").pairs())) == 4


def test_a_code_with_its_script_names_a_language(tmp_path: Path) -> None:
    header = "sentence_deu_Latn\tsentence_fra_Latn\tsentence_eng_Latn\n"
    spec = table(tmp_path, OTHER, FRENCH, ENGLISH, header=header)
    pairs = list(find_corpus(spec, "eng_Latn", "fr").pairs())
    assert [(pair.source, pair.target) for pair in pairs] == list(zip(ENGLISH, FRENCH, strict=True))
