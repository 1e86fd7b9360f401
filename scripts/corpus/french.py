"""French morphology: conjugation, agreement, plurals, and the sounds that decide elision.

Persons are numbered 0-5: je, tu, il/elle, nous, vous, ils/elles.
"""

import unicodedata
from functools import cache

from .tables import read_table

IMPERFECT = ("ais", "ais", "ait", "ions", "iez", "aient")
FUTURE = ("ai", "as", "a", "ons", "ez", "ont")
DOUBLING = ("appeler", "rappeler", "jeter")

H_ASPIRE = (
    "haricot",
    "héros",
    "haut",
    "hibou",
    "huit",
    "honte",
    "homard",
    "hasard",
    "hockey",
    "hamster",
    "hall",
    "handball",
    "harpe",
    "hauteur",
    "héron",
    "hérisson",
    "hors",
    "hurler",
    "hache",
)
NO_ELISION = ("onze", "onzième", "oui", "yaourt", "yaourts", "yoga", "uns")


def starts_with_vowel(text: str) -> bool:
    """Say whether `le`, `je`, `de`... elide before this word (a vowel or a mute h)."""
    word = text.lower()
    if word in NO_ELISION or word.startswith(H_ASPIRE):
        return False
    first = unicodedata.normalize("NFD", word)[:1]
    return first in "aeiouœh" or word in ("y", "yeux")


def _spell_er(lemma: str, ending: str) -> str:
    """Join an -er verb and an ending, with the spelling changes of -cer, -ger, -yer, -eler..."""
    stem = lemma[:-2]
    mute = ending in ("e", "es", "ent") or ending.startswith("er")
    if ending[0] in "aoâ":
        if stem.endswith("c"):
            return stem[:-1] + "ç" + ending
        if stem.endswith("g"):
            return stem + "e" + ending
    if not mute:
        return stem + ending
    if stem.endswith("y"):
        return stem[:-1] + "i" + ending
    if lemma in DOUBLING:
        return stem + stem[-1] + ending
    return _open_e(stem, ending) + ending


def _open_e(stem: str, ending: str) -> str:
    """Turn the last e/é of a stem into è before a mute ending (acheter, préférer)."""
    tail = 2 if stem.endswith(("qu", "gu", "tr", "gr", "br")) else 1
    vowel = stem[-tail - 1 : -tail]
    if vowel == "e" or (vowel == "é" and not ending.startswith("er")):
        return stem[: -tail - 1] + "è" + stem[-tail:]
    return stem


@cache
def _irregular() -> dict[str, dict[str, list[str]]]:
    """Read the irregular table: lemma -> present, future stem, participle, imperfect, imperative"""
    rows = {}
    for row in read_table("irregular_french.txt"):
        lemma, present, future, participle = row[:4]
        rows[lemma] = {
            "present": present.split(),
            "future": [future],
            "participle": [participle],
            "imperfect": row[4].split() if len(row) > 4 else [],
            "imperative": row[5].split() if len(row) > 5 else [],
        }
    return rows


def present(lemma: str) -> list[str]:
    """Return the six forms of the présent."""
    if lemma in _irregular():
        return _irregular()[lemma]["present"]
    stem = lemma[:-2]
    if lemma.endswith("er"):
        return [_spell_er(lemma, ending) for ending in ("e", "es", "e", "ons", "ez", "ent")]
    if lemma.endswith("ir"):
        return [stem + ending for ending in ("is", "is", "it", "issons", "issez", "issent")]
    return [stem + ending for ending in ("s", "s", "", "ons", "ez", "ent")]


def imperfect(lemma: str) -> list[str]:
    """Return the six forms of the imparfait, from the nous form of the présent."""
    if lemma in _irregular() and _irregular()[lemma]["imperfect"]:
        stem = _irregular()[lemma]["imperfect"][0]
        return [stem + ending for ending in IMPERFECT]
    stem = present(lemma)[3].removesuffix("ons")
    if stem.endswith("ç") or (stem.endswith("ge") and lemma.endswith("ger")):
        return [_spell_er(lemma, ending) for ending in IMPERFECT]
    return [stem + ending for ending in IMPERFECT]


def future_stem(lemma: str) -> str:
    """Return the stem shared by the futur and the conditionnel."""
    if lemma in _irregular():
        return _irregular()[lemma]["future"][0]
    if lemma.endswith("er"):
        return _spell_er(lemma, "er")
    return lemma.removesuffix("e")


def conjugate(lemma: str, tense: str, person: int) -> str:
    """Return one form; `tense` is present, imperfect, future, conditional or imperative."""
    if tense == "present":
        return present(lemma)[person]
    if tense == "imperfect":
        return imperfect(lemma)[person]
    if tense == "future":
        return future_stem(lemma) + FUTURE[person]
    if tense == "conditional":
        return future_stem(lemma) + IMPERFECT[person]
    if tense == "imperative":
        return imperative(lemma, person)
    raise ValueError(f"no such tense: {tense}")


def imperative(lemma: str, person: int) -> str:
    """Return the imperative of tu, nous or vous (persons 1, 3, 4)."""
    if lemma in _irregular() and _irregular()[lemma]["imperative"]:
        return _irregular()[lemma]["imperative"][(1, 3, 4).index(person)]
    form = present(lemma)[person]
    return form[:-1] if person == 1 and form.endswith(("es", "as")) else form


def participle(lemma: str, gender: str = "m", plural: bool = False) -> str:
    """Return the past participle with its agreement."""
    if lemma in _irregular():
        form = _irregular()[lemma]["participle"][0]
    elif lemma.endswith("er"):
        form = lemma[:-2] + "é"
    elif lemma.endswith("ir"):
        form = lemma[:-1]
    else:
        form = lemma[:-2] + "u"
    if gender == "f":
        form = form.replace("û", "u") + "e"
    elif form.endswith("û") and plural:
        form = form.replace("û", "u")
    return form + "s" if plural and not form.endswith("s") else form


def feminine(adjective: str) -> str:
    """Return the regular feminine of an adjective; the lexicon lists the others."""
    for masculine_end, feminine_end in (
        ("eux", "euse"),
        ("er", "ère"),
        ("f", "ve"),
        ("el", "elle"),
        ("en", "enne"),
        ("on", "onne"),
    ):
        if adjective.endswith(masculine_end):
            return adjective.removesuffix(masculine_end) + feminine_end
    return adjective if adjective.endswith("e") else adjective + "e"


def pluralise(word: str) -> str:
    """Return the regular plural of a noun or adjective."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "eu")):
        return word + "x"
    return word[:-2] + "aux" if word.endswith("al") else word + "s"
