"""Is attention used, or only shown? Its weights replaced while decoding, and what that costs.

A reweighting stands between address and read, in the decoder's attention of every model and in
every head; what a unit carries from step to step are then the new weights. Each keeps the sum of a
row, which is not 1 for every unit, and gives padding nothing. An intervention says which
reweighting each sentence gets.

-- permuted weights: Jain and Wallace 2019, section 4.2.1; uniform ones: Wiegreffe and Pinter 2019,
who train with them; some set to zero and the rest renormalised: Serrano and Smith 2019. All look at
classifiers.

Shapes: B batch, H heads, T target steps, S source positions, I target words, J source words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError, did_you_mean
from seq2seq.model.attention import AttentionState, Memory
from seq2seq.model.attention.hard import one_hot
from seq2seq.model.probe import replacing

logger = logging.getLogger(__name__)

Matrix = npt.NDArray[np.float64]

_SHOWN = 5  # lines named in a warning

# --- reweightings ---------------------------------------------------------------------------------

Reweighting = Callable[[Tensor, Memory, AttentionState], Tensor]
"""(weights_BHTS, memory, state before them) -> the weights to read with instead."""


READS_MEMORY = "decoder.*source.weights_BHTS"
READS_SOURCE = "encoder.*cross.weights_BHTS"
"""Of an encoder that keeps no positions: there latents read the source, and the decoder latents."""


def reweighted(reweighting: Reweighting, names: str = READS_MEMORY) -> AbstractContextManager[None]:
    """Return the context in which every model reads with the new weights: its decoder, or latents.

    `names` are those of the weights.
    """
    return replacing(names, reweighting)


def uniform(weights_BHTS: Tensor, memory: Memory, state: AttentionState) -> Tensor:
    """Every real position alike."""
    real_B11S = memory.mask_BS[:, None, None].to(weights_BHTS.dtype)
    return _scaled(real_B11S.expand_as(weights_BHTS), weights_BHTS)


def hard(weights_BHTS: Tensor, memory: Memory, state: AttentionState) -> Tensor:
    """All weight on the largest; of equal ones on the first."""
    return _scaled(one_hot(weights_BHTS.argmax(-1), weights_BHTS), weights_BHTS)


def sharpen(
    weights_BHTS: Tensor, memory: Memory, state: AttentionState, *, temperature: float
) -> Tensor:
    """w^(1 / temperature), as if scores had been divided by it: below 1 sharper, above flatter."""
    largest_BHT1 = weights_BHTS.amax(-1, keepdim=True)
    relative_BHTS = weights_BHTS / _not_zero(largest_BHT1)  # of which no power vanishes in a row
    return _scaled(relative_BHTS ** (1 / temperature), weights_BHTS)


def shift(weights_BHTS: Tensor, memory: Memory, state: AttentionState, *, positions: int) -> Tensor:
    """Every weight so many positions to the right (left, if negative).

    What would fall off the sentence stays at its last (first) position.
    """
    last_B1 = memory.mask_BS.sum(-1, keepdim=True) - 1
    places_S = torch.arange(memory.mask_BS.size(1), device=weights_BHTS.device)
    moved_BS = torch.minimum((places_S + positions).clamp_min(0), last_B1)
    moved_BHTS = moved_BS[:, None, None].expand_as(weights_BHTS)
    return torch.zeros_like(weights_BHTS).scatter_add(-1, moved_BHTS, weights_BHTS)


def shuffle(weights_BHTS: Tensor, memory: Memory, state: AttentionState, *, seed: int) -> Tensor:
    """The weights of the real positions in another order, drawn for every step.

    The order depends on the seed, the step and the sentence's length alone: it is the same for a
    sentence alone, in a batch and in any beam, and for all heads.
    """
    count = weights_BHTS.size(2)
    order_BTS = np.stack(
        [
            [
                _order(seed, step, length, memory.mask_BS.size(1))
                for step in range(first, first + count)
            ]
            for first, length in zip(
                state.step_B.tolist(), memory.mask_BS.sum(-1).tolist(), strict=True
            )
        ]
    )
    order_B1TS = torch.from_numpy(order_BTS).to(weights_BHTS.device).unsqueeze(1)
    return weights_BHTS.gather(-1, order_B1TS.expand_as(weights_BHTS))


def hide(
    weights_BHTS: Tensor, memory: Memory, state: AttentionState, *, hidden_S: Tensor
) -> Tensor:
    """No weight where `hidden_S` is True, the rest renormalised; all rows are of one sentence.

    Where nothing is left the other positions share alike. Where there are none, nothing is read:
    the one row that doesn't keep its sum.
    """
    hidden_S = hidden_S.to(weights_BHTS.device)
    left_BHTS = weights_BHTS.masked_fill(hidden_S, 0)
    others_BHTS = (memory.mask_BS & ~hidden_S)[:, None, None].expand_as(weights_BHTS)
    some_BHT1 = left_BHTS.sum(-1, keepdim=True) > torch.finfo(weights_BHTS.dtype).tiny
    return _scaled(torch.where(some_BHT1, left_BHTS, others_BHTS), weights_BHTS)


def replace(
    weights_BHTS: Tensor, memory: Memory, state: AttentionState, *, given_RS: Tensor
) -> Tensor:
    """Row r of `given_RS` at step r; all rows of the batch are of one sentence.

    After the last row, and where a row is all zeros, the model's own weights.
    """
    largest_R1 = given_RS.amax(-1, keepdim=True)
    given_RS = (given_RS / _not_zero(largest_R1)).to(weights_BHTS)  # only shares of a row count
    steps_T = torch.arange(weights_BHTS.size(2), device=weights_BHTS.device)
    steps_BT = state.step_B.unsqueeze(1) + steps_T
    rows_BTS = given_RS[steps_BT.clamp_max(len(given_RS) - 1)]
    there_BT = (steps_BT < len(given_RS)) & (rows_BTS.sum(-1) > 0)
    rows_BHTS = rows_BTS.unsqueeze(1).expand_as(weights_BHTS)
    return torch.where(there_BT[:, None, :, None], _scaled(rows_BHTS, weights_BHTS), weights_BHTS)


def _scaled(new_BHTS: Tensor, old_BHTS: Tensor) -> Tensor:
    """`new_BHTS`, each row scaled to the sum of that of `old_BHTS`; a row of zeros stays one."""
    sums_BHT1 = old_BHTS.sum(-1, keepdim=True)
    return new_BHTS * (sums_BHT1 / _not_zero(new_BHTS.sum(-1, keepdim=True)))


def _not_zero(tensor: Tensor) -> Tensor:
    return tensor.clamp_min(torch.finfo(tensor.dtype).tiny)


@lru_cache(10_000)
def _order(seed: int, step: int, length: int, positions: int) -> npt.NDArray[np.int64]:
    """A permutation of the first `length` of `positions`."""
    order = np.arange(positions)
    order[:length] = np.random.default_rng((seed, step, length)).permutation(length)
    return order


# --- interventions --------------------------------------------------------------------------------

Sentences = Sequence[Sequence[WordPieces]]
"""The words of each sentence, as `Translator.source_words` gives them; none of a blank one."""


Subject = Literal["steps", "source", "alignment"]
"""What an intervention is about: how the steps of a decoder spread their weights, whatever they
read; which positions of the source are read; or which of them at which step."""


class Intervention(Protocol):
    """What `parse_intervention` gives and `Translator.translate(..., attention=...)` takes."""

    @property
    def subject(self) -> Subject:
        """What it is about."""

    @property
    def spec(self) -> str:
        """How it was asked for."""

    @property
    def alone(self) -> bool:
        """Whether it differs from sentence to sentence, which are then decoded one at a time."""

    def check(self, sentences: Sentences) -> None:
        """Raise UserError if it does not fit the sentences."""

    def on(self, sentences: Sentences) -> Reweighting:
        """Return the reweighting of a batch of sentences (of one if `alone`)."""


@dataclass(frozen=True)
class Everywhere:
    """One reweighting, the same for every sentence."""

    spec: str
    reweighting: Reweighting
    subject: Subject = "steps"
    alone: bool = False

    def check(self, sentences: Sentences) -> None:
        """Take any sentences."""

    def on(self, sentences: Sentences) -> Reweighting:
        """Return the reweighting."""
        return self.reweighting


@dataclass(frozen=True)
class WithoutWord:
    """No weight on any occurrence of a source word; others are others by their capitals too."""

    spec: str
    word: str
    subject: Subject = "source"
    alone: bool = True

    def check(self, sentences: Sentences) -> None:
        """Raise UserError if no sentence has the word; warn of those that don't."""
        known = [{word.word for word in words} for words in sentences]
        without = [n for n, words in enumerate(known, 1) if words and self.word not in words]
        if without and len(without) == sum(map(bool, known)):
            hint = did_you_mean(self.word, sorted(set().union(*known)))
            raise UserError(f"attention {self.spec}: no source sentence has this word{hint}")
        if without:
            lines = ("s " if len(without) > 1 else " ") + ", ".join(map(str, without[:_SHOWN]))
            logger.warning(
                "attention %s: %d of %d sentences don't have this word and keep their weights "
                "(line%s)",
                self.spec,
                len(without),
                sum(map(bool, known)),
                lines + (", ..." if len(without) > _SHOWN else ""),
            )

    def on(self, sentences: Sentences) -> Reweighting:
        """Return the reweighting of one sentence."""
        (words,) = sentences
        hidden_S = torch.zeros(_positions(words), dtype=torch.bool)
        for word in words:
            if word.word == self.word:
                hidden_S[list(word.pieces)] = True
        return partial(hide, hidden_S=hidden_S) if hidden_S.any() else _unchanged


