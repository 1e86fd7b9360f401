"""What counts as a word when attention, alignments and gold alignments are read word by word.

A word is a run of characters between spaces, with punctuation set apart, a French elided form
(`j'`, `t'`, `qu'`) a word of its own, and a pronoun hung on a verb (`veux-tu`, `est-ce`) too:

    "Qu'est-ce que tu m'as dit ?"  ->  Qu' est -ce que tu m' as dit ?

A joint that is part of a word stays in it (`aujourd'hui`, `don't`, `peut-être`, `col·lega`,
`10:30`, `3.5`). Marks, joiners, variation selectors and skin tones go with the character before
them, and an emoji of several characters is one word (grapheme clusters, Unicode's annex 29).

In a script without spaces a word can't be seen. There a word is a character (a grapheme cluster),
a run of katakana, or a Tibetan syllable with its mark:

    "私はカラオケが好き"  ->  私 は カラオケ が 好 き

and a whole run of such words is one unit, within which pieces of a vocabulary are free to span
several. In other scripts a unit is a word.

The default word boundaries of annex 29, which regex has too (`(?w)\\b`), give `l'ami` and `10/12`
no better words than those above, and take Thai and Khmer for words as long as their clauses.
"""

from collections.abc import Iterable, Iterator

import regex


def any_script(names: Iterable[str]) -> str:
    """Return a regex set (V1) of the characters of these scripts, called as Unicode calls them."""
    return "[" + "".join(rf"\p{{sc={name}}}" for name in names) + "]"


_UNSPACED = [
    *("Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Tangut", "Nushu"),
    *("Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Javanese", "Balinese"),
    *("Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet", "Ahom"),
]
_PROLONGED = "\u30fc\uff70"  # the marks of a long vowel, in katakana and hiragana alike
_MARK = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]"  # goes with what is before it: annex 29, WB4
UNSPACED = rf"[[\p{{L}}\p{{Nl}}]&&[{any_script(_UNSPACED)}{_PROLONGED}]]"
"""A letter of a script without spaces, as a set of regex (V1)."""

_LETTER = rf"[[\p{{L}}\p{{N}}\p{{WB=ALetter}}_]--{UNSPACED}]"
_KATAKANA = rf"(?:[[\p{{L}}&&\p{{sc=Katakana}}]{_PROLONGED}]{_MARK}*)+"
_SYLLABLE = rf"(?:[\p{{L}}&&\p{{sc=Tibetan}}]{_MARK}*)+[\u0f0b\u0f0c]*"
_CLUSTER = rf"(?={UNSPACED})\X"
_BELOW = rf"(?<=\p{{InSC=Invisible_Stacker}}){_CLUSTER}"  # a consonant written below the one before
_CHARACTER = rf"(?:{_KATAKANA}|{_SYLLABLE}|{_CLUSTER}(?:{_MARK}|{_BELOW})*)"

_APOSTROPHE = "['’]"
_HYPHEN = "[-\u2010\u2011]"
_ELIDED = rf"(?i:jusqu|lorsqu|puisqu|quoiqu|qu|[cdjlmnst]){_APOSTROPHE}(?={_LETTER})"
_NO_MORE = rf"(?!{_LETTER}|{_MARK})"
_PRONOUN = (
    r"(?i:t-(?:ils?|elles?|on)"
    r"|je|tu|ils?|elles?|on|nous|vous|ce|les?|la|lui|leur|moi|toi|y|en)" + _NO_MORE
)
_CLITIC = rf"{_HYPHEN}{_PRONOUN}(?!{_HYPHEN}(?!{_PRONOUN}))"  # not the `-en-` of `arc-en-ciel`
_WHOLE = rf"(?i:aujourd{_APOSTROPHE}hui|rendez{_HYPHEN}vous){_NO_MORE}"
_INSIDE = (  # joins two halves of one word
    rf"['’.,:/·\u05be\u05f4\u066b\u066c\u2010\u2011-](?={_LETTER})"
    r"|(?<=\p{Hebrew}\p{M}*)\"(?=\p{Hebrew})"
)
_PLAIN = "[A-Za-zÀ-ÖØ-öø-ÿ]++(?![^ ])"  # a word before a space, at half the cost of the rest
_KEYCAP = "[0-9#*]\ufe0f?\u20e3"
_UNSEEN = r"[\s\p{Cc}\p{DI}\p{NChar}\ufff9-\ufffb--[\p{WB=Extend}\p{WB=ZWJ}\u115f\u1160]]"


def _words(character: str) -> regex.Pattern[str]:
    one = rf"(?:\p{{GCB=Prepend}}{_MARK}*|\X)"  # of \X alone, a prepended sign takes a space along
    return regex.compile(
        rf"{_PLAIN}|{_KEYCAP}|{_WHOLE}|{_ELIDED}|{_CLITIC}|{character}"
        rf"|{_LETTER}(?:(?!{_CLITIC})(?:{_LETTER}|{_MARK}|{_INSIDE}))*"
        rf"|\.{{2,}}|(?!{_UNSEEN}){one}",
        regex.V1,
    )


_WORD = _words(_CHARACTER)
_UNIT = _words(f"{_CHARACTER}+")
_UNSPACED_LETTER = regex.compile(UNSPACED, regex.V1)


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) character offsets of each word of `text`, left to right."""
    return (match.span() for match in _WORD.finditer(text))


def unit_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of what is spelt on its own: a word, or a run of words without spaces."""
    return (match.span() for match in _UNIT.finditer(text))


def split_words(text: str) -> list[str]:
    """Return the words of `text`, in order; joining them drops only what can't be seen."""
    return [text[start:end] for start, end in word_spans(text)]


def has_spaces(word: str) -> bool:
    """Return whether a word is of a script that has spaces, so that it is not only a character."""
    return not _UNSPACED_LETTER.match(word)
