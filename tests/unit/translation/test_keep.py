"""What survives translation: weights and texts on paper, and a tokenizer of a few words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from seq2seq.config import TokenizerConfig
from seq2seq.data.tokenizer import Tokenizer, WordPieces, join_tokens, train_tokenizers
from seq2seq.data.words import split_words
from seq2seq.translation.keep import find_tokens, keep
from seq2seq.translation.tags import take_out_tags
from seq2seq.translation.translation import END, Candidate

TEXT = [
    "I have a big cat and Tom is here .",
    "we see it , do n't we ?",
    "vwxyz jkpq 0123456789 :/@",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    config = TokenizerConfig(vocab_size=120)
    return train_tokenizers(TEXT * 3, TEXT * 3, config).source


def tokens_of(text: str, tokenizer: Tokenizer) -> list[str]:
    found = find_tokens(text, tokenizer.source_words(text), tokenizer)
    pieces = tokenizer.pieces(tokenizer.encode(text))
    for token in found:  # the pieces are those that spell it, but for what is unknown
        spelt = "".join(pieces[p] for p in token.pieces).replace("▁", "")
        assert "<unk>" in spelt or spelt == token.text.replace(" ", "")
    return [token.text for token in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we see http://www.a.org/b?c=1, do we", ["http://www.a.org/b?c=1"]),
        ("see www.cat.fr.", ["www.cat.fr"]),
        ("see cat.org or tom.cat@a-b.co.uk", ["cat.org", "tom.cat@a-b.co.uk"]),
        ("25 cats and 3,000 or 10:30 see 2.5.", ["25", "3,000", "10:30", "2.5"]),
        ("see {name}, {{x y}}, %s %(a)s &amp; @tom #big", None),
        ("we see ${name} $NAME __NAME__ %@", ["${name}", "$NAME", "__NAME__", "%@"]),
        ("see cat.org.", ["cat.org"]),
        ("see cat.com/a?b=1, cat.com:80", ["cat.com/a?b=1", "cat.com:80"]),
        ("see tom@cat", []),  # no mention: it is in a word
        ("see /a/b.c, ~/a ../b and C:\\a\\b.", ["/a/b.c", "~/a", "../b", "C:\\a\\b"]),
        ("see cat.pdf or it", ["cat.pdf"]),
        ("12 000 cats, 1,234.56 cats and 1 or 2", ["12 000", "1,234.56", "1", "2"]),
        ("it is v1.2.3 or 1.2.3.4", ["v1.2.3", "1.2.3.4"]),
        ("it is 2024-01-02T10:30:00Z", ["2024-01-02T10:30:00Z"]),
        ("do +33 6 12 34 56 78 or (555) 123-4567", ["+33 6 12 34 56 78", "(555) 123-4567"]),
        ("it is 1.5e-3 or 10.30am", []),  # no half of a number
        ("I see Ωmega and 😀😀 here", ["Ωmega", "😀😀"]),
        ("I see Tvwxq here", ["Tvwxq"]),
        ("Tvwxq is here. Tvwxq is here", []),  # a sentence's first word has a capital anyway
        ("I have “a big cat” …", []),
        ("we see it, do we?", []),
    ],
)
def test_addresses_numbers_placeholders_and_strange_words_are_tokens(
    text: str, expected: list[str] | None, tokenizer: Tokenizer
) -> None:
    whole = ["{name}", "{{x y}}", "%s", "%(a)s", "&amp;", "@tom", "#big"]
    assert tokens_of(text, tokenizer) == (whole if expected is None else expected)


def test_tags_are_taken_out_and_a_break_parts_words() -> None:
    text, tags = take_out_tags('<p class="a b">I <b>lo</b>ve<br/>you</p> 1 < 2')
    assert text == "I love you 1 < 2"
    assert [tag.text for tag in tags] == ['<p class="a b">', "<b>", "</b>", "<br/>", "</p>"]
    assert [tag.place for tag in tags] == [0, 2, 4, 6, 10]


def test_a_tag_is_whole_whatever_its_attributes_hold() -> None:
    text, tags = take_out_tags("<a title=\"a > b\" id='c'>I</a> <1>see</1> I <3 you")
    assert text == "I see I <3 you"
    assert [tag.text for tag in tags] == [
        *("<a title=\"a > b\" id='c'>", "</a>", "<1>", "</1>"),
    ]
    assert take_out_tags("<don't> it's")[0].strip() == "it's"
    assert not take_out_tags("<a " + "b='c' " * 5000)[1]  # and is not looked for for ever


def kept(
    source: str, target: str, looks: Sequence[float | None], tokenizer: Tokenizer
) -> Candidate:
    """`target` with what `source` had to keep; its word i looked at source word looks[i].

    0.25 more says that a quarter of the weight was elsewhere, on the end; None: all of it.
    """
    text, tags = take_out_tags(source)
    source_words = tokenizer.source_words(text)
    end = sum(len(word.pieces) for word in source_words)
    words = [WordPieces(word, (i,)) for i, word in enumerate(split_words(target))]
    assert len(words) == len(looks)
    weights_TS = np.zeros((len(words) + 1, end + 1), np.float32)
    weights_TS[-1, end] = 1
    for i, look in enumerate(looks):
        share = 0.0 if look is None else 1 - look % 1
        weights_TS[i, end] = 1 - share
        if look is not None:
            places = list(source_words[int(look)].pieces)
            weights_TS[i, places] = share / len(places)
    columns = [*source_words, WordPieces(END, (end,))]
    candidate = Candidate(target, 0.0, [], [], [], words, True, weights_TS[None], columns)
    found = keep(candidate, text, tags, find_tokens(text, source_words, tokenizer))
    for token in join_tokens(found.words, found.text):  # the words are those of the text
        assert token.word in found.text.split()
    assert found.attention_IJ.shape == (len(found.words), len(columns))
    return found


@pytest.mark.parametrize(
    ("source", "target", "looks", "expected"),
    [
        ("I see Ω here", "je vois truc ici", [0, 1, 2, 3], "je vois Ω ici"),
        ("I see Ω here", "je vois Ω ici", [0, 1, 2, 3], "je vois Ω ici"),
        ("I see Ω here", "je vois ici", [0, 1, 3], "je vois Ω ici"),  # nobody looked: it is added
        ("I see Ω here", "je vois truc ici", [0, 1, 2.8, 3], "je vois Ω truc ici"),  # hardly
        ("I see Ω.", "je vois.", [0, 1, None], "je vois Ω."),
        ("Ω is here", "est ici", [1, 2], "Ω est ici"),
        ("see Ω and Ψ", "vois a et b", [0, 1, 2, 3], "vois Ω et Ψ"),
        ("see Ψ and Ω", "vois a et b", [0, 3, 2, 1], "vois Ω et Ψ"),
        ("see Ω and Ω", "vois Ω et b", [0, 1, 2, 3], "vois Ω et Ω"),
        ("I have 25 cats", "j'ai des chats", [0, 1, 2, 3], "j'ai 25 chats"),
        ("I have 3,000 cats", "j'ai 3 000 chats", [0, 1, 2, 2, 3], "j'ai 3 000 chats"),
        ("I have 3 000 cats", "j'ai 3 000 chats", [0, 1, 2, 3, 4], "j'ai 3 000 chats"),
        ("I have 3 000 cats", "j'ai 3.000 chats", [0, 1, 2, 4], "j'ai 3.000 chats"),
        ("I have 1,234.56", "j'ai 1,234.56", [0, 1, 2], "j'ai 1,234.56"),
        ("I have 1,234.56", "j'ai 1.234,56", [0, 1, 2], "j'ai 1.234,56"),
        ("I have 25 cats", "j'ai २५ chats", [0, 1, 2, 3], "j'ai २५ chats"),  # in other digits
        ("I see Tvwxq here", "je vois ici", [0, 1, 3], "je vois ici"),  # a name may have another
        ("I see Tvwxq here", "je vois Zxq ici", [0, 1, 2, 3], "je vois Tvwxq ici"),
        ("I see Tom Ω", "je vois Tom", [0, 1, 3], "je vois Tom Ω"),  # a copy is not replaced
        ("see http://a.org/b here", "vois un truc ici", [0, 2, 3, 6], "vois http://a.org/b ici"),
    ],
)
def test_a_token_takes_the_place_of_the_words_that_looked_at_it(
    source: str, target: str, looks: list[float | None], expected: str, tokenizer: Tokenizer
) -> None:
    assert kept(source, target, looks, tokenizer).text == expected


@pytest.mark.parametrize(
    ("source", "target", "looks", "expected"),
    [
        ("<b>I see Tom.</b>", "Je vois Tom.", [0, 1, 2, 3], "<b>Je vois Tom.</b>"),
        ("I <b>see</b> Tom", "Je vois Tom", [0, 1, 2], "Je <b>vois</b> Tom"),
        ("a <i>big</i> cat", "un chat grand", [0, 2, 1], "un chat <i>grand</i>"),
        ("a <i><b>big</b> cat</i>", "un chat grand", [0, 2, 1], "un <i>chat <b>grand</b></i>"),
        ("see <br/> here", "vois ici", [0, 1], "vois <br/> ici"),
        ("<p>see <a href='x y'>it</a><br/></p>", "vois ça", [0, 1],
         "<p>vois <a href='x y'>ça</a><br/></p>"),
        ("see it</b>", "vois ça", [0, 1], "vois ça</b>"),
        ("see <b>it</b> here", "vois ici", [0, 2], "vois <b></b> ici"),  # nobody looked within
        ("see <i><b>it</b></i> here", "vois ici", [0, 2], "vois <i><b></b></i> ici"),
        ("<p><b>see it</b></p>", "", [], "<p><b></b></p>"),
        ("<p>see <b>it</b></p>", "vois", [0], "<p>vois <b></b></p>"),
    ],
)  # fmt: skip
def test_tags_stand_around_the_words_that_looked_at_what_they_stood_around(
    source: str, target: str, looks: list[float | None], expected: str, tokenizer: Tokenizer
) -> None:
    assert kept(source, target, looks, tokenizer).text == expected


def test_pieces_and_weights_stay_and_a_replaced_word_keeps_its_row(tokenizer: Tokenizer) -> None:
    found = kept("I see Ω here", "je vois truc ici", [0, 1, 2, 3], tokenizer)
    assert [word.word for word in found.words] == ["je", "vois", "Ω", "ici"]
    assert found.words[2].pieces == (2,)
    np.testing.assert_allclose(found.attention_IJ[2], [0, 0, 1, 0, 0])


def test_a_translation_that_lacks_nothing_is_the_same_object(tokenizer: Tokenizer) -> None:
    words = [WordPieces("je", (0,))]
    candidate = Candidate("je", 0.0, [], [], [], words, True, np.zeros((1, 1, 2), np.float32), [])
    assert keep(candidate, "I", (), []) is candidate
