"""What was read of a model with one sentence: every tensor on the way to its translation.

Shapes: P source pieces, S what the decoder reads (source positions, or as many latents as the
encoder has), T target steps, H heads, I embedding size, E memory size, D decoder state size, K key
size, V value size, C context size, F feature size; J source words, N target words; X and Y
anything. There is no batch axis: it is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.data.sources import Backdrop
from seq2seq.data.tokenizer import WordPieces
from seq2seq.explain.maps import ALIGNMENT, Array, Axis, Maps

__all__ = ["Array", "ForcedReading", "Kinds", "of_head"]


@dataclass(frozen=True)
class Kinds:
    """What the network is made of, by the names that the configuration gives."""

    attention: str
    addressing: str
    decoder: str
    bridge: str
    """How the decoder's state starts; nothing of a decoder that takes no bridge."""
    read: str
    """How recurrent layers read the source; nothing of another encoder."""
    encoder: str = "recurrent"


@dataclass(frozen=True, eq=False)
class ForcedReading:
    """One sentence, its translation, and the tensors between them; a blank sentence has none.

    H are the heads that words are aligned by (`model.alignment`): those of one unit of the decoder
    or of several. `maps` have the weights of every unit. A model without attention has no heads: H
    is 0 and so is C.
    """

    source: str
    translation: str
    source_pieces: list[str]
    """The end included where it is attended to."""
    target_pieces: list[str]
    """What the T steps gave, the end included where it was reached."""
    source_words: list[WordPieces]
    target_words: list[WordPieces]
    """Without the end, whose step belongs to no word."""
    kinds: Kinds

    embeddings_PI: Array = field(repr=False)
    """x: the embedding of each source piece."""
    states_SE: Array = field(repr=False)
    """h: what the unit may read at each position; the encoder's last layer, if it has several."""
    keys_HSK: Array = field(repr=False)
    values_HSV: Array = field(repr=False)
    decoder_TD: Array = field(repr=False)
    """s: the decoder's state that is given to the unit; where it has none, the unit's queries."""
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
    place: str = "decoder.source"
    """Which unit H are the heads of; `alignment` of several."""
    memory: Axis | None = field(default=None, repr=False)
    """What S counts, where it is not source pieces."""
    alignment_HTP: Array | None = field(default=None, repr=False)
    """The weights over source pieces, where `weights_HTS` are over something else."""
    maps: Sequence[Maps] = field(default=(), repr=False)
    """Every matrix of every unit and memory, by places."""
    units: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """By its place, the tensors of each unit of the decoder: the fields above of that unit."""

    backdrop: Backdrop | None = field(default=None, repr=False)
    """The source as a picture, where it is a file."""

    model: str = ""
    checkpoint: str = ""
    head_names: list[str] = field(default_factory=list)
    """By default `head 1` and so on."""

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
        return labels(self.source_pieces, self.source_words)

    @property
    def target_labels(self) -> list[str]:
        """The target pieces for a reader, as `source_labels`."""
        return labels(self.target_pieces, self.target_words)

    @property
    def memory_labels(self) -> list[str]:
        """What the S states stand for: source pieces, or numbered vectors."""
        if self.memory is None:
            return self.source_labels
        return [f"{self.memory.name} {label}" for label in self.memory.pieces]

    @property
    def alignment(self) -> Maps:
        """The weights of the H heads over words: what `matrix_NJ` is of."""
        source = Axis("source", self.source_labels, self.source_words)
        composed = self.alignment_HTP is not None
        return Maps(
            place=ALIGNMENT if composed else self.place,
            by="head",
            names=self.head_names or [f"head {n}" for n in range(1, self.heads + 1)],
            rows=Axis("target", self.target_labels, self.target_words),
            columns=source if composed or self.memory is None else self.memory,
            values_NXY=self.weights_HTS if self.alignment_HTP is None else self.alignment_HTP,
            scores_NXY=None if composed else self.scores_HTS,
            kind=self.kinds.attention,
            addressing=self.kinds.addressing,
        )

    @property
    def all_maps(self) -> list[Maps]:
        """The alignment, and every other matrix; none of a blank sentence.

        Of an alignment by several units there is the mean: their heads are among the others.
        """
        if not self.target_pieces:
            return []
        alignment = [self.alignment] if self.heads else []
        if self.heads and self.place == ALIGNMENT and self.alignment_HTP is None:
            alignment = [self.alignment.mean()]
        return [*alignment, *(one for one in self.maps if not alignment or one.place != self.shown)]

    @property
    def first_maps(self) -> list[Maps]:
        """What is shown unasked: the alignment, and self-attention where the encoder has one
        unit."""
        alone = [one for one in self.maps if one.place == "encoder.self"]
        return [*([self.alignment] if self.heads else []), *alone]

    @property
    def shown(self) -> str:
        """The place of `alignment`."""
        return self.alignment.place

    def of_unit(self, place: str) -> ForcedReading:
        """Return the same reading with the tensors of one unit of the decoder as its own."""
        (own,) = (one for one in self.maps if one.place == place)
        return replace(
            self,
            **self.units[place],
            kinds=replace(self.kinds, attention=own.kind, addressing=own.addressing),
            place=place,
            alignment_HTP=None,
            head_names=list(own.names),
        )

    def which(self, head: int | None) -> str:
        """Return which heads that was of, in words; nothing where there is one only."""
        if head is not None:
            return f", {self.head_names[head] if self.head_names else f'head {head + 1}'}"
        return f", mean of {self.heads} heads" if self.heads > 1 else ""

    def matrix_NJ(self, head: int | None = None) -> npt.NDArray[np.float32]:
        """Return the weights word by word, of one head (from 0) or the mean of all.

        A source word's weight is the sum over its pieces, a target word's row the mean over its.
        """
        return np.asarray(self.alignment.matrix(head), np.float32)


def of_head(tensor_HXY: Array, head: int | None) -> Array:
    """Return tensor_XY of one head (from 0), or the mean over all; of no heads, no columns."""
    if not len(tensor_HXY):
        return np.zeros((tensor_HXY.shape[1], 0), tensor_HXY.dtype)
    mean_XY: Array = tensor_HXY.mean(0) if head is None else tensor_HXY[head]
    return mean_XY


def labels(pieces: Sequence[str], words: Sequence[WordPieces]) -> list[str]:
    """Return the pieces for a reader: `trans`, `+lation` for one that continues a word."""
    texts = [piece.replace("▁", " ").strip() or "▁" for piece in pieces]
    for word in words:
        for index in word.pieces[1:]:
            texts[index] = f"+{texts[index]}"
    return texts
