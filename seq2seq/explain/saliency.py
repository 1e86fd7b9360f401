"""Which source words each target word hangs on, asked without attention, and does that agree?

Two ways that know nothing of attention: take a word away and see what becomes less probable, or
follow the gradient. Rank correlations tell whether they and the weights put the source words in
one order. -- Jain and Wallace 2019, section 4.1, ask this of classifiers; unlike theirs, these
gradients flow through the weights too.

Shapes: S source positions, T target pieces and the end, E embedding size (of all models of an
ensemble side by side), I target words, J source words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2seq.data.batching import Batch, as_source, collate
from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError
from seq2seq.explain.correlation import Values, kendall, spearman
from seq2seq.inference.translator import Translator
from seq2seq.model.probe import replacing
from seq2seq.translation.translation import Matrix, display_width, pad

_DIGITS = 5  # of numbers in JSON, as gradients may be very small


@dataclass(frozen=True, eq=False)
class Saliency:
    """How much each target word hangs on each source word, and what attention showed."""

    method: str
    unit: str
    source: str
    target: str
    words: list[str]
    source_words: list[str]
    """The end of the source is one, if the models read it."""
    importance_IJ: Values = field(repr=False)
    attention_IJ: Matrix = field(repr=False)

    @property
    def spearman_I(self) -> Values:
        """Spearman's correlation of importance and attention over the source words of each row."""
        return np.array([*map(spearman, self.importance_IJ, self.attention_IJ)], np.float64)

    @property
    def kendall_I(self) -> Values:
        """Kendall's, as `spearman_I`."""
        return np.array([*map(kendall, self.importance_IJ, self.attention_IJ)], np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON; a correlation that is not defined is null.

        Numbers have 5 digits.
        """
        spearman_I, kendall_I = self.spearman_I, self.kendall_I
        return {
            "method": self.method,
            "unit": self.unit,
            "words": self.words,
            "source_words": self.source_words,
            "importance": [[*map(_plain, row_J)] for row_J in self.importance_IJ],
            "attention": [[*map(_plain, row_J)] for row_J in self.attention_IJ],
            "spearman": [*map(_plain, spearman_I)],
            "kendall": [*map(_plain, kendall_I)],
            "mean_spearman": _plain(_mean(spearman_I)),
            "mean_kendall": _plain(_mean(kendall_I)),
        }

    def __str__(self) -> str:
        """Return the importance as a table with both correlations, and their means below."""
        spearman_I, kendall_I = self.spearman_I, self.kendall_I
        columns = [["", *self.words]]
        for j, word in enumerate(self.source_words):
            cells = [_cell(row_J, j) for row_J in self.importance_IJ]
            columns.append([f"{word} ", *cells])
        for name, correlations in (("Spearman", spearman_I), ("Kendall", kendall_I)):
            columns.append([name, *("-" if math.isnan(c) else f"{c:.2f}" for c in correlations)])
        widths = [max(map(display_width, column)) for column in columns]
        lines = [
            "  ".join(
                pad(cell, width, right=number > 0)
                for number, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in zip(*columns, strict=True)
        ]
        defined = int(np.isfinite(spearman_I).sum())
        means = ", ".join(
            f"{name} {_mean(values):.2f}"
            for name, values in (("Spearman", spearman_I), ("Kendall", kendall_I))
        )
        agreement = f"with attention: {means}, the means of {defined} of {len(self.words)} words"
        if not defined:
            agreement = "no correlation with attention is defined"
        return "\n".join([f"{self.method}, {self.unit}", *lines, agreement])


def leave_one_out(translator: Translator, source: str, target: str) -> Saliency:
    """Return by how many nats each target word is less probable without each source word.

    A word is taken away with its pieces; the others keep theirs. A negative number says that the
    target word becomes more probable. -- Li, Monroe and Jurafsky 2016, equation 1, without its
    division by the log-probability of the whole. NaN where no piece would be left to read.

    Raises UserError for a blank source.
    """
    pair = _read(translator, source, target)
    sources = [pair.source]
    for word in pair.source_words:
        gone = set(word.pieces)
        kept = [place for place in range(len(pair.source)) if place not in gone]
        sources.append(pair.source[kept])
    some = [number for number, ids in enumerate(sources) if len(ids)]
    with torch.no_grad():
        log_probs_BT, _ = translator.log_probs(_batch([sources[n] for n in some], pair.target))
    log_probs_BI = np.full((len(sources), len(pair.words)), math.nan)
    log_probs_BI[some] = _numpy(log_probs_BT) @ pair.pieces_IT.T
    return _saliency(
        translator, pair, "leave-one-out", "nats", (log_probs_BI[0] - log_probs_BI[1:]).T
    )


def gradient_saliency(
    translator: Translator, source: str, target: str
) -> tuple[Saliency, Saliency]:
    """Return |gradient . embedding| and |gradient| of each source word, for each target word.

    The gradient is that of a target word's log-probability with respect to the embedding of each
    source piece; both figures are summed over the word's pieces. The first one is how far the
    log-probability would change, were it linear, if the embedding became zero.

    -- gradient x input: Shrikumar et al. 2016; the gradient alone: Li, Chen, Hovy and Jurafsky
    2016, who show its absolute values; here their norm stands for a piece.

    Raises UserError for a blank source.
    """
    pair = _read(translator, source, target)
    embedded_SE, gradients_ISE = _gradients(translator, pair)
    places_SJ = _places(pair.source_words, len(pair.source)).T
    products_IJ = np.abs((gradients_ISE * embedded_SE).sum(-1)) @ places_SJ
    norms_IJ = np.linalg.norm(gradients_ISE, axis=-1) @ places_SJ
    return (
        _saliency(translator, pair, "|gradient x input|", "nats", products_IJ),
        _saliency(translator, pair, "|gradient|", "nats a unit", norms_IJ),
    )


# --- the model's part -----------------------------------------------------------------------------


class _Pair(NamedTuple):
    """A source and a target as ids, and their words; `pieces_IT` is 1 where a piece is a word's."""

    text: tuple[str, str]
    source: npt.NDArray[Any]
    target: list[int]
    source_words: list[WordPieces]
    words: list[WordPieces]
    pieces_IT: Values


def _read(translator: Translator, source: str, target: str) -> _Pair:
    tokenizers = translator.tokenizers
    if translator.is_blank(source):
        raise UserError("saliency: expected a source with words, found a blank text")
    ids = tokenizers.target.encode(target)
    words = tokenizers.target.target_words(ids)
    return _Pair(
        (source, target),
        as_source(translator.source_ids(source)),
        ids,
        translator.source_words(source),
        words,
        _places(words, len(ids) + 1),
    )


def _places(words: Sequence[WordPieces], length: int) -> Values:
    """A row a word: 1 at its pieces, of `length`."""
    places = np.zeros((len(words), length))
    for row, word in zip(places, words, strict=True):
        row[list(word.pieces)] = 1
    return places


def _batch(sources: Sequence[npt.NDArray[Any]], target: list[int]) -> Batch:
    """Each source with the same target; the sources have their end, if any."""
    ids = np.asarray(target, np.int64)
    return collate([(source, ids) for source in sources], source_end=False)


def _gradients(translator: Translator, pair: _Pair) -> tuple[Values, Values]:
    """embedded_SE, and gradients_ISE of the log-probability of each target word."""
    copies = max(1, len(pair.words))  # a row of the batch for each word: one backward for all
    inputs: list[Tensor] = []  # of the encoder of each model

    def detached(embedded_BSE: Tensor) -> Tensor:
        """Begin the graph where the encoder does: the embeddings may serve the decoder, too."""
        inputs.append(embedded_BSE.detach().requires_grad_())
        return inputs[-1]

    # cuDNN computes no gradient of a recurrent layer outside training.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        with replacing("encoder.embedded_BSI", detached):
            log_probs_IT, _ = translator.log_probs(_batch([pair.source] * copies, pair.target))
        wanted_IT = torch.from_numpy(pair.pieces_IT).to(log_probs_IT)
        gradients = torch.autograd.grad((log_probs_IT * wanted_IT).sum(), inputs)
    embedded_SE = _numpy(torch.cat([embedded_BSE[0] for embedded_BSE in inputs], -1))
    return embedded_SE, _numpy(torch.cat(gradients, -1))[: len(pair.words)]


def _saliency(
    translator: Translator, pair: _Pair, method: str, unit: str, importance_IJ: Values
) -> Saliency:
    return Saliency(
        method,
        unit,
        *pair.text,
        [word.word for word in pair.words],
        [word.word for word in pair.source_words],
        importance_IJ,
        translator.force([pair.text])[0].attention,
    )


def _numpy(tensor: Tensor) -> Values:
    return np.asarray(tensor.detach().cpu().numpy(), np.float64)


def _mean(correlations: Values) -> float:
    defined = correlations[np.isfinite(correlations)]
    return float(defined.mean()) if len(defined) else math.nan


def _plain(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _cell(row_J: Values, j: int) -> str:
    if math.isnan(row_J[j]):
        return "- "
    return f"[{row_J[j]:.2f}]" if row_J[j] == np.nanmax(row_J) > 0 else f"{row_J[j]:.2f} "
