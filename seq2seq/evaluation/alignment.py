"""Word alignments: gold files, links from attention, and the alignment error rate.

A link is (source word, target word), both counted from 0. A gold alignment has sure links and
possible ones -- Och and Ney 2003; every sure link is possible too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import join_tokens
from seq2seq.errors import UserError
from seq2seq.translation.translation import END, Translation, merge_words

Links: TypeAlias = frozenset[tuple[int, int]]
"""(source word, target word) pairs, from 0."""

OFFSETS = (-1, 0, 1)

_PHARAOH_LINK = re.compile(r"(\d+)([-?])(\d+)")
_NAACL_LINE = re.compile(r"(\d+)\s+(\d+)\s+(\d+)(?:\s+([SP]))?(?:\s+[\d.]+)?")


class GoldAlignment(NamedTuple):
    """The links of one sentence pair by human annotators; sure is a subset of possible."""

    sure: Links
    possible: Links

    def reversed(self) -> GoldAlignment:
        """Return the same links for the other translation direction."""
        return GoldAlignment(reverse_links(self.sure), reverse_links(self.possible))


def reverse_links(links: Links) -> Links:
    """Return `links` with source and target exchanged."""
    return frozenset((target, source) for source, target in links)


# --- gold files ----------------------------------------------------------------------------------


def read_gold(path: str | Path, *, sentences: int | None = None) -> list[GoldAlignment]:
    """Return the gold alignment of each sentence pair in `path`, in either format.

    Pharaoh: a line for each pair, `0-0 1?2` (source-target from 0, `-` sure, `?` possible).
    NAACL: a line for each link, `sentence source target [S|P]` from 1; word 0 is the empty word
    and is left out. `sentences` is the number of pairs expected. Raises UserError with file:line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
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


def pharaoh(links: Links) -> str:
    """Return `links` as a line of Pharaoh format, `0-0 1-2`, in order; `read_gold` reads it."""
    return " ".join(f"{source}-{target}" for source, target in sorted(links))


# --- links from attention ------------------------------------------------------------------------


def links_from_attention(
    matrix: npt.ArrayLike, *, threshold: float | None = None, offset: int = 0
) -> Links:
    """Return the links of word-level weights `matrix`, shape (target words, source words).

    Each target word links to the source word of its greatest weight, the first of equals; with
    `threshold`, to every source word whose weight is at least that. A row without any weight gives
    no link. The weights of row t count for target word t + `offset`; a row that falls off is lost.
    """
    weights_TS = np.asarray(matrix, dtype=np.float64)
    assert weights_TS.ndim == 2, f"expected (target words, source words), found {weights_TS.shape}"
    if weights_TS.size == 0:
        return frozenset()
    if threshold is None:
        chosen_TS = np.zeros(weights_TS.shape, dtype=bool)
        chosen_TS[np.arange(len(weights_TS)), weights_TS.argmax(axis=1)] = True
    else:
        chosen_TS = weights_TS >= threshold
    chosen_TS &= weights_TS > 0
    targets, sources = np.nonzero(chosen_TS)
    return frozenset(
        (int(source), int(target) + offset)
        for source, target in zip(sources, targets, strict=True)
        if 0 <= target + offset < len(weights_TS)
    )


def translation_links(translation: Translation, *, tokenized: bool = False) -> Links:
    """Return the links of the best hypothesis: each word's greatest weight, unless at the end.

    Words are those of `split_words`; `tokenized`, what white space separates.
    """
    if not translation.candidates:
        return frozenset()
    best = translation.candidates[0]
    rows, columns = best.words, translation.source_words
    ends = [word for word in columns[-1:] if word.word == END]
    columns = columns[: len(columns) - len(ends)]
    if tokenized:
        rows, columns = join_tokens(rows, best.text), join_tokens(columns, translation.source)
    links = links_from_attention(merge_words(best.attention_TS, rows, [*columns, *ends]))
    return frozenset(link for link in links if link[0] < len(columns))


