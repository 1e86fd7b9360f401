"""Aligned fragments: English words, and French words that point at the English ones they render.

Links are kept by object identity, so fragments can be joined, moved and nested freely; the indices
of an alignment are computed once, when a whole sentence is written out (see `realise.py`).
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\{(?P<slot>\w*)\}|(?P<text>[^\s{}0-9]+)(?P<groups>[0-9]*)")


@dataclass(eq=False)
class Word:
    """An English word; `glue` writes it against the word before it (`do` + `n't`)."""

    text: str
    lemma: str = ""
    glue: bool = False


@dataclass(eq=False)
class Mot:
    """A French word, the English words it renders, and its form before a vowel if it has one.

    `article` marks the definite article, which contracts with `de` and `à`; the clitic does not.
    """

    text: str
    links: list[Word] = field(default_factory=list)
    lemma: str = ""
    before_vowel: str = ""
    article: bool = False


@dataclass
class Pair:
    """An English fragment and its French rendering."""

    en: list[Word] = field(default_factory=list)
    fr: list[Mot] = field(default_factory=list)

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(self.en + other.en, self.fr + other.fr)


def _parse(side: str) -> list[tuple[str, str, str]]:
    """Return (slot, text, groups) for each item of one side of a template."""
    return [
        (match["slot"] if match["text"] is None else "", match["text"] or "", match["groups"] or "")
        for match in _TOKEN.finditer(side)
    ]


def _default_groups(english: int, french: int) -> tuple[list[str], list[str]]:
    """Link word by word where the lengths agree, and everything to everything where not."""
    if english == french:
        return [chr(97 + i) for i in range(english)], [chr(97 + i) for i in range(french)]
    return ["a"] * english, ["a"] * french


def aligned(
    template: str, head: list[Word] | None = None, slots: dict[str, Pair] | None = None
) -> Pair:
    """Build a pair from `English | French`.

    Digits after a word name its link groups: `every1 day2 | tous1 les1 jours2`; group 0 is `head`,
    the verb that the fragment belongs to. Without digits, equal lengths link word by word and
    unequal ones all to all. `{name}` puts a pair of `slots` in place.
    """
    english_side, french_side = [*template.split("|"), template][:2]
    english, french = _parse(english_side), _parse(french_side)
    if not any(groups for _, _, groups in english + french):
        plain_en = sum(bool(text) for _, text, _ in english)
        plain_fr = sum(bool(text) for _, text, _ in french)
        defaults = _default_groups(plain_en, plain_fr)
    else:
        defaults = ([], [])
    en_defaults, fr_defaults = iter(defaults[0]), iter(defaults[1])

    result = Pair()
    members: dict[str, list[Word]] = {"0": list(head or [])}
    for slot, text, groups in english:
        if not text:
            result.en += (slots or {})[slot].en
            continue
        word = Word(text)
        result.en.append(word)
        for group in groups or next(en_defaults, ""):
            members.setdefault(group, []).append(word)
        if "0" in groups and head is not None:
            head.append(word)
    for slot, text, groups in french:
        if not text:
            result.fr += (slots or {})[slot].fr
            continue
        links = [word for group in groups or next(fr_defaults, "") for word in members[group]]
        result.fr.append(Mot(text, links))
    return result
