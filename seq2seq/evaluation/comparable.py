"""Hypotheses and references that may be compared: as many lines, and one way to write a text.

Only what Unicode calls the same text is made one (NFC), and said.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from seq2seq.errors import UserError

References: TypeAlias = Sequence[Sequence["str | None"]]
"""Streams: references[k][i] is the k-th reference of line i, None where a line has fewer."""


def check_lines(hypotheses: Sequence[str], references: References) -> None:
    """Raise UserError unless each stream of references has a line for each hypothesis."""
    assert not any(isinstance(stream, str) for stream in references), "expected reference streams"
    if not hypotheses:
        raise UserError("cannot score: expected hypotheses, found none")
    if not references:
        raise UserError("cannot score: expected references, found none")
    for number, stream in enumerate(references, 1):
        if len(stream) != len(hypotheses):
            which = f"reference {number}" if len(references) > 1 else "the reference"
            raise UserError(
                f"{which} has {len(stream)} lines and the hypotheses have {len(hypotheses)}: "
                "expected one hypothesis for each line"
            )
    if all(line is None for stream in references for line in stream):
        raise UserError("cannot score: expected references, found none but missing ones")


class Texts(NamedTuple):
    """Hypotheses and references that may be compared, and what was done to them."""

    hypotheses: list[str]
    references: list[list[str | None]]
    note: str


def comparable(hypotheses: Sequence[str], references: References) -> Texts:
    """Return the texts in NFC, with the blank references of lines that have others taken out.

    Raises UserError if the numbers of lines differ.
    """
    check_lines(hypotheses, references)
    ours = list(map(_nfc, hypotheses))
    theirs = [[line if line is None else _nfc(line) for line in stream] for stream in references]
    composed = sum(
        one != other
        for stream, raw in zip(theirs, references, strict=True)
        for one, other in zip(stream, raw, strict=True)
    )
    notes = [
        (sum(map(str.__ne__, ours, hypotheses)), ("hypothesis", "hypotheses"), "composed (NFC)"),
        (composed, ("reference", "references"), "composed (NFC)"),
        (_drop_blank(theirs), ("blank reference", "blank references"), "taken for missing"),
    ]
    note = "; ".join(f"{count:,} {what[count > 1]} {done}" for count, what, done in notes if count)
    return Texts(ours, theirs, note)


def _nfc(line: str) -> str:
    return unicodedata.normalize("NFC", line)


def _drop_blank(streams: list[list[str | None]]) -> int:
    """Make missing, in place, each blank reference of a line that has another; how many.

    sacreBLEU would take it for a translation of no words, and BLEU for the closest in length. A
    line whose references are all blank keeps one: there the right translation is nothing.
    """
    dropped = 0
    for number, line in enumerate(zip(*streams, strict=True)):
        blank = [k for k, reference in enumerate(line) if not (reference or "").strip()]
        if len(blank) == len(line):
            streams[0][number] = ""
            blank = blank[1:]
        for k in blank:
            dropped += streams[k][number] is not None
            streams[k][number] = None
    return dropped
