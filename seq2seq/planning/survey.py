"""What a corpus holds: pairs, words, characters, and how much of new text its words cover."""

from __future__ import annotations

from collections.abc import Mapping
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
    sample = train[:: -(-len(train) // SAMPLE)]
    sides = _Count(), _Count()
    for pair in sample:
        words = [split_words(sentence) for sentence in pair]
        if max(map(len, words)) <= longest:  # as many pieces at least
            for side, sentence, found in zip(sides, pair, words, strict=True):
                side.add(sentence, found)
    scale = len(train) / len(sample)
    source, target = (
        side.result(scale, [pair[index] for pair in valid]) for index, side in enumerate(sides)
    )
    return Survey(len(train), source, target)


class _Count:
    """Adds up the sentences of one side."""

    def __init__(self) -> None:
        self.words, self.distinct, self.alphabet = 0, set[str](), set[str]()

    def add(self, sentence: str, words: list[str]) -> None:
        self.words += len(words)
        self.distinct.update(words)
        self.alphabet.update(sentence)

    def result(self, scale: float, validation: list[str]) -> Side:
        new = [word for sentence in validation for word in split_words(sentence)]
        unseen = sum(word not in self.distinct for word in new) / max(1, len(new))
        return Side(round(self.words * scale), len(self.distinct), len(self.alphabet), unseen)
