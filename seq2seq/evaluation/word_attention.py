"""Word-level attention of a model that reads given translations, and word links from it.

Shapes: I target words, J source words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import WordPieces, join_tokens, split_pieces
from seq2seq.errors import UserError
from seq2seq.evaluation.alignment import (
    AlignmentScore,
    AttentionAlignment,
    score_alignment,
    score_attention,
)
from seq2seq.evaluation.gold import GoldAlignment
from seq2seq.evaluation.links import Links, links_from_attention, reverse_links
from seq2seq.evaluation.symmetrization import GROW_DIAG_FINAL, MEAN, find_symmetrization
from seq2seq.inference.translator import Translator
from seq2seq.translation.translation import END, Candidate, Matrix, merge_words

Pairs = Sequence[tuple[str, str]]

_LONGEST = 16_000  # characters of a target that are read: a megabyte's logits would fill the memory


@dataclass(frozen=True)
class Aligning:
    """How to count words, and which links to score beside those of the largest weights."""

    threshold: float | None = None
    """If given, a second kind links to every source word whose weight is at least this."""
    tokenized: bool = False
    """Whether words are separated by white space, instead of by `split_words`."""
    reverse: Translator | None = None
    """A translator of the other direction, whose links are joined with the first one's."""
    symmetrization: str = GROW_DIAG_FINAL
    """How they are joined: a key of SYMMETRIZATIONS."""

    def __post_init__(self) -> None:
        """Raise UserError for a threshold outside (0, 1] or an unknown symmetrization."""
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise UserError(
                f"threshold: expected a number above 0, at most 1, found {self.threshold}"
            )
        find_symmetrization(self.symmetrization)


@dataclass(frozen=True)
class Alignment:
    """The links that attention makes in each sentence pair, their scores, and its entropy."""

    links: list[Links]
    """The links of the last kind asked for: by threshold, of both directions."""
    plain: AttentionAlignment | None
    """The score of the largest weights; None without gold."""
    scores: dict[str, AlignmentScore]
    """The score of each kind of links, by name; empty without gold."""
    entropy: float | None
    """`mean_entropy` of the weights."""


class WordAttention(NamedTuple):
    """The weights of one pair; if the model reads an end of the source, that is the last column."""

    weights_IJ: Matrix
    has_end: bool

    def of_words(self) -> Matrix:
        """Return the columns of words; a row that looks most at the end has no weight."""
        if not self.has_end:
            return self.weights_IJ
        looks_at_end_I = self.weights_IJ.argmax(1) == self.weights_IJ.shape[1] - 1
        return np.where(looks_at_end_I[:, None], 0, self.weights_IJ[:, :-1]).astype(np.float32)


def align(
    translator: Translator,
    pairs: Pairs,
    gold: Sequence[GoldAlignment] | None = None,
    how: Aligning | None = None,
) -> Alignment:
    """Return the links that attention makes when the model reads each (source, target) of `pairs`.

    Raises UserError if a link of `gold` lies outside its pair.
    """
    how = how or Aligning()
    attention = list(read_attention(translator, pairs, tokenized=how.tokenized))
    forward = [one.of_words() for one in attention]
    backward = None
    if how.reverse:
        exchanged = [(target, source) for source, target in pairs]
        reverse = read_attention(how.reverse, exchanged, tokenized=how.tokenized)
        backward = [one.of_words() for one in reverse]
    found = _all_links(forward, backward, how)
    links = list(found.values())[-1]
    entropy = mean_entropy(one.weights_IJ for one in attention)
    if gold is None:
        return Alignment(links, None, {}, entropy)
    plain = score_attention(forward, gold)
    scores = {name: score_alignment(each, gold) for name, each in found.items()}
    return Alignment(links, plain, scores, entropy)


def read_attention(
    translator: Translator, pairs: Pairs, *, tokenized: bool = False
) -> Iterator[WordAttention]:
    """Yield the word-level attention of each (source, target), the target being given.

    The words are those of the texts themselves, so that a gold alignment of them fits even where a
    vocabulary lacks a character; each of those that share a piece has all of its weight. With
    `tokenized` they are what white space separates. As in a Candidate, columns are summed over a
    word's pieces and rows averaged.
    """
    pairs = [(source, target[:_LONGEST]) for source, target in pairs]
    for (_, target), forced in zip(pairs, translator.force(pairs), strict=True):
        shown = forced.source_words
        ends = shown[-1:] if shown and shown[-1].word == END else []
        columns = shown[: len(shown) - len(ends)]
        rows = translator.tokenizers.target.source_words(target)
        if tokenized:
            rows, columns = join_tokens(rows, target), join_tokens(columns, forced.source)
        else:
            rows, columns = split_pieces(rows), split_pieces(columns)
        yield WordAttention(_weights(forced.candidates, rows, [*columns, *ends]), bool(ends))


def mean_entropy(matrices: Iterable[npt.ArrayLike]) -> float | None:
    """Return the entropy of a row, -sum p log p in nats, averaged over all rows of all matrices.

    Rows are taken as shares of their sum. 0 says that each target word looks at one source word,
    log J that it looks at all J alike. A row without weight doesn't count; None if no row does.
    -- attention entropy, Ghader and Monz 2017.
    """
    total, rows = 0.0, 0
    for matrix in matrices:
        weights_IJ = np.asarray(matrix, dtype=np.float64)
        sums_I = weights_IJ.sum(1)
        shares_IJ = weights_IJ[sums_I > 0] / sums_I[sums_I > 0, None]
        logs_IJ = np.log(np.where(shares_IJ > 0, shares_IJ, 1))
        total -= float((shares_IJ * logs_IJ).sum())
        rows += len(shares_IJ)
    return total / rows if rows else None


def _all_links(
    forward: Sequence[Matrix], backward: Sequence[Matrix] | None, how: Aligning
) -> dict[str, list[Links]]:
    """Every kind of links asked for, by name; the most particular last."""
    rules: dict[str, float | None] = {"argmax": None}
    if how.threshold is not None:
        rules[f"threshold={how.threshold:g}"] = how.threshold
    join = find_symmetrization(how.symmetrization)
    found = {}
    for rule, threshold in rules.items():
        found[rule] = _links(forward, threshold)
        if backward is None:
            continue
        found[f"{rule} backward"] = list(map(reverse_links, _links(backward, threshold)))
        ahead, back = forward, backward
        if how.symmetrization == MEAN:
            ahead = list(map(mean_weights, forward, backward))
            back = [weights_IJ.T for weights_IJ in ahead]
        both = map(join, _links(ahead, threshold), map(reverse_links, _links(back, threshold)))
        found[f"{rule} {how.symmetrization}"] = list(both)
    return found


def mean_weights(forward_IJ: Matrix, backward_JI: Matrix) -> Matrix:
    """Return the mean of both directions' weights, a row a target word.

    -- after Liang, Taskar and Klein 2006, who join the posteriors of two models and then decode.
    """
    return (forward_IJ + backward_JI.T) / 2


def _links(matrices: Iterable[Matrix], threshold: float | None) -> list[Links]:
    return [links_from_attention(each, threshold=threshold) for each in matrices]


def _weights(
    candidates: Sequence[Candidate], rows: list[WordPieces], columns: list[WordPieces]
) -> Matrix:
    if not candidates:  # a blank source
        return np.zeros((len(rows), len(columns)), np.float32)
    return merge_words(candidates[0].attention_TS, rows, columns)
