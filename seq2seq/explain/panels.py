"""What a picture of an explanation shows: one matrix of weights a panel, with its labels.

Shapes: N rows, J columns: words or pieces of the target and of the source.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.errors import UserError
from seq2seq.explain.explanation import Explanation
from seq2seq.explain.reading import Array, of_head
from seq2seq.translation.translation import display_width

FILLED = 20  # columns, or rows, up to which cells have their numbers in them
SLANTED = 6  # columns of text beyond which labels along the top are slanted
DARK = 0.55  # weights above which the number in a cell is white


class Panel(NamedTuple):
    """One matrix to draw."""

    title: str
    weights_NJ: Array
    rows: Sequence[str]
    columns: Sequence[str]

    @property
    def numbered(self) -> bool:
        """Whether there is room for numbers in the cells."""
        return max(len(self.rows), len(self.columns)) <= FILLED


def panels(explanation: Explanation, *, head: int | None, pieces: bool) -> list[Panel]:
    """Return the matrix of the attention unit, of one head (from 0) or the mean of all, and that
    of the encoder's self-attention, if it has one; over words, or over pieces.

    Raises UserError where there is nothing to draw.
    """
    if not explanation.target_pieces:
        raise UserError("picture: expected something to draw, found a blank text")
    if pieces:
        rows, columns = explanation.target_labels, explanation.source_labels
    else:
        rows = [word.word for word in explanation.target_words]
        columns = [word.word for word in explanation.source_words]
    found = []
    if explanation.heads:
        of_pieces = explanation.of_head(explanation.weights_HTS, head)
        weights_NJ = of_pieces if pieces else explanation.matrix_NJ(head)
        which = explanation.which(head)
        title = f"{explanation.kinds.attention} attention{which}"
        found.append(Panel(title, weights_NJ, rows, columns))
    if explanation.self_weights_HSS is not None:
        of_pieces = of_head(explanation.self_weights_HSS, None)
        weights_NJ = of_pieces if pieces else explanation.self_matrix_JJ()
        found.append(Panel("self-attention in the encoder", weights_NJ, columns, columns))
    if not found:
        raise UserError("picture: expected weights to draw, found a model without attention")
    return found


def title_lines(explanation: Explanation, width: int) -> list[str]:
    """Return the source and its translation, broken into lines of at most `width` characters."""
    texts = (explanation.source, explanation.translation)
    return [line for text in texts for line in textwrap.wrap(text, width)]


def longest(labels: Sequence[str]) -> int:
    """Return the columns of text that the widest label takes; 0 of none."""
    return max(map(display_width, labels), default=0)
