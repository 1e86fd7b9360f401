"""Tokenizers against the text itself and against words found without them."""

import logging
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from seq2seq.config import TokenizerConfig
from seq2seq.data.tokenizer import (
    BOS,
    EOS,
    PAD,
    UNK,
    Tokenizer,
    Tokenizers,
    WordPieces,
    join_tokens,
    split_pieces,
    train_tokenizers,
)
from seq2seq.data.words import split_words
from seq2seq.errors import UserError

ENGLISH = [
    "Do you love me?",
    "I love you, and I don't know why.",
    "What did you tell me yesterday?",
    "He is 3.5 times older; it was 10:30 in the U.S.A.",
    "Give it to me!",
    "Wait... is this the book that you read?",
]
FRENCH = [
    "M'aimes-tu\u202f?",
    "Je t'aime, et je ne sais pas pourquoi.",
    "Qu'est-ce que tu m'as dit hier\u202f?",
    "Il est 3,5 fois plus vieux\u00a0; c'était à 10\u00a0h\u00a030.",
    "Donne-le-moi\u202f!",
    "Attends... est-ce le livre qu'a-t-il lu aujourd’hui, d'un arc-en-ciel ?",
]
UNSEEN = ["M'en va-t-il pas\u202f?", "Qu'est l'ami d'hier.", "Aimes-tu...lui ?"]


def trained(**settings: Any) -> Tokenizers:
    return train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(vocab_size=120, **settings))


