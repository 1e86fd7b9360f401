"""Which tokeniser BLEU counts with: by the code of the language, else by the script of the text."""

import logging

import pytest

from seq2seq.config import BleuTokenizer
from seq2seq.errors import UserError
from seq2seq.evaluation import tokenizers
from seq2seq.evaluation.tokenizers import choose_tokenizer, load_tokenizer

FRENCH = ["Le chat dort sur le lit.", "Il pleut encore ce soir."]
CHINESE = ["在图书馆里老师喜欢水。", "每天一个学生喜欢科学，可是没有人知道为什么。"]
JAPANESE = ["私は図書館で本を読みます。", "先生は水が好きです。"]
KOREAN = ["나는 도서관에서 책을 읽는다.", "선생님은 물을 좋아한다."]
THAI = ["ฉันอ่านหนังสือในห้องสมุด", "ครูชอบน้ำ"]
KHMER = ["ខ្ញុំអានសៀវភៅនៅក្នុងបណ្ណាល័យ"]
LAO = ["ຂ້ອຍອ່ານປຶ້ມຢູ່ຫໍສະໝຸດ"]
BURMESE = ["ကျွန်တော်စာကြည့်တိုက်မှာစာဖတ်တယ်"]
TIBETAN = ["ང་དཔེ་མཛོད་ཁང་ནང་དེབ་ཀློག་གི་ཡོད།"]
HINDI = ["आज लड़का विज्ञान समझता है।", "पुस्तकालय में लड़की चिट्ठी पढ़ती है।"]


@pytest.fixture(params=[True, False], ids=["with libraries", "without"])
def mecab(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether MeCab is there, in Japanese and Korean."""
    known = tokenizers._is_installed
    monkeypatch.setattr(
        tokenizers,
        "_is_installed",
        lambda name: request.param if name in ("ja-mecab", "ko-mecab") else known(name),
    )
    return bool(request.param)


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        ("zh zh-CN zh_TW zh-Hans zho zho_Hant cmn yue wuu .zh ZH cn", "zh"),
        ("th tha tha_Thai th_TH km khm lo lao my mya my_MM bo dz", "char"),
        ("ja jpn ja_XX jpn_Jpan ja-JP", "ja-mecab"),
        ("ko kor kor_Hang ko_KR", "ko-mecab"),
        ("en fr hi hin_Deva ar vi target txt .txt zh-Latn", "13a"),
    ],
)
def test_the_code_of_the_language_decides_in_any_of_its_shapes(
    codes: str, name: str, mecab: bool
) -> None:
    expected = "char" if name in ("ja-mecab", "ko-mecab") and not mecab else name
    for code in codes.split():
        assert choose_tokenizer([FRENCH], language=code) == expected, code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FRENCH, "13a"),
        (HINDI, "13a"),
        (CHINESE, "zh"),
        (JAPANESE, "ja-mecab"),
        (KOREAN, "ko-mecab"),
        (THAI, "char"),
        (KHMER, "char"),
        (LAO, "char"),
        (BURMESE, "char"),
        (TIBETAN, "char"),
        (["abcdefghijklmnopqrstuvwxyz"] * 3, "char"),
        ([*FRENCH, *CHINESE[:1]], "13a"),
        (["", "123"], "13a"),
        ([], "13a"),
    ],
    ids=str,
)
def test_where_the_code_says_nothing_the_script_of_the_references_decides(
    text: list[str], name: str, mecab: bool
) -> None:
    expected = "char" if name in ("ja-mecab", "ko-mecab") and not mecab else name
    assert choose_tokenizer([text], language="target") == expected


def test_the_choice_and_its_reason_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    choose_tokenizer([CHINESE], language="zh_TW")
    assert caplog.messages == [
        "BLEU counts the tokens of sacreBLEU's zh, because the target language is zh_TW"
    ]


def test_without_the_library_of_japanese_its_characters_count_and_the_log_names_the_extra(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(tokenizers, "_is_installed", lambda name: False)
    assert choose_tokenizer([JAPANESE], language="jpn") == "char"
    assert "tok:char" in caplog.text
    assert "pip install 'seq2seq-attention[ja]'" in caplog.text


@pytest.mark.parametrize(
    ("tokenize", "text", "better"),
    [("13a", CHINESE, "zh"), ("none", THAI, "char"), ("intl", JAPANESE, "ja-mecab")],
)
def test_a_tokeniser_that_sees_one_word_a_line_is_warned_of(
    tokenize: BleuTokenizer, text: list[str], better: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert choose_tokenizer([text], tokenize=tokenize, language="zh") == tokenize
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message.startswith(f"tokenize {tokenize}: the references have hardly any spaces")
    assert f"use {better} or auto" in record.message


@pytest.mark.parametrize("text", [FRENCH, HINDI, KOREAN])
def test_text_with_spaces_is_not_warned_of(
    text: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    choose_tokenizer([text], tokenize="13a")
    assert not caplog.records


def test_a_name_that_needs_a_library_is_refused_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ko_mecab.MeCab", None)
    load_tokenizer.cache_clear()
    with pytest.raises(
        UserError, match=r"ko-mecab cannot be loaded: pip install 'seq2seq-attention\[ko\]'"
    ):
        choose_tokenizer([KOREAN], tokenize="ko-mecab")
    load_tokenizer.cache_clear()
