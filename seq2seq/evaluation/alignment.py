"""The alignment error rate of links, and of attention, against gold alignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seq2seq.counted import counted
from seq2seq.errors import UserError
from seq2seq.evaluation.gold import GoldAlignment
from seq2seq.evaluation.links import Links, links_from_attention

OFFSETS = (-1, 0, 1)


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
            f"{counted(self.sentences, 'sentence')})"
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
