"""What a corpus holds: pairs, words, characters, and how much of new text its words cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seq2seq.data.split import Pairs
from seq2seq.data.words import split_words

SAMPLE = 50_000
"""Training pairs that are looked at, evenly spread over the corpus; sums are scaled up."""


class Side(NamedTuple):
    """One language of a corpus."""

    words: int
    """Words of the training sentences, repeated ones counted."""
    distinct_words: int
    """Different words among those looked at."""
    alphabet: int
    """Different characters among those looked at."""
    unseen: float
    """The share of the validation sentences' words that no training sentence has; 0 without any."""


class Survey(NamedTuple):
    """A corpus in figures. Words are those of `seq2seq.data.words`, punctuation included."""

    pairs: int
    """Training pairs."""
    source: Side
    target: Side


def survey(splits: Mapping[str, Pairs], longest: int) -> Survey:
    """Return the figures of the split `train`, and what of `valid` is new to it.

    A pair with a side of more than `longest` words, which training leaves out, counts for nothing.
    """
    train, valid = splits["train"], splits["valid"]
    step = -(-len(train) // SAMPLE)
    sample = [pair for pair in train[::step] if not _is_too_long(pair, longest)]
    scale = len(train) / len(train[::step])
    sides = [
        _side((pair[index] for pair in sample), [pair[index] for pair in valid], scale)
        for index in (0, 1)
    ]
    return Survey(len(train), *sides)


def _is_too_long(pair: tuple[str, str], longest: int) -> bool:
    """Whether a side has more than `longest` words, and so more pieces too."""
    return any(len(side) > longest and len(split_words(side)) > longest for side in pair)


def _side(sentences: Iterable[str], validation: list[str], scale: float) -> Side:
    words, distinct, alphabet = 0, set[str](), set[str]()
    for sentence in sentences:
        found = split_words(sentence)
        words += len(found)
        distinct.update(found)
        alphabet.update(sentence)
    new = [word for sentence in validation for word in split_words(sentence)]
    unseen = sum(word not in distinct for word in new) / max(1, len(new))
    return Side(round(words * scale), len(distinct), len(alphabet), unseen)
