"""What was read of a model with one sentence: every tensor on the way to its translation.

Shapes: S source positions, T target steps, H heads, I embedding size, E memory size, D decoder
state size, K key size, V value size, C context size, F feature size; J source words, N target
words; X and Y anything. There is no batch axis: it is one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources import Backdrop
from seq2seq.data.tokenizer import WordPieces
from seq2seq.translation.translation import merge_words

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Kinds:
    """What the network is made of, by the names that the configuration gives."""

    attention: str
    addressing: str
    decoder: str
    bridge: str
    bidirectional: bool


@dataclass(frozen=True, eq=False)
class ForcedReading:
    """One sentence, its translation, and the tensors between them; a blank sentence has none.

    A model without attention has no heads: H is 0 and so is C.
    """

    source: str
    translation: str
    source_pieces: list[str]
    """What the S positions stand for, the end included where it is attended to."""
    target_pieces: list[str]
    """What the T steps gave, the end included where it was reached."""
    source_words: list[WordPieces]
    target_words: list[WordPieces]
    """Without the end, whose step belongs to no word."""
    kinds: Kinds

    embeddings_SI: Array = field(repr=False)
    """x: the embedding of each source piece."""
    states_SE: Array = field(repr=False)
    """h: what the unit may read at each position; the encoder's last layer, if it has several."""
    keys_HSK: Array = field(repr=False)
    values_HSV: Array = field(repr=False)
    decoder_TD: Array = field(repr=False)
    """s: the decoder's state that is given to the unit."""
    queries_HTK: Array = field(repr=False)
    scores_HTS: Array = field(repr=False)
    """How well each position answers each query, before the addressing makes weights of them."""
    weights_HTS: Array = field(repr=False)
    context_TC: Array = field(repr=False)
    """c: what was read with the weights."""
    features_TF: Array = field(repr=False)
    """What the output layer makes the next piece's probabilities of."""
    log_probs_T: Array = field(repr=False)
    """Of the pieces given, in nats."""
    self_scores_HSS: Array | None = field(default=None, repr=False)
    """Of the encoder's self-attention, if it has one; its heads are its own."""
    self_weights_HSS: Array | None = field(default=None, repr=False)

    backdrop: Backdrop | None = field(default=None, repr=False)
    """The source as a picture, where it is a file."""

    model: str = ""
    checkpoint: str = ""
    head_names: list[str] = field(default_factory=list)
    """By default `head 1` and so on."""
    aligned: slice = field(default_factory=lambda: slice(None))
    """The heads whose mean is the alignment of words: those of all units, or of one."""

    @property
    def heads(self) -> int:
        """How many heads the attention unit has; 0 without attention."""
        return len(self.weights_HTS)

    @property
    def reads_states(self) -> bool:
        """Whether the context is a mean of the encoder states themselves, and not of V h."""
        return self.heads == 1 and np.array_equal(self.values_HSV[0], self.states_SE)

    @property
    def source_labels(self) -> list[str]:
        """The source pieces for a reader: `trans`, `+lation` for one that continues a word."""
        return _labels(self.source_pieces, self.source_words)

    @property
    def target_labels(self) -> list[str]:
        """The target pieces for a reader, as `source_labels`."""
        return _labels(self.target_pieces, self.target_words)

    def of_head(self, tensor_HXY: Array, head: int | None) -> Array:
        """Return tensor_XY of one head (from 0), or the mean over those that are aligned by."""
        return of_head(tensor_HXY if head is not None else tensor_HXY[self.aligned], head)

    def which(self, head: int | None) -> str:
        """Return which heads that was of, in words; nothing where there is one only."""
        if head is not None:
            return f", {self.head_names[head] if self.head_names else f'head {head + 1}'}"
        if self.heads <= 1:
            return ""
        names = self.head_names[self.aligned]
        only = f" of {self.heads}: {', '.join(names)}" if len(names) not in (0, self.heads) else ""
        return f", mean of {len(names) or self.heads} heads{only}"

    def matrix_NJ(self, head: int | None = None) -> npt.NDArray[np.float32]:
        """Return the weights word by word, of one head (from 0) or the mean of all.

        A source word's weight is the sum over its pieces, a target word's row the mean over its.
        """
        weights_TS = self.of_head(self.weights_HTS, head).astype(np.float32)
        return merge_words(weights_TS, self.target_words, self.source_words)

    def self_matrix_JJ(self) -> npt.NDArray[np.float32]:
        """Return the weights of the encoder's self-attention word by word, the mean of its heads.

        Without self-attention there are no words.
        """
        if self.self_weights_HSS is None:
            return np.zeros((0, 0), np.float32)
        weights_SS = of_head(self.self_weights_HSS, None).astype(np.float32)
        return merge_words(weights_SS, self.source_words, self.source_words)


def of_head(tensor_HXY: Array, head: int | None) -> Array:
    """Return tensor_XY of one head (from 0), or the mean over all; of no heads, no columns."""
    if not len(tensor_HXY):
        return np.zeros((tensor_HXY.shape[1], 0), tensor_HXY.dtype)
    mean_XY: Array = tensor_HXY.mean(0) if head is None else tensor_HXY[head]
    return mean_XY


def _labels(pieces: Sequence[str], words: Sequence[WordPieces]) -> list[str]:
    labels = [piece.replace("▁", " ").strip() or "▁" for piece in pieces]
    for word in words:
        for index in word.pieces[1:]:
            labels[index] = f"+{labels[index]}"
    return labels
