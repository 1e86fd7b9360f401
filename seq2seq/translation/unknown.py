"""Which lines of a text the models can't have read as they are meant."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from seq2seq.counted import counted
from seq2seq.translation.translation import Translation

logger = logging.getLogger(__name__)

_SHOWN = 5  # line numbers in a warning about many


def tell_unknown(translations: Iterable[Translation]) -> Iterator[Translation]:
    """Yield `translations`, the lines of a text; then warn of those with unknown pieces or tabs."""
    whole, partly, tabbed, pieces = [], [], [], 0
    try:
        for line, translation in enumerate(translations, 1):
            if translation.is_unknown:
                whole.append(line)
            elif translation.unknown:
                partly.append(line)
                pieces += translation.unknown
            if "\t" in translation.source:
                tabbed.append(line)
            yield translation
    finally:
        if whole:
            logger.warning("no word known to the model: %s (decoding.unknown)", _listed(whole))
        if partly:
            logger.warning(
                "%s unknown to the model: %s", counted(pieces, "source piece"), _listed(partly)
            )
        if tabbed:
            logger.warning(
                "tabs inside: %s, translated whole; `cut -f1` takes the first column of a table",
                _listed(tabbed),
            )


def _listed(lines: Sequence[int]) -> str:
    """`line 3`, or `7 lines (3, 5, 8, 9, 11, ...)`."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    more = ", ..." if len(lines) > _SHOWN else ""
    return f"{len(lines)} lines ({', '.join(map(str, lines[:_SHOWN]))}{more})"
