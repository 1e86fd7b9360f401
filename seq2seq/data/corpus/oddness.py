"""Warnings of a corpus that is in other languages than said, or begins with a header."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from seq2seq.config import DataConfig
from seq2seq.data.corpus.corpora import Corpus, Part
from seq2seq.data.identification import SAMPLE, find_oddness
from seq2seq.data.readers.headers import is_header_pair

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartOddness:
    """What is odd in the first pairs of a part of a corpus, without the names of its files."""

    part: int
    """From 0."""
    header: tuple[int, str, str] | None = None
    """The line, source and target of a first pair that names the two sides."""
    exchanged: tuple[int, int] | None = None
    """How many, of how many pairs, are in the two languages the other way round."""
    others: tuple[tuple[int, str], ...] = ()
    """The sides (0 the source, 1 the target) in another language, and in which."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> PartOddness:
        """Return what `dataclasses.asdict` made plain, and JSON wrote."""
        header, exchanged = (values[name] for name in ("header", "exchanged"))
        return cls(
            values["part"],
            header and tuple(header),
            exchanged and tuple(exchanged),
            tuple((side, language) for side, language in values["others"]),
        )


def find_odd_parts(corpus: Corpus, source_language: str, target_language: str) -> list[PartOddness]:
    """Return each part that is not in the two languages, or begins with a header."""
    looked_at = (
        _look_at(number, part, source_language, target_language)
        for number, part in enumerate(corpus.parts)
    )
    return [odd for odd in looked_at if odd != PartOddness(odd.part)]


def _look_at(number: int, part: Part, source_language: str, target_language: str) -> PartOddness:
    rows = list(islice(part.pairs(), SAMPLE))
    first = rows[0]
    is_header = is_header_pair(first.source, first.target, source_language, target_language)
    odd = find_oddness(
        [row.source for row in rows],
        [row.target for row in rows],
        source_language,
        target_language,
    )
    return PartOddness(
        number,
        (first.line, first.source, first.target) if is_header else None,
        odd.exchanged and (odd.exchanged.exchanged, odd.exchanged.lines),
        odd.others,
    )


def warn_of_odd_parts(odd: Sequence[PartOddness], corpus: Corpus, data: DataConfig) -> None:
    """Log a warning of everything that is odd in a corpus."""
    source, target = data.source, data.target
    for part in odd:
        name = corpus.parts[part.part].name
        if part.header:
            line, *sides = part.header
            logger.warning(
                "%s:%d: the first pair looks like a header row, not like sentences: %r, %r",
                *(name, line, *sides),
            )
        if part.exchanged:
            logger.warning(
                "%s: source and target look swapped: in %d of %d pairs the source is in %s and "
                "the target in %s; swap the files, or data.source and data.target",
                *(name, *part.exchanged, target, source),
            )
        for side, looks_like in part.others:
            logger.warning(
                "%s: expected %s, but the %s looks like %s; check data.source and data.target",
                *(name, (source, target)[side], ("source", "target")[side], looks_like),
            )


def warn_if_odd(corpus: Corpus, data: DataConfig) -> None:
    """Log a warning for each part in other languages than said, or that begins with a header."""
    warn_of_odd_parts(find_odd_parts(corpus, data.source, data.target), corpus, data)
