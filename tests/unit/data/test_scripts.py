import pytest

from seq2seq.data.scripts import letters_of, main_script, scripts_of


@pytest.mark.parametrize(
    ("language", "text", "own"),
    [
        ("en", "Zoë, 我 25 Ω!", "Zoë"),
        ("zh-TW", "Tom 愛你。", "愛你"),
        ("zho_Hant", "Tom 愛你。", "愛你"),
        ("eng", "Zoë, мир", "Zoë"),
        ("iw", "שלום Tom", "שלום"),
        ("nb", "Zoë мир", "Zoë"),
        ("ja", "カメラを見る A", "カメラを見る"),
        ("ja", "ｶﾗｵｹのサーバー、人々 A", "ｶﾗｵｹのサーバー人々"),
        ("en", "Ｈｉ ﬁne ｶ", "Ｈｉﬁne"),
        ("ko", "한국어 abc", "한국어"),
        ("hi", "हिंदी Tom", "हद"),  # the letters; vowel signs are marks
        ("ru", "мир Tom", "мир"),
        ("sr", "мир Tom", "мирTom"),  # written in both
        ("src", "мир 1", "мир"),
    ],
)
def test_the_letters_of_a_language_are_those_of_its_scripts(
    language: str, text: str, own: str
) -> None:
    assert letters_of(text, scripts_of(language)) == own


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The cat.", "Latin"),
        ("déjà vu", "Latin"),
        ("25 % !", None),
        ("😀 ½", None),
        ("", None),
        ("Привет, Tom", "Cyrillic"),
        ("猫が好きです", "Hiragana"),
        ("猫", "Han"),
        ("ਸਤ ਸ੍ਰੀ ਅਕਾਲ", "Gurmukhi"),
        ("ab γδ", "Latin"),
        ("latin " * 30 + "Привет " * 90, "Latin"),
    ],
)
def test_the_script_of_most_letters_at_the_start_of_a_text_is_its_main_one(
    text: str, script: str | None
) -> None:
    assert main_script(text) == script
