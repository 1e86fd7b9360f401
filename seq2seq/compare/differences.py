"""Where one system is better than another: by length, by how rare a word is, sentence by sentence.

The word measure is the F1 of -- Neubig et al. 2019 (compare-mt): of the words of one range of
frequency, how many of the references are in the translations of the same sentence, and of the
translations in the references.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sacrebleu.metrics.chrf import CHRF

from seq2seq.config import BleuTokenizer
from seq2seq.data.words import split_words
from seq2seq.evaluation.comparable import References, comparable
from seq2seq.evaluation.lengths import score_by_length

FREQUENCIES = (0, 1, 4, 9, 99, 999)
"""The most times that a word of each range but the last was seen."""


class Seen(NamedTuple):
    """How often each word is in a text, and what text that is."""

    counts: Mapping[str, int]
    text: str


class Range(NamedTuple):
    """What both systems reach on a part of the test set."""

    name: str
    size: int
    """Sentences, or words of the references."""
    baseline: float
    system: float


class Example(NamedTuple):
    """A sentence that one system translates better by chrF, in percent."""

    source: str
    reference: str
    baseline: str
    system: str
    gain: float
    """Of the system's chrF over the baseline's; below 0 where it is worse."""


class Differences(NamedTuple):
    """Where a system differs from the baseline."""

    lengths: list[Range]
    """BLEU by words of the source; empty where the sources aren't known."""
    frequencies: list[Range]
    """F1 in percent, by how often a word was seen."""
    seen_in: str
    """The text that it was seen in."""
    better: list[Example]
    """The sentences that gained most, the first the most."""
    worse: list[Example]
    """The sentences that lost most."""


def find_differences(
    sources: Sequence[str],
    baseline: Sequence[str],
    system: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer,
    seen: Seen,
    examples: int = 3,
) -> Differences:
    """Return where the translations `system` differ from those of `baseline`.

    `sources` may be empty: if they are unknown, or no text.
    """
    gained = _examples(sources, baseline, system, references)
    return Differences(
        _by_length(sources, baseline, system, references, tokenize) if sources else [],
        _by_frequency(baseline, system, references, seen.counts),
        seen.text,
        [example for example in gained[:examples] if example.gain > 0],
        [example for example in gained[::-1][:examples] if example.gain < 0],
    )


def count_words(texts: Iterable[str | None]) -> Counter[str]:
    """Return how often each word is in the texts."""
    return Counter(word for text in texts for word in split_words(text or ""))


def _by_length(
    sources: Sequence[str],
    baseline: Sequence[str],
    system: Sequence[str],
    references: References,
    tokenize: BleuTokenizer,
) -> list[Range]:
    buckets = [
        score_by_length(sources, lines, references, tokenize=tokenize)
        for lines in (baseline, system)
    ]
    return [
        Range(
            f"{one.shortest}-{one.longest}" if one.longest else f"{one.shortest}+",
            one.sentences,
            one.bleu,
            other.bleu,
        )
        for one, other in zip(*buckets, strict=True)
    ]


def _by_frequency(
    baseline: Sequence[str],
    system: Sequence[str],
    references: References,
    seen: Mapping[str, int],
) -> list[Range]:
    counts, ours = _matches(baseline, references, seen)
    _, theirs = _matches(system, references, seen)
    limits = [*FREQUENCIES, None]
    lowest = [0, *(limit + 1 for limit in FREQUENCIES)]
    return [
        Range(_span(low, high), counts[number], ours[number], theirs[number])
        for number, (low, high) in enumerate(zip(lowest, limits, strict=True))
        if counts[number]
    ]


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"{low:,}+"
    return f"{low}" if low == high else f"{low}-{high}"


def _matches(
    hypotheses: Sequence[str], references: References, seen: Mapping[str, int]
) -> tuple[list[int], list[float]]:
    """The number of reference words of each range, and the F1 in percent."""
    ranges = len(FREQUENCIES) + 1
    wanted, found, matched = [0] * ranges, [0] * ranges, [0] * ranges
    texts = comparable(hypotheses, references)
    for hypothesis, reference in zip(texts.hypotheses, texts.references[0], strict=True):
        theirs, ours = count_words([reference]), count_words([hypothesis])
        for words, sums in ((theirs, wanted), (ours, found), (theirs & ours, matched)):
            for word, count in words.items():
                times = seen.get(word, 0)
                sums[sum(times > limit for limit in FREQUENCIES)] += count
    return wanted, [
        200 * match / (want + find) if want + find else 0.0
        for match, want, find in zip(matched, wanted, found, strict=True)
    ]


def _examples(
    sources: Sequence[str],
    baseline: Sequence[str],
    system: Sequence[str],
    references: References,
) -> list[Example]:
    """All sentences, the one that gained most first."""
    chrf = CHRF()
    rows = []
    for number, pair in enumerate(zip(baseline, system, strict=True)):
        given = [line for stream in references if (line := stream[number]) is not None]
        one, other = (float(chrf.sentence_score(text, given).score) for text in pair)
        source = sources[number] if sources else ""
        rows.append(Example(source, given[0], *pair, other - one))
    return sorted(rows, key=lambda example: -example.gain)
