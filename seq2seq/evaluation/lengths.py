"""Scores by source length: does attention keep long sentences from getting worse?

The figure of -- Bahdanau et al. 2015, Figure 2, with the project's words (`seq2seq.data.words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.config import BleuTokenizer
from seq2seq.data.words import split_words
from seq2seq.evaluation.comparable import References
from seq2seq.evaluation.scores import QuickScores, quick_scores
from seq2seq.evaluation.tokenizers import DEFAULT

LENGTHS = (5, 10, 15, 20, 30, 40, 50)


@dataclass(frozen=True)
class LengthBucket:
    """The sentences whose source has `shortest` to `longest` words, both included."""

    shortest: int
    longest: int | None
    """None in the last bucket, which has no upper end."""
    sentences: int
    bleu: float
    """Percent, by the same path as every other BLEU."""
    chrf: float
    """Percent; it can tell where sentences are too short for BLEU."""
    exact: float
    """Percent of the sentences that are right to the letter."""


def score_by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer = DEFAULT,
    lengths: Sequence[int] = LENGTHS,
) -> list[LengthBucket]:
    """Return the scores of each range of source lengths that has a sentence, shortest first.

    `tokenize` is what `choose_tokenizer` chose for the whole; `lengths` are the longest source, in
    words, of every bucket but the last. Raises UserError if the numbers of lines differ.
    """
    assert len(sources) == len(hypotheses), "one source for each hypothesis"
    longest: list[int | None] = [*sorted(lengths), None]
    members: list[list[int]] = [[] for _ in longest]
    for line, source in enumerate(sources):
        words = len(split_words(source))
        members[sum(words > length for length in lengths)].append(line)
    shortest = [0, *(length + 1 for length in sorted(lengths))]

    def scores(lines: list[int]) -> QuickScores:
        picked = [[stream[line] for line in lines] for stream in references]
        return quick_scores([hypotheses[line] for line in lines], picked, tokenize=tokenize)

    return [
        LengthBucket(low, high, len(lines), *scores(lines))
        for low, high, lines in zip(shortest, longest, members, strict=True)
        if lines
    ]


def render_lengths(buckets: Sequence[LengthBucket]) -> str:
    """Return a plain-text table: source words, sentences, BLEU, chrF."""
    rows = [f"{'source words':>12}  {'sentences':>9}  {'BLEU':>6}  {'chrF':>6}"]
    for bucket in buckets:
        span = f"{bucket.shortest}-{bucket.longest}" if bucket.longest else f"{bucket.shortest}+"
        cells = f"{bucket.bleu:>6.2f}  {bucket.chrf:>6.2f}"
        rows.append(f"{span:>12}  {bucket.sentences:>9}  {cells}")
    return "\n".join(rows)
