"""Training pairs shown in another spelling too: capitals, lower case, the other kind of quotes.

A model knows only what it was shown: `WHERE IS THE DOG?` and curly quotes are strange to one that
learnt from tidy text. Which pairs are varied is a function of the seed and the pair alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator

from seq2seq.config import VaryConfig

_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"})
_OPENING = re.compile(r"(?:(?<=[\s(\[{«-])|^)(['\"])(?=\w)")

Pair = tuple[str, str]


def with_variants(
    pairs: Iterable[Pair], vary: VaryConfig, seed: int
) -> Iterator[tuple[str, str, str]]:
    """Yield (source, target, "") of each pair, and after it (..., what was varied) of its variants.

    A variant that equals the pair is left out.
    """
    ways: list[tuple[str, float, Callable[[Pair], Pair]]] = [
        ("in capitals", vary.upper, _in_capitals),
        ("in lower case", vary.lower, _in_lower_case),
        ("with other quotes", vary.quotes, other_quotes),
    ]
    for pair in pairs:
        yield (*pair, "")
        for name, fraction, change in ways:
            if fraction and _draw(seed, name, pair) < fraction:
                variant = change(pair)
                if variant != pair:
                    yield (*variant, name)


def other_quotes(pair: Pair) -> Pair:
    """Return the pair with curly quotes for straight ones, or straight ones for curly.

    Both sides get the kind that the source has not, or if it has none, the target.
    """
    straight = next((_has_straight(side) for side in pair if _has_quotes(side)), False)
    source, target = (_curled(side) if straight else side.translate(_STRAIGHT) for side in pair)
    return source, target


def _in_capitals(pair: Pair) -> Pair:
    return pair[0].upper(), pair[1].upper()


def _in_lower_case(pair: Pair) -> Pair:
    return pair[0].lower(), pair[1].lower()


def _draw(seed: int, name: str, pair: Pair) -> float:
    """A number in [0, 1) that depends on nothing else."""
    key = "\n".join([str(seed), name, *pair]).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") / 2**64


def _has_straight(text: str) -> bool:
    return "'" in text or '"' in text


def _has_quotes(text: str) -> bool:
    return _has_straight(text.translate(_STRAIGHT))


def _curled(text: str) -> str:
    """`text` with curly quotes: opening ones before a word that begins, else closing ones."""
    opened = _OPENING.sub(lambda match: "‘" if match[1] == "'" else "“", text)
    return opened.replace("'", "’").replace('"', "”")
