"""What a training cannot do, said before hours go into it."""

from __future__ import annotations

import logging

from seq2seq.config import Config, ModelConfig
from seq2seq.data.languages import same_language
from seq2seq.data.prepare import LEAKED, Summary
from seq2seq.training.schedules import teacher_forcing_ratio

logger = logging.getLogger(__name__)

_FEW_PAIRS = 1000
"""With fewer a model learns its corpus by heart and little else: docs/first-hour.md."""
_RANDOM = 0.05  # a larger share of weights that were drawn spoils an average
_LEAK = 0.005  # a larger share of validation in training is warned of, as by `data check`


def warn_of_languages(config: Config, before: Config) -> None:
    """Say that the run to start from has learnt other languages, or the other direction."""
    old, new = before.data, config.data
    if not (same_language(old.source, new.source) and same_language(old.target, new.target)):
        logger.warning(
            "%s translates %s to %s, and this run %s to %s: words and letters that it has no "
            "pieces for stay unknown",
            config.init,
            old.source,
            old.target,
            new.source,
            new.target,
        )


def warn_of_data(summary: Summary) -> None:
    """Say that the corpus is small, or that it holds validation pairs."""
    if summary.train.kept < _FEW_PAIRS:
        logger.warning(
            "only %s training pairs: a model can learn them by heart and little else; useful "
            "translations of new sentences take some 30,000. More text helps most, or a run to "
            "start from (--init)",
            f"{summary.train.kept:,}",
        )
    seen, kept = summary.valid.noted.get(LEAKED, 0), summary.valid.kept
    if seen > _LEAK * kept:
        logger.warning(
            "%s of %s validation pairs are training pairs too: their loss and BLEU measure what is "
            "remembered, and the best checkpoint is chosen by it; hold other pairs out",
            f"{seen:,}",
            f"{kept:,}",
        )


def warn_of_blindness(config: ModelConfig) -> None:
    """Say that nothing leads from the source to the decoder."""
    if config.attention.kind == "none" and config.decoder.bridge == "zero":
        logger.warning(
            "the decoder sees nothing of the source: it has neither attention (model.attention "
            "none) nor a state of the encoder (model.decoder.bridge zero)"
        )


def warn_of_schedules(config: Config) -> None:
    """Say which schedules a training of so many updates is too short for."""
    updates = config.training.max_steps
    if updates is None:
        return
    warmup, ema = config.training.schedule.warmup, config.training.ema
    if warmup >= updates:
        logger.warning(
            "the learning rate gets to %.0f %% of training.optimizer.lr: it rises over %s updates "
            "(training.schedule.warmup), and the training ends after %s",
            *(100 * updates / warmup, f"{warmup:,}", f"{updates:,}"),
        )
    if ema is not None and ema**updates > _RANDOM:
        logger.warning(
            "training.ema %g: %.0f %% of the averaged weights, which are those that are kept, are "
            "still the ones of the beginning after %s updates; lower it",
            *(ema, 100 * ema**updates, f"{updates:,}"),
        )
    forcing = config.training.teacher_forcing
    if forcing.kind != "constant" and forcing.steps > updates:
        logger.warning(
            "training.teacher_forcing gets to %.2f on its way from %g to %g: it takes %g updates "
            "(training.teacher_forcing.steps), and the training ends after %s",
            teacher_forcing_ratio(forcing, updates),
            forcing.start,
            forcing.end,
            forcing.steps,
            f"{updates:,}",
        )
