"""Log lines about a plan: the corpus, the choices and their reasons, the time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from seq2seq.counted import counted
from seq2seq.planning.expectations import expectation_for
from seq2seq.planning.pace import MachineSettings
from seq2seq.planning.recipe import Corpus, Plan
from seq2seq.planning.sizes import row_for

logger = logging.getLogger(__name__)


def tell_corpus(corpus: Corpus, files: Iterable[Path], left_out: Mapping[str, int]) -> None:
    """Log the corpus, its splits and its size; `left_out` counts omitted pairs by reason."""
    source, target = corpus.languages
    pairs = corpus.pairs
    reasons = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    logger.info(
        "corpus: %s pairs of %s, from %s to %s%s",
        f"{sum(pairs.values()):,}",
        ", ".join(dict.fromkeys(map(str, files))),
        source,
        target,
        f"; left out: {', '.join(reasons)}" if reasons else "",
    )
    logger.info(
        "split: %s to train on, %s to validate on, %s to test on%s",
        *(f"{pairs[split]:,}" for split in ("train", "valid", "test")),
        "; no sentence is in two of them" if pairs["valid"] else "; too small to hold pairs out",
    )
    for language, side in zip(
        corpus.languages, (corpus.survey.source, corpus.survey.target), strict=True
    ):
        logger.info(
            "  %s: %s words, %.1f a sentence; %s distinct words, %s distinct characters%s",
            language,
            f"{side.words:,}",
            side.words / corpus.survey.pairs,
            f"{side.distinct_words:,}",
            f"{side.alphabet:,}",
            f"; {side.unseen:.0%} of the validation words are not in training"
            if pairs["valid"]
            else "",
        )


def tell_plan(plan: Plan, file: Path) -> None:
    """Log the chosen model and why, the speed of this machine, and the expected time."""
    logger.info("%s", _model(plan))
    if plan.settings:
        logger.info("your settings, instead of the planned ones: %s", " ".join(plan.settings))
    pace = plan.machine.pace
    logger.info(
        "speed: %.2g s an update, %.2g s a validation%s",
        pace.update,
        pace.validation,
        _ways(plan.machine),
    )
    logger.info(
        "time: %s updates (%.1f epochs%s): about %s",
        f"{plan.schedule.steps:,}",
        plan.epochs,
        _epochs_wanted(plan),
        in_words(plan.schedule.seconds),
    )
    if plan.init is None:
        expected = expectation_for(plan.corpus.pairs["train"], plan.schedule.steps)
        logger.info("to expect: %s", expected)
    logger.info("recipe: %s", file)


def in_words(seconds: float) -> str:
    """Return a duration in words: 40 seconds, 12 minutes, 3.5 hours."""
    if seconds < 90:
        return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 600:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _model(plan: Plan) -> str:
    row, words = plan.row, plan.corpus.survey.target.words
    if plan.init is not None:
        return f"model: as in {plan.init}, trained further with learning rate {row.rate:g}"
    smaller = "; smaller than usual, to learn faster" if row.words < row_for(words).words else ""
    return (
        f"model: {plan.vocabulary:,} pieces, embedding {row.embedding}, encoder {row.encoder}, "
        f"decoder {row.decoder}, dropout {row.dropout:g}, batches of {row.tokens} pieces: sizes "
        f"for a corpus of {words:,} target words{smaller}"
    )


def _ways(machine: MachineSettings) -> str:
    tried = ", ".join(f"{name} {seconds:.2g} s" for name, seconds in machine.tried.items())
    threads = "" if machine.threads is None else f", {counted(machine.threads, 'thread')}"
    return f" in {machine.precision}{threads}" + (f" (tried: {tried})" if tried else "")


def _epochs_wanted(plan: Plan) -> str:
    if plan.budget is None:
        return "; for less time, give --minutes N"
    if plan.epochs < 0.95 * plan.row.epochs:
        return f" of {plan.row.epochs:g} that suit this corpus, to fit into {_budget(plan)}"
    return f", enough for this corpus, within {_budget(plan)}"


def _budget(plan: Plan) -> str:
    return "a minute" if plan.budget == 1 else f"{plan.budget:g} minutes"
