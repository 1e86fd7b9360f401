"""What a translation is: text with its score, and what each word of it attended to.

Shapes: T target pieces (the end counted where it was reached), S source positions, H heads,
I target words, J source words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from wcwidth import wcswidth

from seq2seq.data.tokenizer import WordPieces

END = "</s>"
_LEFT_TO_RIGHT = "\u200e"  # LRM

_LONG = 300  # characters of a text in a repr

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """One hypothesis; `log_probs`, in nats, are those of its pieces, and of the end if reached.

    With `decoding.keep` the text and the words are those after replacement; pieces, log_probs and
    weights stay those that the model gave.
    """

    text: str
    score: float
    """Log-probability / length ^ `decoding.length_penalty`: by default a piece's mean, in nats."""
    log_probs: list[float]
    ids: list[int]
    """Of its pieces in the target's vocabulary."""
    pieces: list[str]
    words: list[WordPieces]
    """Each with the places of its pieces among the T."""
    finished: bool
    """Whether the end was reached; if not, it was cut off at the greatest length."""
    weights_HTS: npt.NDArray[np.float32] = field(repr=False)
    """Row t of a head is the attention that predicted piece t; without attention no head, H = 0."""
    source_words: list[WordPieces] = field(repr=False)
    """Each with the places of its pieces among the S."""

    def __repr__(self) -> str:
        """Return the text and its score, and whether it was cut off."""
        cut = "" if self.finished else f", cut after {len(self.pieces)} pieces"
        return f"Candidate({quoted(self.text)}, score {self.score:.3f}{cut})"

    @property
    def log_prob(self) -> float:
        """The log-probability of the whole, in nats."""
        return sum(self.log_probs)

    @property
    def attention_TS(self) -> Matrix:
        """The weights piece by piece, the mean over heads; without attention, no columns."""
        heads, steps, _ = self.weights_HTS.shape
        return self.weights_HTS.mean(0) if heads else np.zeros((steps, 0), np.float32)

    @property
    def attention_IJ(self) -> Matrix:
        """The weights word by word: rows are `words`, columns are `source_words`.

        A source word's weight is the sum over its pieces, a target word's row the mean over its.
        """
        return merge_words(self.attention_TS, self.words, self.source_words)


@dataclass(frozen=True)
class Translation:
    """A source sentence and its hypotheses, best first.

    A blank sentence has none, and neither has one of which the models know no word.
    """

    source: str
    """What was read of it: all, but for a line beyond `decoding.max_source`."""
    source_pieces: list[str]
    """What the S positions stand for, the end included where the models read one."""
    source_words: list[WordPieces]
    candidates: list[Candidate]
    unknown: int = 0
    """How many of the source's pieces stand for text that the models can't spell."""
    stand_in: str = ""
    """The text where there is no hypothesis: see `decoding.unknown`."""

    @property
    def text(self) -> str:
        """The best hypothesis's text; empty for a blank source."""
        return self.candidates[0].text if self.candidates else self.stand_in

    @property
    def is_unknown(self) -> bool:
        """Whether nothing was translated because no word of the source is known."""
        return bool(self.source_pieces) and not self.candidates

    @property
    def score(self) -> float:
        """The best hypothesis's score."""
        return self.candidates[0].score if self.candidates else 0.0

    def __repr__(self) -> str:
        """Return the source, the best hypothesis, its score, and how many others there are."""
        others = len(self.candidates) - 1
        more = f", {others} more" if others > 0 else ""
        score = f", score {self.score:.3f}{more}" if self.candidates else ""
        return f"Translation({quoted(self.source)} -> {quoted(self.text)}{score})"

    def __str__(self) -> str:
        """Return the text alone."""
        return self.text

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the best hypothesis with its attention, and the others."""
        from seq2seq.translation.html import paragraph, shaded_table

        parts = [paragraph(self.source), paragraph(self.text, bold=True)]
        if self.candidates:
            columns = [word.word for word in self.source_words]
            parts.append(shaded_table(self.attention, self.words, columns))
        parts += [paragraph(f"{other.text} ({other.score:.3f})") for other in self.candidates[1:]]
        return "".join(parts)

    @property
    def words(self) -> list[str]:
        """The best hypothesis's words, the rows of `attention`."""
        return [word.word for word in self.candidates[0].words] if self.candidates else []

    @property
    def attention(self) -> Matrix:
        """The best hypothesis's weights: a row a word of it, a column a word of the source."""
        if not self.candidates:
            return np.zeros((0, len(self.source_words)), np.float32)
        return self.candidates[0].attention_IJ

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "source": self.source,
            "translation": self.text,
            "source_words": [word.word for word in self.source_words],
            "source_pieces": self.source_pieces,
            "unknown_pieces": self.unknown,
            "hypotheses": [
                {
                    "text": candidate.text,
                    "score": candidate.score,
                    "log_prob": candidate.log_prob,
                    "finished": candidate.finished,
                    "pieces": candidate.pieces,
                    "log_probs": candidate.log_probs,
                    "words": [word.word for word in candidate.words],
                    "attention": candidate.attention_IJ.astype(float).round(4).tolist(),
                }
                for candidate in self.candidates
            ],
        }


def quoted(text: str) -> str:
    """Return `text` as a literal, the middle of a very long one left out."""
    return repr(text if len(text) <= _LONG else f"{text[: _LONG // 2]} ... {text[-_LONG // 2 :]}")


def merge_words(
    weights_TS: Matrix, words: Sequence[WordPieces], source_words: Sequence[WordPieces]
) -> Matrix:
    """Return weights_IJ: summed over each source word's pieces, averaged over each target word's.

    A word without pieces has weight 0. Without attention (no columns) all weights are 0.
    """
    merged_IJ = np.zeros((len(words), len(source_words)), np.float32)
    if not weights_TS.shape[1]:
        return merged_IJ
    for i, word in enumerate(words):
        if word.pieces:
            row_S = weights_TS[list(word.pieces)].mean(0)
            merged_IJ[i] = [row_S[list(source.pieces)].sum() for source in source_words]
    return merged_IJ


def render_matrix(weights_IJ: Matrix, words: Sequence[str], source_words: Sequence[str]) -> str:
    """Return the matrix as text: a row a target word, each row's largest weight in brackets."""
    cells = [
        [f"[{w:.2f}]" if w == max(row) > 0 else f" {w:.2f} " for w in row] for row in weights_IJ
    ]
    widths = [max(6, display_width(word)) for word in source_words]
    margin = max((display_width(word) for word in words), default=0)
    heading = zip(source_words, widths, strict=True)
    lines = [" " * margin + "".join(f"  {pad(w, n, right=True)}" for w, n in heading)]
    for word, row in zip(words, cells, strict=True):
        lines.append(
            pad(word, margin) + "".join(f"  {c:>{n}}" for c, n in zip(row, widths, strict=True))
        )
    return "\n".join(lines)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` filled up with spaces to `width` columns of a terminal, set left or right."""
    space = " " * (width - display_width(text))
    return space + in_place(text) if right else in_place(text) + space


def in_place(text: str) -> str:
    """Return `text` so that a terminal which knows directions turns round nothing beside it.

    What is written from the right goes between marks that can't be seen: numbers that follow it
    would else be set to its left.
    """
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}" if is_right_to_left(text) else text


def is_right_to_left(text: str) -> bool:
    """Return whether any of `text` is written from the right, as Arabic and Hebrew are."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def display_width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: East Asian wide characters and emoji take
    two, however many characters make the emoji; marks that combine with what is before them none.
    """
    return max(wcswidth(text), 0)
