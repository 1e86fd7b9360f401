"""Which beam and length penalty suit a model: tried on text that it was validated on.

What was chosen by a text is too good on that text: the test set stays out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

from seq2seq.config import BleuTokenizer, DecodingConfig, revise
from seq2seq.evaluation.comparable import References
from seq2seq.evaluation.scores import quick_scores
from seq2seq.inference.translator import Translator

BEAMS = (1, 5, 10)
LENGTH_PENALTIES = (0.0, 0.6, 0.8, 1.0, 1.2, 1.4)

METRICS = ("bleu", "chrf", "exact")

_SEARCH = {"sample": False, "temperature": 1.0, "top_k": 0, "top_p": 1.0}  # in place of sampling


class Tried(NamedTuple):
    """One way of searching, and the scores of what it finds, in percent."""

    beam: int
    length_penalty: float
    bleu: float
    chrf: float
    exact: float

    @property
    def settings(self) -> str:
        """Return the overrides that ask for it."""
        return f"decoding.beam={self.beam} decoding.length_penalty={self.length_penalty:g}"


def searches(
    options: DecodingConfig, beams: Sequence[int], length_penalties: Sequence[float]
) -> list[DecodingConfig]:
    """Return `options` with each beam and length penalty; a beam of 1 has no use for a penalty.

    Raises UserError for what no search can be.
    """
    return [
        revise(options, {**_SEARCH, "n_best": 1, "beam": beam, "length_penalty": penalty})
        for beam in sorted(beams)
        for penalty in (length_penalties if beam > 1 else [options.length_penalty])
    ]


def chosen(options: DecodingConfig, best: Tried) -> DecodingConfig:
    """Return `options` with the beam and length penalty of `best`, and no sampling.

    As many translations as were asked for, if the beam holds them.
    """
    changes = {"beam": best.beam, "length_penalty": best.length_penalty}
    if options.sample:
        changes |= _SEARCH
    return revise(options, {**changes, "n_best": min(options.n_best, best.beam)})


def try_searches(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    ways: Sequence[DecodingConfig],
    *,
    tokenize: BleuTokenizer,
) -> Iterator[Tried]:
    """Yield the scores of each way of searching."""
    for way in ways:
        searcher = copy(translator)
        searcher.options = way
        texts = [translation.text for translation in searcher.translate(sources)]
        scores = quick_scores(texts, references, tokenize=tokenize)
        yield Tried(way.beam, way.length_penalty, *scores)


def best_of(tried: Sequence[Tried], metric: str) -> Tried:
    """Return the best by one of `METRICS`, then by chrF, then the first, the quicker search."""
    return max(tried, key=lambda each: (getattr(each, metric), each.chrf))


def render_tried(tried: Sequence[Tried]) -> str:
    """Return a plain-text table."""
    rows = [f"{'beam':>5}  {'length penalty':>14}  {'BLEU':>6}  {'chrF':>6}  {'exact':>6}"]
    for each in tried:
        penalty = f"{each.length_penalty:g}" if each.beam > 1 else "-"
        scores = f"{each.bleu:>6.2f}  {each.chrf:>6.2f}  {each.exact:>6.2f}"
        rows.append(f"{each.beam:>5}  {penalty:>14}  {scores}")
    return "\n".join(rows)
