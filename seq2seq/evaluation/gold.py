"""Gold alignments: the links of sentence pairs by human annotators, read from a file.

A gold alignment has sure links and possible ones -- Och and Ney 2003; every sure link is possible
too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from seq2seq.errors import UserError
from seq2seq.evaluation.links import Links, reverse_links
from seq2seq.machine.input import read_text

_PHARAOH_LINK = re.compile(r"(\d{1,9})([-?])(\d{1,9})")
_NAACL_LINE = re.compile(r"(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})(?:\s+([SP]))?(?:\s+[\d.]+)?")


_MOST = 10_000_000  # sentences of a file whose corpus is not known


class GoldAlignment(NamedTuple):
    """The links of one sentence pair by human annotators; sure is a subset of possible."""

    sure: Links
    possible: Links

    def reversed(self) -> GoldAlignment:
        """Return the same links for the other translation direction."""
        return GoldAlignment(reverse_links(self.sure), reverse_links(self.possible))


def read_gold(path: str | Path, *, sentences: int | None = None) -> list[GoldAlignment]:
    """Return the gold alignment of each sentence pair in `path`, in either format.

    Pharaoh: a line for each pair, `0-0 1?2` (source-target from 0, `-` sure, `?` possible).
    NAACL: a line for each link, `sentence source target [S|P]` from 1; word 0 is the empty word
    and is left out. `sentences` is the number of pairs expected. Raises UserError with file:line.
    """
    path = Path(path)
    try:
        lines = read_text(path, "a file of alignments").removesuffix("\n").split("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: cannot be read: expected UTF-8 text") from None
    first = next((line for line in lines if line.strip()), "")
    if _NAACL_LINE.fullmatch(first.strip()):
        gold = _parse_naacl(lines, path, sentences)
    else:
        gold = [_parse_pharaoh(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]
    if sentences is not None and len(gold) != sentences:
        raise UserError(f"{path}: expected alignments of {sentences} pairs, found {len(gold)}")
    return gold


def _parse_pharaoh(line: str, where: str) -> GoldAlignment:
    sure, possible = set(), set()
    for item in line.split():
        match = _PHARAOH_LINK.fullmatch(item)
        if not match:
            raise UserError(f"{where}: expected links like 0-0 or 1?2, found {item!r}")
        link = (int(match[1]), int(match[3]))
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return GoldAlignment(frozenset(sure), frozenset(possible))


def _parse_naacl(lines: list[str], path: Path, sentences: int | None) -> list[GoldAlignment]:
    """A sentence without a line has no links; the last one named ends the file."""
    sure: dict[int, set[tuple[int, int]]] = {}
    possible: dict[int, set[tuple[int, int]]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _NAACL_LINE.fullmatch(line.strip())
        if not match or int(match[1]) == 0:
            raise UserError(
                f"{path}:{number}: expected `sentence source target [S|P]` from 1, found {line!r}"
            )
        if int(match[1]) > (sentences or _MOST):
            most = f"{sentences or _MOST:,}"
            raise UserError(
                f"{path}:{number}: expected a sentence number up to {most}, found {match[1]}"
            )
        sentence, source, target = int(match[1]), int(match[2]), int(match[3])
        into = (possible,) if match[4] == "P" else (sure, possible)
        for links in into:
            links.setdefault(sentence, set())
            if source and target:
                links[sentence].add((source - 1, target - 1))
    last = max([*possible, sentences or 0])
    return [
        GoldAlignment(frozenset(sure.get(n, ())), frozenset(possible.get(n, ())))
        for n in range(1, last + 1)
    ]
