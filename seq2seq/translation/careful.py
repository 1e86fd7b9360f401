"""Searches in less memory: a batch that does not fit is searched in halves, and its fault named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from seq2seq.config import DecodingConfig
from seq2seq.errors import UserError
from seq2seq.machine.memory import is_out_of_memory
from seq2seq.search.loop import NotFiniteError
from seq2seq.translation.reading import Source

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_ROWS = 8192
"""The most beam slots searched together: 1 GB of log-probabilities of 32,000 pieces."""


def batch_size(options: DecodingConfig) -> int:
    """Return how many sentences are searched together: fewer than asked for if beams are wide."""
    slots = options.n_best if options.sample else options.beam
    return max(1, min(options.batch, _ROWS // slots))


def carefully(
    work: Callable[[Sequence[Source]], list[Result]], options: DecodingConfig
) -> Callable[[Sequence[Source]], list[Result]]:
    """Return `work`, which gives a result a sentence, so that it halves what doesn't fit in memory.

    The results are the same, in the same order. Raises UserError, naming the sentence, where one
    alone does not fit, or the model gives it no probabilities.
    """
    told = False

    def halving(sources: Sequence[Source]) -> list[Result]:
        nonlocal told
        try:
            return work(sources)
        except NotFiniteError as error:
            raise UserError(_lost(sources[error.sentence])) from None
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Here the error is gone, and with it what it held of the memory.
        if len(sources) == 1:
            raise UserError(_too_large(sources[0], options))
        if not told:
            told = True
            logger.warning(
                "out of memory with %d sentences at once: they are translated in halves; lower "
                "decoding.batch to do so sooner",
                len(sources),
            )
        half = len(sources) // 2
        return [*halving(sources[:half]), *halving(sources[half:])]

    return halving


def _too_large(source: Source, options: DecodingConfig) -> str:
    kind, slots = ("n_best", options.n_best) if options.sample else ("beam", options.beam)
    return (
        f"sentence {source.number + 1}: out of memory with {len(source.ids)} source pieces, "
        f"decoding.{kind} {slots} and decoding.max_length {options.max_length}; lower "
        f"decoding.{kind}, decoding.max_length or decoding.max_source"
    )


def _lost(source: Source) -> str:
    return (
        f"sentence {source.number + 1}: the model's log-probabilities are not numbers (NaN): its "
        "weights or the given attention are too large; take another checkpoint"
    )
