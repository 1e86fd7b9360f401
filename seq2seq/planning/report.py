"""What a plan says of itself on the log: the corpus, the choices and why, the time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from seq2seq.planning.pace import MachineSettings
from seq2seq.planning.recipe import Corpus, Plan
from seq2seq.planning.sizes import row_for

logger = logging.getLogger(__name__)


def tell_corpus(corpus: Corpus, files: Iterable[Path], left_out: Mapping[str, int]) -> None:
    """Say what was read, how it was split, and what it holds; `left_out` counts by reason."""
    source, target = corpus.languages
    pairs = corpus.pairs
    reasons = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    logger.info(
        "corpus: %s pairs of %s, from %s to %s%s",
        f"{sum(pairs.values()):,}",
        ", ".join(dict.fromkeys(map(str, files))),
        source,
        target,
        f"; left out {' and '.join(reasons)}" if reasons else "",
    )
    logger.info(
        "split: %s to train on, %s to validate on, %s to test on%s",
        *(f"{pairs[split]:,}" for split in ("train", "valid", "test")),
        "; no sentence is in two of them" if pairs["valid"] else "; nothing is held out",
    )
    for language, side in zip(
        corpus.languages, (corpus.survey.source, corpus.survey.target), strict=True
    ):
        logger.info(
            "  %s: %s words, %.1f a sentence; %s different ones, %s characters%s",
            language,
            f"{side.words:,}",
            side.words / corpus.survey.pairs,
            f"{side.distinct_words:,}",
            f"{side.alphabet:,}",
            f"; {side.unseen:.0%} of validation's words are new" if pairs["valid"] else "",
        )


def tell_plan(plan: Plan, file: Path) -> None:
    """Say what was chosen and why, how fast this machine is, and how long it will take."""
    logger.info("%s", _model(plan))
    if plan.settings:
        logger.info("over the plan, as you say: %s", " ".join(plan.settings))
    pace = plan.machine.pace
    logger.info(
        "pace: an update %.2g s, a validation %.2g s%s",
        pace.update,
        pace.validation,
        _ways(plan.machine),
    )
    logger.info(
        "time: %s updates (%.1f epochs%s): about %s",
        f"{plan.schedule.steps:,}",
        plan.epochs,
        _of_the_wanted(plan),
        in_words(plan.schedule.seconds),
    )
    logger.info("recipe: %s", file)


def in_words(seconds: float) -> str:
    """Return a duration as a person would say it: 40 seconds, 12 minutes, 3.5 hours."""
    if seconds < 90:
        return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 600:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _model(plan: Plan) -> str:
    row, words = plan.row, plan.corpus.survey.target.words
    if plan.init is not None:
        return f"model: that of {plan.init}, trained on at a rate of {row.rate:g}"
    smaller = ", made smaller to learn more in the time" if row.words < row_for(words).words else ""
    return (
        f"model: {plan.vocabulary:,} pieces, embedding {row.embedding}, encoder {row.encoder}, "
        f"decoder {row.decoder}, dropout {row.dropout:g}, batches of {row.tokens} pieces: what "
        f"{words:,} target words can train{smaller}"
    )


def _ways(machine: MachineSettings) -> str:
    tried = ", ".join(f"{name} {seconds:.2g} s" for name, seconds in machine.tried.items())
    threads = {None: "", 1: ", 1 thread"}.get(machine.threads, f", {machine.threads} threads")
    return f" in {machine.precision}{threads}" + (f" (tried: {tried})" if tried else "")


def _of_the_wanted(plan: Plan) -> str:
    if plan.budget is None:
        return "; --minutes N for fewer"
    if plan.epochs < 0.95 * plan.row.epochs:
        return f" of the {plan.row.epochs:g} that such a corpus takes, to fit in {_budget(plan)}"
    return f", all that such a corpus takes, within {_budget(plan)}"


def _budget(plan: Plan) -> str:
    return "a minute" if plan.budget == 1 else f"{plan.budget:g} minutes"
