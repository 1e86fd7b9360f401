"""English morphology: verb forms, plurals, comparatives, and the choice of a or an."""

from functools import cache

from .tables import read_table

VOWELS = "aeiou"
NO_DOUBLING = (
    "visit",
    "open",
    "listen",
    "answer",
    "remember",
    "offer",
    "wonder",
    "order",
    "enter",
    "water",
    "suffer",
    "happen",
    "bother",
    "cover",
    "deliver",
    "gather",
    "discover",
    "whisper",
    "hammer",
    "benefit",
    "edit",
    "borrow",
)


@cache
def _irregular() -> dict[str, list[str]]:
    return {row[0]: row[1].split() for row in read_table("irregular_english.txt")}


def _doubles(base: str) -> bool:
    """Say whether the last consonant doubles before -ed, -ing, -er."""
    return (
        len(base) > 2
        and base not in NO_DOUBLING
        and base[-1] not in VOWELS + "wxyh"
        and base[-2] in VOWELS
        and base[-3] not in VOWELS
        and not base.endswith(("en", "er"))
    )


def third_person(base: str) -> str:
    """Return the -s form of a verb, which is also the regular plural of a noun."""
    if base == "have":
        return "has"
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in VOWELS:
        return base[:-1] + "ied"
    return base + base[-1] + "ed" if _doubles(base) else base + "ed"


def past(base: str) -> str:
    """Return the simple past."""
    return _irregular()[base][0] if base in _irregular() else _regular_past(base)


def past_participle(base: str) -> str:
    """Return the past participle."""
    return _irregular()[base][-1] if base in _irregular() else _regular_past(base)


def gerund(base: str) -> str:
    """Return the -ing form."""
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and base not in ("be", "see") and not base.endswith("ee"):
        return base[:-1] + "ing"
    return (
        base + base[-1] + "ing" if _doubles(base) or base in ("begin", "forget") else base + "ing"
    )


def comparative(adjective: str) -> str:
    """Return the -er form of a short adjective."""
    if adjective in ("good", "bad"):
        return {"good": "better", "bad": "worse"}[adjective]
    if adjective.endswith("e"):
        return adjective + "r"
    if adjective.endswith("y"):
        return adjective[:-1] + "ier"
    return adjective + adjective[-1] + "er" if _doubles(adjective) else adjective + "er"


def article(following: str) -> str:
    """Return a or an, by the sound of the word that follows."""
    word = following.lower()
    if word.startswith(("uni", "use", "eu", "one")):
        return "a"
    return "an" if word[0] in VOWELS or word.startswith(("hour", "honest")) else "a"
