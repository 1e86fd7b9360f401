"""Endings and small choices that all families share."""

from ..fragments import Pair, aligned
from ..grammar import Context


def say(pair: Pair) -> Pair:
    """End with a full stop."""
    return pair + aligned(". | .")


def ask(pair: Pair) -> Pair:
    """End with a question mark."""
    return pair + aligned("? | ?")


def exclaim(pair: Pair) -> Pair:
    """End with an exclamation mark."""
    return pair + aligned("! | !")


def pick_negation(ctx: Context, tense: str) -> str:
    """Choose a negation that goes with a tense."""
    if tense in ("used", "would"):
        return "never" if tense == "used" else "not"
    if tense == "perf":
        return ctx.rng.choices(("not", "never", "yet"), (2, 3, 2))[0]
    if tense == "past":
        return ctx.rng.choices(("not", "never"), (5, 1))[0]
    if tense in ("will", "going"):
        return ctx.rng.choices(("not", "never"), (5, 1 if tense == "will" else 0))[0]
    return ctx.rng.choices(("not", "never", "no longer", "anymore"), (6, 1.5, 1, 1.5))[0]
