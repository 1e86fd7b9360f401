"""One form for texts that look alike, against what Unicode says of each character."""

import unicodedata
from typing import Literal

import pytest

from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.words import split_words

WHITE = [chr(n) for n in range(0x3001) if chr(n).isspace()]
FAMILY = "👩\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("white", WHITE)
def test_any_white_space_of_a_source_is_one_space(white: str) -> None:
    assert clean_source(f"{white}I{white}love{white}{white}you{white}") == "I love you"


@pytest.mark.parametrize("white", WHITE)
def test_in_a_target_only_no_break_and_ideographic_spaces_stay(white: str) -> None:
    space = white if white in "\u00a0\u202f\u3000" else " "
    assert clean_target(f"{white}Quoi{white}?{white}") == f"Quoi{space}?"


@pytest.mark.parametrize(
    "unseen",
    [
        *("\u00ad", "\ufeff", "\u2060", "\u034f", "\u200c", "\u200d", "\u200e", "\u200f", "\u061c"),
        *("\u202a", "\u202e", "\u2066", "\u2069", "\u0000", "\u0007", "\u007f", "\u009f", "\u3164"),
        *("\ufdd0", "\ufff9", "\U000e0001", "\U000e0067"),
    ],
)
def test_what_cannot_be_seen_in_a_latin_word_is_nothing(unseen: str) -> None:
    for clean in (clean_source, clean_target):
        assert clean(f"{unseen}I lo{unseen}ve {unseen} you{unseen}") == "I love you"


@pytest.mark.parametrize(
    "text",
    [
        *("می\u200cخواهم", "USB\u200cها", "क्\u200dष", "क्\u200cष", "র\u200d্যাব", "ന്\u200d"),
        *(FAMILY, "👩🏽\u200d💻", "❤\ufe0f\u200d🔥", ENGLAND, "1\ufe0f\u20e3", "葛\U000e0100"),
        *("Qu'est-ce que c'est ?", "日本語", "한국어", "İstanbul"),
    ],
)
def test_joiners_and_selectors_that_are_read_stay(text: str) -> None:
    assert clean_source(text) == clean_target(text) == text


def test_joiners_that_change_nothing_go() -> None:
    assert clean_source("می\u200c\u200f\u200cخواهم\u200c \u200cکتاب") == "می\u200cخواهم کتاب"
    assert clean_source("Auf\u200clage 我\u200d爱 😀\u200d") == "Auflage 我爱 😀"


def test_a_zero_width_space_parts_words_only_where_spaces_do() -> None:
    assert clean_source("I\u200blove \u200byou\u200b") == "I love you"
    assert clean_source("ខ្ញុំ\u200bស្រឡាញ់\u200b\u200bអ្នក") == "ខ្ញុំស្រឡាញ់អ្នក"
    assert clean_source("น้ำ\u200b5 \u200bบาท") == "น้ำ5 บาท"


CANONICAL = [
    *("Élève déjà naïf où", "Tiếng Việt rất đẹp", "한국어를 사랑해요", "がギ", "क़लम ड़", "שָׁלוֹם"),
    *("\u212bngstr\u00f6m 5 \u2126", "\u1e69 \u0073\u0307\u0323", "السَّلامُ", "\u037e"),
]


@pytest.mark.parametrize("text", CANONICAL)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_canonical_equivalents_are_one_text(text: str, form: Literal["NFC", "NFD"]) -> None:
    for clean in (clean_source, clean_target):
        assert clean(unicodedata.normalize(form, text)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", ["ﬁn", "２", "x²", "ℌ", "ｶﾅ", "…"])
def test_compatible_characters_stay_as_they_are(text: str) -> None:
    assert clean_source(text) == clean_target(text) == text


MIXED = [
    *CANONICAL,
    *("\ufeffI\u200b lo\u00adve\u3000you\t\u2060!", "می\u200c\u200fخواهم\u200c"),
    *("e\u034f\u0301\u200d", "\u180bก\u17d2 \u200b我\u200b", "\u0600 \u202f-"),
    f"{FAMILY}\u200d {ENGLAND}x\U000e0067",
]


@pytest.mark.parametrize("text", MIXED)
def test_a_clean_text_is_clean_and_all_of_it_is_words(text: str) -> None:
    for clean in (clean_source, clean_target):
        cleaned = clean(text)
        assert clean(cleaned) == cleaned
        assert "".join(split_words(cleaned)) == "".join(cleaned.split())
    assert clean_source(clean_target(text)) == clean_source(text)


def test_half_a_character_is_a_lost_character() -> None:
    assert clean_source("a \ud83d") == clean_target("a \ud83d") == "a \ufffd"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ("นํ้า ทํา เเม่", "น้ำ ทำ แม่"),
        ("น้ํา", "น้ำ"),
        ("ນໍ້າ ເເມ່", "ນ້ຳ ແມ່"),
    ],
)
def test_a_thai_or_lao_vowel_in_parts_is_the_vowel(parts: str, whole: str) -> None:
    assert clean_source(parts) == clean_target(parts) == whole