@dataclass(frozen=True, eq=False)
class HandSet:
    """A matrix for one sentence: a row a target piece; a column a source word, or a position."""

    spec: str
    given: Matrix = field(repr=False)
    by_word: bool
    subject: Subject = "alignment"
    alone: bool = True

    def check(self, sentences: Sentences) -> None:
        """Raise UserError unless this is one sentence, of as many columns as the matrix has."""
        there = [words for words in sentences if words]
        if len(there) != 1:
            raise UserError(f"{self.spec}: this matrix is for one sentence, found {len(there)}")
        self.on(there)

    def on(self, sentences: Sentences) -> Reweighting:
        """Return the reweighting of one sentence: a word's weight is spread over its pieces."""
        (words,) = sentences
        found = self.given.shape[1]
        expected = len(words) if self.by_word else _positions(words)
        if found != expected:
            text = " ".join(word.word for word in words)
            what = "words" if self.by_word else "pieces"
            raise UserError(
                f"{self.spec}: expected {expected} columns, one for each of the {what} of "
                f"{text!r}, found {found}"
            )
        given_RS = self.given
        if self.by_word:
            given_RS = np.zeros((len(self.given), _positions(words)))
            for column, word in enumerate(words):
                if word.pieces:
                    share_R1 = self.given[:, column : column + 1] / len(word.pieces)
                    given_RS[:, list(word.pieces)] = share_R1
        return partial(replace, given_RS=torch.from_numpy(given_RS))


def _unchanged(weights_BHTS: Tensor, memory: Memory, state: AttentionState) -> Tensor:
    return weights_BHTS


def _positions(words: Sequence[WordPieces]) -> int:
    return sum(len(word.pieces) for word in words)
