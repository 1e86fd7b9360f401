"""What a corpus of so many pairs is good for, with what was measured.

The figures are BLEU of new sentences of the same kind; docs/first-hour.md has their commands, and
docs/study.md what settings gave.
"""

from __future__ import annotations

from typing import NamedTuple


class Expectation(NamedTuple):
    """What is to be expected of up to `pairs` training pairs."""

    pairs: float
    text: str


EXPECTATIONS = (
    Expectation(
        1_000,
        "a phrase book: the model repeats what it was given, and gets a word here and there of a "
        "new sentence right (300 pairs of everyday sentences: BLEU 2). Start from a run of the two "
        "languages (--init), or find more text; no setting changes that",
    ),
    Expectation(
        10_000,
        "sentences that look right and often mean something else (3,000 pairs of everyday "
        "sentences: BLEU 10; 5,000 captions: 35). The plan's small vocabulary is for this size "
        "(Sennrich and Zhang 2019); more dropout cost 2 to 5 BLEU where training was as short as "
        "the plan's. To start from a run of the two languages (--init) helps most",
    ),
    Expectation(
        100_000,
        "new sentences of the same kind are translated (30,000 pairs of everyday sentences: BLEU "
        "20 in 3 minutes, 32 in 10; 29,000 captions: 53 in 20 minutes of one core). More time "
        "still helps: --minutes 60",
    ),
    Expectation(
        float("inf"),
        "time is the limit, not text: 25 minutes of one core did not read 157,000 pairs of "
        "everyday sentences twice. Give it hours, with --resume after any stop",
    ),
)

_PAIRS, _UPDATES = 10_000, 600
_HARDLY_BEGUN = (
    "hardly more than single words: so few updates don't use such a corpus (30,000 pairs of "
    "everyday sentences: BLEU 7 after 300 updates, 14 after 600, 32 after 1,700). Give it more time"
)
"""Of more pairs than these, with fewer updates than these."""


def expectation_for(pairs: int, updates: int | None = None) -> str:
    """Return what is to be expected of so many training pairs, with as many updates as are planned.

    Without `updates`, of as many as suit the corpus.
    """
    if pairs > _PAIRS and updates is not None and updates < _UPDATES:
        return _HARDLY_BEGUN
    return next(each.text for each in EXPECTATIONS if pairs <= each.pairs)
