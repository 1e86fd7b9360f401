"""Which language a text is in, and which of two.

The identification is py3langid's (Lui and Baldwin 2012, retrained): naive Bayes over byte n-grams,
needing nothing but NumPy. It is imported when it is first asked, which takes a second. lingua was
considered: 100 MB for what is asked here of hundreds of lines at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.data.languages import known_language, same_language

SAMPLE = 500
"""Lines of a text that are looked at."""
_CHARACTERS = 300  # of a line
_LETTERS = 30  # bytes of a text's letters, below which its language is not guessed
_FEWEST = 20  # lines of which it is said that they are in another language
_LIKELIEST = 4  # related languages are often confused
_CERTAIN = 0.75  # the share of lines that must agree that two languages are exchanged


class Order(NamedTuple):
    """How many of so many lines speak for the languages as they are said, and for the exchange."""

    straight: int
    exchanged: int
    lines: int

    @property
    def is_exchanged(self) -> bool:
        """Whether the two languages stand the wrong way round, with hardly a doubt."""
        return self.exchanged > 0 and self.exchanged >= _CERTAIN * self.lines


def find_order(
    sources: Sequence[str], targets: Sequence[str], source_language: str, target_language: str
) -> Order | None:
    """Return how the lines of two texts, facing each other, vote on which language is which.

    A line speaks for the exchange if each of its two sides looks more like the other's language.
    None where the identification does not know both languages, or they are one.
    """
    source, target = (_identified(name) for name in (source_language, target_language))
    if source is None or target is None or source == target:
        return None
    straight = exchanged = lines = 0
    for left, right in zip(sources[:SAMPLE], targets[:SAMPLE], strict=True):
        if not (_says_something(left) and _says_something(right)) or left == right:
            continue
        lines += 1
        margins = (_margin(left, source, target), _margin(right, target, source))
        straight += min(margins) > 0
        exchanged += max(margins) < 0
    order = Order(straight, exchanged, lines)
    if order.is_exchanged and not (
        _may_be(sources, target_language) and _may_be(targets, source_language)
    ):
        return Order(straight, 0, lines)  # Spanish and German are no French and English exchanged
    return order


class Oddness(NamedTuple):
    """What is odd in the languages of two texts that face each other."""

    exchanged: Order | None = None
    """The votes, if source and target stand the wrong way round."""
    others: tuple[tuple[int, str], ...] = ()
    """Else the sides (0 the source, 1 the target) in another language than said, and in which."""


def find_oddness(
    sources: Sequence[str], targets: Sequence[str], source_language: str, target_language: str
) -> Oddness:
    """Return the evidence that two texts are not in the languages that the user named."""
    order = find_order(sources, targets, source_language, target_language)
    if order and order.is_exchanged:
        return Oddness(order)
    sides = ((sources, source_language), (targets, target_language))
    likely = ((side, _unexpected_language(*texts)) for side, texts in enumerate(sides))
    return Oddness(None, tuple((side, language) for side, language in likely if language))


def guess_language(lines: Sequence[str]) -> list[str]:
    """Return codes of languages, the likeliest of the text first; none if it says too little."""
    text = "\n".join(dict.fromkeys(line[:_CHARACTERS] for line in lines[:SAMPLE]))
    if len("".join(filter(str.isalpha, text)).encode()) < _LETTERS:
        return []
    return [code for code, _ in _rank(text)]


def _unexpected_language(lines: Sequence[str], language: str) -> str | None:
    """Return the language that a text looks like if that is not `language`, else None.

    None as well where there are too few lines to tell, or the identification does not know it.
    """
    if len(lines) < _FEWEST or not is_identified(language) or _may_be(lines, language):
        return None
    return guess_language(lines)[0]


def _may_be(lines: Sequence[str], language: str) -> bool:
    """Whether a language is among the likeliest of a text, or the text says too little."""
    guess = guess_language(lines)
    return not guess or any(same_language(code, language) for code in guess[:_LIKELIEST])


def is_identified(name: str) -> bool:
    """Whether the identification knows a language."""
    return _identified(name) is not None


def _identified(name: str) -> str | None:
    """The code under which the identification knows a language."""
    code = known_language(name) or name.casefold()
    return code if code in dict(_rank("text")) else None


def _says_something(text: str) -> bool:
    return sum(char.isalpha() for char in text[:_CHARACTERS]) >= 2


def _margin(text: str, one: str, other: str) -> float:
    ranks = dict(_rank(text[:_CHARACTERS]))
    return ranks[one] - ranks[other]


def _rank(text: str) -> list[tuple[str, float]]:
    import py3langid  # a second, and not every command asks

    return py3langid.rank(text)
