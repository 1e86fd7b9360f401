"""Words against lists written by hand."""

import pytest

from seq2seq.data.words import split_words, word_spans

CASES = {
    "Qu'est-ce que tu m'as dit ?": "Qu' est -ce que tu m' as dit ?",
    "t'aime-t-il\u202f?": "t' aime -t-il ?",
    "J’ai lu jusqu’ici.": "J’ ai lu jusqu’ ici .",
    "Donne-le-moi !": "Donne -le -moi !",
    "aujourd'hui, un arc-en-ciel": "aujourd'hui , un arc-en-ciel",
    "I don't know...": "I don't know ...",
    "3.5 at 10:30.": "3.5 at 10:30 .",
    "«Oui»": "« Oui »",
}


@pytest.mark.parametrize("text", CASES)
def test_words_are_those_a_reader_would_mark(text: str) -> None:
    assert split_words(text) == CASES[text].split(" ")


@pytest.mark.parametrize("text", ["", " ", "\u202f\t"])
def test_white_space_has_no_words(text: str) -> None:
    assert split_words(text) == []


@pytest.mark.parametrize("text", CASES)
def test_words_leave_out_only_white_space(text: str) -> None:
    assert "".join(split_words(text)) == "".join(text.split())


@pytest.mark.parametrize("white", [c for c in map(chr, range(0x3001)) if c.isspace()])
def test_no_word_has_white_space_within(white: str) -> None:
    text = white.join(["l'", "a", "-t", "-il", "", "3.", "5", "..", ".", "aujourd'", "hui"])
    assert all(word.split() == [word] for word in split_words(text))
    assert "".join(split_words(text)) == "".join(text.split())


@pytest.mark.parametrize("text", CASES)
def test_spans_are_the_places_of_the_words(text: str) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == split_words(text)


@pytest.mark.parametrize("text", CASES)
def test_a_space_cuts_a_text_into_parts_with_the_same_words(text: str) -> None:
    parts = [word for part in text.split(" ") for word in split_words(part)]
    assert parts == split_words(text)
