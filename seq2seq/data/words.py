"""What counts as a word when attention, alignments and gold alignments are read word by word.

A word is a run of characters between spaces, with punctuation set apart, a French elided form
(`j'`, `t'`, `qu'`) a word of its own, and a pronoun hung on a verb (`veux-tu`, `est-ce`) too:

    "Qu'est-ce que tu m'as dit ?"  ->  Qu' est -ce que tu m' as dit ?

A joint that is part of a word stays in it (`aujourd'hui`, `don't`, `peut-être`, `10:30`, `3.5`).
"""

import re
from collections.abc import Iterator

_ELIDED = r"(?:jusqu|lorsqu|puisqu|quoiqu|qu|[cdjlmnst])['’](?=\w)"
_PRONOUN = (
    r"(?:t-(?:ils?|elles?|on)"
    r"|je|tu|ils?|elles?|on|nous|vous|ce|les?|la|lui|leur|moi|toi|y|en)(?!\w)"
)
_CLITIC = rf"-{_PRONOUN}(?!-(?!{_PRONOUN}))"  # not the `-en-` of `arc-en-ciel`
_WHOLE = r"aujourd['’]hui|rendez-vous"
_INSIDE = r"['’.,:/-](?=\w)"  # joins two halves of one word
_WORD = re.compile(
    rf"(?:{_WHOLE})(?!\w)|{_ELIDED}|{_CLITIC}"
    rf"|\w(?:(?!{_CLITIC})(?:\w|{_INSIDE}))*"
    r"|\.{2,}|\S",
    re.IGNORECASE,
)


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) character offsets of each word of `text`, left to right."""
    return (match.span() for match in _WORD.finditer(text))


def split_words(text: str) -> list[str]:
    """Return the words of `text`, in order; joining them drops only white space."""
    return [text[start:end] for start, end in word_spans(text)]