# --- the error rate ------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlignmentScore:
    """Alignment error rate of a corpus, with its parts; all fractions of 1."""

    aer: float
    precision: float
    """|A and P| / |A|; 1 without any link."""
    recall: float
    """|A and S| / |S|; 1 without any sure link."""
    links: int
    sure: int
    possible: int
    sentences: int

    def __str__(self) -> str:
        """Return the three rates in percent, and the counts behind them."""
        return (
            f"AER {self.aer:.1%}  precision {self.precision:.1%}  recall {self.recall:.1%}  "
            f"({self.links} links, {self.sure} sure, {self.possible} possible, "
            f"{self.sentences} sentences)"
        )


@dataclass(frozen=True)
class AttentionAlignment:
    """The alignment error rate of attention as it stands, and at its best constant offset."""

    unshifted: AlignmentScore
    best: AlignmentScore
    offset: int
    """Rows of the matrix count for target word t + offset at the best score."""

    def __str__(self) -> str:
        """Return the plain figure, and on a second line a better shifted one."""
        if self.offset == 0:
            return f"{self.unshifted}  (offset 0 is best)"
        return f"{self.unshifted}\n{self.best}  (offset {self.offset:+d}, the best)"


def score_alignment(hypotheses: Iterable[Links], gold: Sequence[GoldAlignment]) -> AlignmentScore:
    """Return the corpus-level error rate of each sentence's links against `gold`.

        AER = 1 - (|A and S| + |A and P|) / (|A| + |S|)        -- Och and Ney 2003

    Counts are summed over the corpus before dividing. Raises UserError if the counts differ.
    """
    aligned = list(hypotheses)
    if len(aligned) != len(gold):
        raise UserError(
            f"expected alignments of {len(gold)} sentences, as the gold has, found {len(aligned)}"
        )
    links = sum(map(len, aligned))
    sure = sum(len(truth.sure) for truth in gold)
    pairs = list(zip(aligned, gold, strict=True))
    found_sure = sum(len(found & truth.sure) for found, truth in pairs)
    found_possible = sum(len(found & (truth.possible | truth.sure)) for found, truth in pairs)
    return AlignmentScore(
        aer=1 - _ratio(found_sure + found_possible, links + sure),
        precision=_ratio(found_possible, links),
        recall=_ratio(found_sure, sure),
        links=links,
        sure=sure,
        possible=sum(len(truth.possible | truth.sure) for truth in gold),
        sentences=len(gold),
    )


def score_attention(
    matrices: Sequence[npt.ArrayLike],
    gold: Sequence[GoldAlignment],
    *,
    threshold: float | None = None,
    offsets: Sequence[int] = OFFSETS,
) -> AttentionAlignment:
    """Return the error rate of word-level attention, each matrix (target words, source words).

    Recurrent attention may be shifted by a constant, so the best of `offsets` is reported beside
    the plain figure. Raises UserError if a gold link lies outside its matrix or counts differ.
    """
    if len(matrices) != len(gold):
        raise UserError(
            f"expected an attention matrix for each of {len(gold)} gold sentences, "
            f"found {len(matrices)}"
        )
    for sentence, (matrix, truth) in enumerate(zip(matrices, gold, strict=True), 1):
        _check_inside(truth, np.shape(matrix), sentence)
    scores = {
        offset: score_alignment(
            (
                links_from_attention(matrix, threshold=threshold, offset=offset)
                for matrix in matrices
            ),
            gold,
        )
        for offset in sorted({0, *offsets}, key=abs)  # of equals the smallest shift wins
    }
    best = min(scores, key=lambda offset: scores[offset].aer)
    return AttentionAlignment(scores[0], scores[best], best)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _check_inside(truth: GoldAlignment, shape: tuple[int, ...], sentence: int) -> None:
    for source, target in sorted(truth.sure | truth.possible):
        if target >= shape[0] or source >= shape[1]:
            raise UserError(
                f"sentence {sentence}: gold link {source}-{target} (from 0) lies outside its "
                f"{shape[1]} source and {shape[0]} target words; if the gold file counts words "
                "separated by white space, give --tokenized"
            )