@pytest.fixture(scope="module", params=["bpe", "unigram", "char"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return trained(kind=request.param).target


@pytest.mark.parametrize("text", ENGLISH + FRENCH + UNSEEN)
def test_decoding_what_was_encoded_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert set(ids).isdisjoint({PAD, UNK, BOS, EOS})


@pytest.mark.parametrize("text", ENGLISH + FRENCH + UNSEEN)
def test_no_piece_crosses_the_end_of_a_word(tokenizer: Tokenizer, text: str) -> None:
    pieces = tokenizer.pieces(tokenizer.encode(text))
    for word, indices in tokenizer.source_words(text):
        spelt = "".join(pieces[index] for index in indices)
        assert "".join(spelt.replace("▁", " ").split()) == word


@pytest.mark.parametrize("text", ENGLISH + FRENCH + UNSEEN)
def test_every_piece_belongs_to_one_word_on_either_side(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    words = tokenizer.source_words(text)
    assert [word for word, _ in words] == split_words(text)
    assert [index for _, indices in words for index in indices] == list(range(len(ids)))
    assert tokenizer.target_words(ids) == words


def test_a_token_has_the_pieces_of_its_words() -> None:
    words = [WordPieces("l'", (0,)), WordPieces("ami", (1, 2)), WordPieces(".", ())]
    assert join_tokens(words, " l'ami. ") == [WordPieces("l'ami.", (0, 1, 2))]
    assert join_tokens(words, "l' ami\u202f.") == words
    assert join_tokens([], " ") == []


@pytest.mark.parametrize("text", [*ENGLISH, *FRENCH, *UNSEEN, " x猫y  a\tb\u3000c "])
def test_tokens_are_what_white_space_separates_and_own_every_piece(
    tokenizer: Tokenizer, text: str
) -> None:
    tokens = join_tokens(tokenizer.source_words(text), text)
    assert [token for token, _ in tokens] == text.split()
    indices = [index for _, indices in tokens for index in indices]
    assert indices == list(range(len(tokenizer.encode(text))))


# --- scripts without spaces, and texts that look alike --------------------------------------------

ENGLISH_TOO = ["I love you.", "We love this book.", "The book is here."] * 4
OTHERS = {
    "zh": ["我爱你。", "我们爱这本书。", "这本书在这里。"] * 4,
    "ja": ["私はあなたが好きです。", "私たちはこの本が好きです。", "コンピュータは高いです。"] * 4,
    "th": ["ฉันรักคุณ", "เรารักหนังสือเล่มนี้", "หนังสืออยู่ที่นี่ น้ำ"] * 4,
    "hi": ["मैं तुमसे प्यार करता हूँ।", "हम यह किताब पसंद करते हैं।", "किताब यहाँ है।"] * 4,
    "fa": ["من کتاب\u200cها را می\u200cخواهم.", "ما می\u200cرویم؟", "کتاب این\u200cجاست."] * 4,
}


@pytest.fixture(scope="module", params=["identity", "nfkc"])
def others(request: pytest.FixtureRequest) -> dict[str, Tokenizer]:
    settings = {"normalization": request.param, "vocab_size": 150, "joint": False}
    config = TokenizerConfig.model_validate(settings)
    return {
        language: train_tokenizers(ENGLISH_TOO, sentences, config).target
        for language, sentences in OTHERS.items()
    }


@pytest.mark.parametrize("language", OTHERS)
def test_a_run_without_spaces_may_have_pieces_of_several_characters(
    others: dict[str, Tokenizer], language: str
) -> None:
    tokenizer, text = others[language], OTHERS[language][0]
    assert len(tokenizer.encode(text)) < len(split_words(text)) + (language in ("hi", "fa"))


@pytest.mark.parametrize("language", OTHERS)
def test_shown_words_are_characters_or_those_that_share_a_piece(
    others: dict[str, Tokenizer], language: str
) -> None:
    tokenizer = others[language]
    for text in OTHERS[language]:
        ids = tokenizer.encode(text)
        words = tokenizer.source_words(text)
        assert [index for _, pieces in words for index in pieces] == list(range(len(ids)))
        assert all(pieces for _, pieces in words)
        assert [word for word, _ in split_pieces(words)] == split_words(text)
        assert "".join(word for word, _ in words) == "".join(text.split())
        pieces = tokenizer.pieces(ids)
        if tokenizer.decode(ids) == text:  # NFKC writes some of them otherwise
            assert tokenizer.target_words(ids) == words
            spelt = ["".join(pieces[index] for index in owned) for _, owned in words]
            assert [each.strip("▁") for each in spelt] == [word for word, _ in words]


def test_characters_that_share_a_piece_have_all_of_it_when_parted() -> None:
    words = [WordPieces("我爱", (0,)), WordPieces("你", (1, 2)), WordPieces("l'", (3,))]
    assert split_pieces(words[:2]) == [("我", (0,)), ("爱", (0,)), ("你", (1, 2))]


def test_an_unknown_run_stays_one_word_with_its_piece(others: dict[str, Tokenizer]) -> None:
    words = others["zh"].source_words("我爱猫狗。")
    assert [word for word, _ in words][-2:] == ["猫狗", "。"]
    assert [index for _, pieces in words for index in pieces] == list(
        range(len(others["zh"].encode("我爱猫狗。")))
    )


@pytest.mark.parametrize("text", ["Qu'a-t-il déjà fait\u202f?", "Tiếng Việt", "한국어", "がギ"])
def test_canonical_equivalents_are_spelt_alike(tokenizer: Tokenizer, text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert tokenizer.encode(decomposed) == tokenizer.encode(text)
    assert tokenizer.source_words(decomposed) == tokenizer.source_words(text)


def test_a_decomposed_corpus_gives_the_same_tokenizer_as_a_composed_one() -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in FRENCH]
    config = TokenizerConfig(vocab_size=120)
    assert train_tokenizers(ENGLISH, decomposed, config).source.model == trained().source.model


@pytest.mark.parametrize("joint", [True, False])
def test_a_source_may_have_any_white_space_and_a_target_keeps_its_own(
    tmp_path: Path, joint: bool
) -> None:
    trained(joint=joint).save(tmp_path)
    for both in (trained(joint=joint), Tokenizers.load(tmp_path)):
        source, target = both.source, both.target
        for text in ("I\u00a0love you?", "I\u3000lo\u00adve\tyou?", "\ufeffI\u200blove you\u2060?"):
            assert source.encode(text) == source.encode("I love you?")
            assert [word for word, _ in source.source_words(text)] == ["I", "love", "you", "?"]
        assert target.decode(target.encode("M'aimes-tu\u202f?")) == "M'aimes-tu\u202f?"


def test_tokens_fit_a_text_with_what_cannot_be_seen(tokenizer: Tokenizer) -> None:
    text = "\ufeff l'a\u00admi \u00ad e\u0301te\u0301\u200b\u00a0?"
    tokens = join_tokens(tokenizer.source_words(text), text)
    assert [token for token, _ in tokens] == text.split()
    indices = [index for _, indices in tokens for index in indices]
    assert indices == list(range(len(tokenizer.encode(text))))


# --- words and special ids ------------------------------------------------------------------------


def test_a_word_is_spelt_the_same_whatever_follows_it(tokenizer: Tokenizer) -> None:
    alone = tokenizer.encode("aime")
    assert tokenizer.encode("aime, aime...")[: len(alone)] == alone


def test_runs_of_spaces_count_as_one_and_outer_ones_as_none(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("  Je  t'aime ") == tokenizer.encode("Je t'aime")
    assert tokenizer.source_words("  Je  t'aime ") == tokenizer.source_words("Je t'aime")


@pytest.mark.parametrize("text", ["", "   ", "\u202f", " \t "])
def test_a_blank_text_has_no_pieces_and_no_words(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text) == []
    assert tokenizer.source_words(text) == []
    assert tokenizer.target_words([]) == []
    assert tokenizer.decode([]) == ""


def test_an_unseen_character_is_one_unknown_piece_of_its_own_word(tokenizer: Tokenizer) -> None:
    text = "Je 猫 aime"
    ids = tokenizer.encode(text)
    assert ids.count(UNK) == 1
    assert tokenizer.decode(ids) == "Je ⁇ aime"
    cat = tokenizer.source_words(text)[1]
    assert cat.word == "猫"
    assert ids.index(UNK) in cat.pieces
    assert [word for word, _ in tokenizer.target_words(ids)] == ["Je", "⁇", "aime"]


def test_special_ids_spell_nothing_and_belong_to_no_word(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("Je t'aime")
    framed = [BOS, *ids, EOS, PAD]
    assert tokenizer.decode(framed) == "Je t'aime"
    shifted = [
        (word, tuple(index + 1 for index in indices))
        for word, indices in tokenizer.target_words(ids)
    ]
    assert tokenizer.target_words(framed) == shifted


def test_spellings_that_a_model_invents_still_give_each_piece_to_one_word() -> None:
    tokenizer = trained().target
    space, mark, letter = (tokenizer.pieces(range(len(tokenizer))).index(p) for p in "▁.a")
    ids = [space, letter, letter, mark, space, letter, space]  # "aa. a "
    words = tokenizer.target_words(ids)
    assert words == [("aa", (0, 1, 2)), (".", (3,)), ("a", (4, 5, 6))]
    assert tokenizer.target_words([space, space]) == []


def test_normalised_text_still_maps_to_the_words_as_they_were_written() -> None:
    tokenizer = trained(normalization="nmt_nfkc_cf").source
    text = "ＤＯ you\u00a0love ﬁne\u200b ?"
    words = tokenizer.source_words(text)
    assert [word for word, _ in words] == split_words(text)
    ids = tokenizer.encode(text)
    assert [index for _, indices in words for index in indices] == list(range(len(ids)))
    assert tokenizer.decode(tokenizer.encode("ＤＯ you")) == "do you"


@pytest.mark.parametrize("kind", ["bpe", "unigram", "word", "char"])
def test_the_same_text_gives_the_same_bytes(kind: str) -> None:
    assert trained(kind=kind).source.model == trained(kind=kind).source.model


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_frequent_word_becomes_one_piece(kind: Any) -> None:
    sentences = ["Je t'aime, et l'ami que j'aime aussi aime l'ami."] * 3 + ["Ici, l'ami aime."]
    config = TokenizerConfig(kind=kind, vocab_size=50)
    tokenizer = train_tokenizers(sentences, [], config).source
    assert tokenizer.pieces(tokenizer.encode("l'ami"))[-1] == "ami"


def test_a_piece_of_kind_word_is_a_word_however_rare() -> None:
    tokenizer = trained(kind="word").target
    for text in FRENCH:
        words = tokenizer.source_words(text)
        assert words == [WordPieces(word, (n,)) for n, word in enumerate(split_words(text))]
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_piece_of_kind_char_is_a_character_or_the_space_between_words() -> None:
    tokenizer = trained(kind="char").source
    ids = tokenizer.encode("I love  you!")
    assert tokenizer.pieces(ids) == ["▁", "I", "▁", *"love", "▁", *"you", "!"]
    words = [("I", (0, 1)), ("love", (2, 3, 4, 5, 6)), ("you", (7, 8, 9, 10)), ("!", (11,))]
    assert tokenizer.source_words("I love  you!") == words


@pytest.mark.parametrize(("kind", "size"), [("word", 8), ("char", 9)])
def test_a_small_vocabulary_has_the_most_frequent(kind: Any, size: int) -> None:
    config = TokenizerConfig(kind=kind, vocab_size=size)  # four special pieces; a, b, c, d; a space
    tokenizer = train_tokenizers(["a b c d"] * 3 + ["x"], [], config).source
    assert UNK not in tokenizer.encode("d c b a")
    assert UNK in tokenizer.encode("x")


def test_joint_and_separate_tokenizers_come_back_from_their_folder(tmp_path: Path) -> None:
    for joint, files in ((True, {"joint.model"}), (False, {"source.model", "target.model"})):
        folder = tmp_path / str(joint)
        tokenizers = trained(joint=joint)
        tokenizers.save(folder)
        loaded = Tokenizers.load(folder)
        assert {path.name for path in folder.iterdir()} == files
        assert loaded.joint is tokenizers.joint is joint
        assert [side.model for side in loaded] == [side.model for side in tokenizers]


def test_a_missing_or_damaged_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source\.model: no such tokenizer file"):
        Tokenizers.load(tmp_path)
    trained().save(tmp_path)
    path = tmp_path / "joint.model"
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"no model",
        whole.replace("▁".encode(), b"\xe2\xc0\x81"),  # a piece that is no text
        *(whole[:end] for end in range(len(whole) - 150, len(whole))),
    ):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"joint\.model: not a SentencePiece model"):
            Tokenizers.load(tmp_path)


def test_a_vocabulary_smaller_than_the_alphabet_is_refused_with_the_least_possible() -> None:
    alphabet = {character for text in ENGLISH + FRENCH for character in text}
    least = len(alphabet) + 4
    with pytest.raises(
        UserError, match=rf"tokenizer\.vocab_size: expected at least {least}.*found 9"
    ):
        train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(vocab_size=9))


@pytest.mark.parametrize("kind", ["bpe", "unigram", "word", "char"])
def test_a_vocabulary_larger_than_the_text_shrinks_with_a_warning(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tokenizer = train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(kind=kind)).target
    assert len(tokenizer) < 1000
    assert "tokenizer.vocab_size is 6000" in caplog.text
    assert tokenizer.decode(tokenizer.encode(FRENCH[0])) == FRENCH[0]


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="found no text"):
        train_tokenizers([], [" "], TokenizerConfig())
