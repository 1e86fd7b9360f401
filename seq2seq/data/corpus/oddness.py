"""Warnings of a corpus that is in other languages than said, or begins with a header."""

from __future__ import annotations

import logging
from itertools import islice

from seq2seq.data.corpus.corpora import Corpus
from seq2seq.data.identification import SAMPLE, find_oddness
from seq2seq.data.readers.headers import is_header_pair

logger = logging.getLogger(__name__)


def warn_if_odd(corpus: Corpus, source_language: str, target_language: str) -> None:
    """Log a warning for each part in other languages than said, or that begins with a header."""
    for part in corpus.parts:
        rows = list(islice(part.pairs(), SAMPLE))
        if is_header_pair(rows[0].source, rows[0].target, source_language, target_language):
            logger.warning(
                "%s:%d: the first pair looks like a header, and is no sentence: %r, %r",
                *(part.name, rows[0].line, rows[0].source, rows[0].target),
            )
        sources, targets = [row.source for row in rows], [row.target for row in rows]
        odd = find_oddness(sources, targets, source_language, target_language)
        if order := odd.exchanged:
            logger.warning(
                "%s: source and target look exchanged: in %d of %d pairs the source is %s and the "
                "target %s; exchange the files, or data.source and data.target",
                *(part.name, order.exchanged, order.lines, target_language, source_language),
            )
        for side, looks_like in odd.others:
            logger.warning(
                "%s: expected %s, the %s looks like %s; see data.source and data.target",
                part.name,
                (source_language, target_language)[side],
                ("source", "target")[side],
                looks_like,
            )
