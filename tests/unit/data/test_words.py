"""Words against lists written by hand."""

import unicodedata

import pytest

from seq2seq.data.words import split_words, unit_spans, word_spans

CASES = {
    "Qu'est-ce que tu m'as dit ?": "Qu' est -ce que tu m' as dit ?",
    "t'aime-t-il\u202f?": "t' aime -t-il ?",
    "J’ai lu jusqu’ici.": "J’ ai lu jusqu’ ici .",
    "Donne-le-moi !": "Donne -le -moi !",
    "aujourd'hui, un arc-en-ciel": "aujourd'hui , un arc-en-ciel",
    "I don't know...": "I don't know ...",
    "3.5 at 10:30.": "3.5 at 10:30 .",
    "«Oui»": "« Oui »",
    "la co\u2011propriété, paral·lel": "la co\u2011propriété , paral·lel",
    "İstanbul'da çay, TÜRKİYE’de": "İstanbul'da çay , TÜRKİYE’de",
    "नमस्ते दुनिया, १०.५ क्\u200dष।": "नमस्ते दुनिया , १०.५ क्\u200dष ।",
    "বাংলাদেশে র\u200d্যাব ১০।": "বাংলাদেশে র\u200d্যাব ১০ ।",
    "தமிழ் மொழி": "தமிழ் மொழி",
    "తెలుగు ప్రపంచం": "తెలుగు ప్రపంచం",
    'שָׁלוֹם עֲלֵיכֶם, צה"ל בית־ספר': 'שָׁלוֹם עֲלֵיכֶם , צה"ל בית־ספר',
    "السَّلامُ عَلَيْكُمْ، ٣٫٥ ١٠": "السَّلامُ عَلَيْكُمْ ، ٣٫٥ ١٠",
    "می\u200cخواهم کتاب\u200cها؟": "می\u200cخواهم کتاب\u200cها ؟",
    "한국어를 사랑해요.": "한국어를 사랑해요 .",
    "ሰላም ለዓለም።": "ሰላም ለዓለም ።",
    "Ի՞նչ է դա։": "Ի՞նչ է դա ։",
    "Τι είναι; άνθρωπος": "Τι είναι ; άνθρωπος",
    "Объём м'яса": "Объём м'яса",
    "Tiếng Việt rất đẹp.": "Tiếng Việt rất đẹp .",
    "ნახვამდის ⵜⴰⵎⴰⵣⵉⵖⵜ ᏣᎳᎩ": "ნახვამდის ⵜⴰⵎⴰⵣⵉⵖⵜ ᏣᎳᎩ",
    "👍🏽😀 👩\u200d👩\u200d👧\u200d👦❤\ufe0f🇫🇷🇩🇪1\ufe0f\u20e32\ufe0f\u20e3": (
        "👍🏽 😀 👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 🇫🇷 🇩🇪 1\ufe0f\u20e3 2\ufe0f\u20e3"
    ),
    "ok👍 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": (
        "ok 👍 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    ),
    "我爱你，GNU系统3.5版。２０２４年": "我 爱 你 ， GNU 系 统 3.5 版 。 ２０２４ 年",
    "私はコンピュータが好きです。": "私 は コンピュータ が 好 き で す 。",
    "葛\U000e0100が": "葛\U000e0100 が",  # a variant of a character
    "ฉันรักน้ำ ๑๒๓": "ฉั น รั ก น้ำ ๑๒๓",
    "ສະບາຍດີ": "ສ ະ ບ າ ຍ ດີ",
    "ខ្ញុំស្រឡាញ់": "ខ្ញុំ ស្រ ឡា ញ់",
    "မြန်မာ ကမ္ဘာ": "မြ န် မာ က မ္ဘာ",
    "བཀྲ་ཤིས་བདེ་ལེགས།": "བཀྲ་ ཤིས་ བདེ་ ལེགས །",
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


@pytest.mark.parametrize("text", CASES)
def test_decomposed_characters_make_the_same_words(text: str) -> None:
    decomposed = split_words(unicodedata.normalize("NFD", text))
    assert [unicodedata.normalize("NFC", word) for word in decomposed] == [
        unicodedata.normalize("NFC", word) for word in split_words(text)
    ]


def test_what_cannot_be_seen_is_no_word_and_ends_none() -> None:
    assert split_words("\ufeffI lo\u00adve \u200b\u2060 you\u200f!") == [
        *("I", "lo\u00adve", "you\u200f", "!")
    ]


def test_a_unit_is_a_word_or_a_run_of_a_script_without_spaces() -> None:
    units = {
        "I don't know, l'ami ?": "I don't know , l' ami ?",
        "我爱你，GNU系统3.5版。": "我爱你 ， GNU 系统 3.5 版 。",
        "私はコンピュータが好き。": "私はコンピュータが好き 。",
        "ฉันรัก น้ำ 5 บาท": "ฉันรัก น้ำ 5 บาท",
        "བཀྲ་ཤིས།": "བཀྲ་ཤིས །",
    }
    for text, expected in units.items():
        assert [text[start:end] for start, end in unit_spans(text)] == expected.split(" ")


@pytest.mark.parametrize("text", CASES)
def test_a_unit_is_a_run_of_whole_words(text: str) -> None:
    starts, ends = (set(side) for side in zip(*word_spans(text), strict=True))
    assert all(start in starts and end in ends for start, end in unit_spans(text))
