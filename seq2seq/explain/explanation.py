"""What a model did with one sentence: every tensor on the way from its words to its translation.

The translation is searched for first; then the winner is read once more, forced, and every tensor
of that reading is kept. So what is shown belongs to the translation that is shown, whatever the
beam held beside it.

Shapes: S source positions, T target steps, H heads, I embedding size, E memory size, D decoder
state size, K key size, V value size, C context size, F feature size; J source words, N target
words. There is no batch axis: it is one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2seq.data.tokenizer import BOS, EOS, WordPieces
from seq2seq.errors import UserError
from seq2seq.inference.translator import Translator
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS
from seq2seq.model.decoder import DECODERS
from seq2seq.model.model import Seq2Seq
from seq2seq.model.trace import Recording, recording
from seq2seq.translation.html import paragraph, shaded_table
from seq2seq.translation.translation import END, Candidate, Translation, merge_words, quoted

Array = npt.NDArray[np.floating[Any]]

_DIGITS = 5  # of numbers in JSON, after the point


@dataclass(frozen=True)
class Kinds:
    """What the network is made of, by the names that the configuration gives."""

    attention: str
    addressing: str
    decoder: str
    bridge: str
    bidirectional: bool


@dataclass(frozen=True, eq=False)
class Explanation:
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

    model: str = ""
    checkpoint: str = ""

    def __repr__(self) -> str:
        """Return source, translation, and how much there is between them."""
        texts = f"{quoted(self.source)} -> {quoted(self.translation)}"
        sizes = f"{len(self.source_pieces)} source and {len(self.target_pieces)} target pieces"
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"Explanation({texts}, {sizes}, {self.kinds.attention} attention, {heads})"

    def __str__(self) -> str:
        """Return the step table and the matrix of words, as `seq2seq explain` prints them."""
        from seq2seq.explain.table import render

        return render(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the mean attention, word by word, self-attention beside."""
        parts = [paragraph(self.source), paragraph(self.translation, bold=True)]
        columns = [word.word for word in self.source_words]
        rows = [word.word for word in self.target_words]
        parts.append(shaded_table(self.matrix_NJ(), rows, columns))
        if self.self_weights_HSS is not None:
            parts.append(paragraph("self-attention in the encoder:"))
            parts.append(shaded_table(self.self_matrix_JJ(), columns, columns))
        return "".join(parts)

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

    def matrix_NJ(self, head: int | None = None) -> npt.NDArray[np.float32]:
        """Return the weights word by word, of one head (from 0) or the mean of all.

        A source word's weight is the sum over its pieces, a target word's row the mean over its.
        """
        weights_TS = of_head(self.weights_HTS, head).astype(np.float32)
        return merge_words(weights_TS, self.target_words, self.source_words)

    def self_matrix_JJ(self) -> npt.NDArray[np.float32]:
        """Return the weights of the encoder's self-attention word by word, the mean of its heads.

        Without self-attention there are no words.
        """
        if self.self_weights_HSS is None:
            return np.zeros((0, 0), np.float32)
        weights_SS = of_head(self.self_weights_HSS, None).astype(np.float32)
        return merge_words(weights_SS, self.source_words, self.source_words)

    def as_dict(self, *, steps: bool = True) -> dict[str, Any]:
        """Return it as plain values for JSON; `steps` are the rows of the step table, vectors too.

        Numbers have 5 digits after the point; what is not finite is null.
        """
        self_weights = self.self_weights_HSS
        plain: dict[str, Any] = {
            "format": 1,
            "model": self.model,
            "checkpoint": self.checkpoint,
            "attention": self.kinds.attention,
            "addressing": self.kinds.addressing,
            "source": self.source,
            "translation": self.translation,
            "log_probs": _plain(self.log_probs_T),
            "source_pieces": self.source_pieces,
            "target_pieces": self.target_pieces,
            "source_words": [_plain_word(word) for word in self.source_words],
            "target_words": [_plain_word(word) for word in self.target_words],
            "weights": _plain(self.weights_HTS),
            "self_weights": None if self_weights is None else _plain(self_weights),
        }
        return {**plain, "steps": self._steps()} if steps else plain

    def _steps(self) -> list[dict[str, Any]]:
        encoder: list[dict[str, Any]] = [
            {"step": number, "x": piece, "h": _plain(state_E)}
            for number, (piece, state_E) in enumerate(
                zip(self.source_pieces, self.states_SE, strict=True), 1
            )
        ]
        decoder: list[dict[str, Any]] = [
            {
                "step": len(encoder) + 1 + t,
                "s": _plain(self.decoder_TD[t]),
                "scores": _plain(self.scores_HTS[:, t]),
                "weights": _plain(self.weights_HTS[:, t]),
                "context": _plain(self.context_TC[t]),
                "y": piece,
            }
            for t, piece in enumerate(self.target_pieces)
        ]
        return encoder + decoder


def explain(
    translator: Translator,
    text: str,
    *,
    target: str | None = None,
    model: str = "",
    checkpoint: str = "",
) -> Explanation:
    """Return what the model did with `text`: with the translation it finds, or with `target`.

    `model` and `checkpoint` are names to note. Raises UserError for an ensemble, which has no one
    decoder state, score or context to show.
    """
    if len(translator.models) != 1:
        raise UserError(
            f"explain: looks into one model, found an ensemble of {len(translator.models)}"
        )
    (network,) = translator.models
    if target is None:
        (translation,) = translator.translate([text])
    else:
        (translation,) = translator.force([(text, target)])
    candidate = translation.candidates[0] if translation.candidates else None
    tensors = _read(translator, translation, candidate) if candidate else _nothing(network)
    return Explanation(
        source=translation.source,
        translation=translation.text,
        source_pieces=translation.source_pieces if candidate else [],
        target_pieces=_emitted(candidate) if candidate else [],
        source_words=translation.source_words if candidate else [],
        target_words=candidate.words if candidate else [],
        kinds=_kinds(network),
        **tensors,
        model=model,
        checkpoint=checkpoint,
    )


def of_head(tensor_HXY: Array, head: int | None) -> Array:
    """Return tensor_XY of one head (from 0), or the mean over all; of no heads, no columns."""
    if not len(tensor_HXY):
        return np.zeros((tensor_HXY.shape[1], 0), tensor_HXY.dtype)
    mean_XY: Array = tensor_HXY.mean(0) if head is None else tensor_HXY[head]
    return mean_XY


# --- the one reading ------------------------------------------------------------------------------


def _read(
    translator: Translator, translation: Translation, candidate: Candidate
) -> dict[str, Array]:
    """Every tensor of the forced reading, by its name in `Explanation`."""
    (model,), device = translator.models, translator.device
    source_S = translator.source_ids(translation.source)
    target_T = [*candidate.ids, EOS] if candidate.finished else candidate.ids
    # One step more than wanted where the end was not reached; no step depends on a later one.
    inputs_1T = torch.tensor([[BOS, *candidate.ids]], device=device)
    with torch.no_grad(), recording() as seen:
        memory, state = model.encode(
            torch.tensor([source_S], device=device), torch.tensor([len(source_S)])
        )
        decoded = model.decode(inputs_1T, memory, state)
        log_probs_TW = model.output(decoded.features_BTF[0]).log_softmax(-1, dtype=torch.float32)
    steps = len(target_T)
    wanted_T1 = torch.tensor(target_T, dtype=torch.long, device=device).unsqueeze(1)
    tensors = {
        "embeddings_SI": _joined(seen, "source_embedded", axis=1),
        "states_SE": _joined(seen, "encoder_states_BSE", axis=1),
        "keys_HSK": _array(memory.keys_BHSK[0]),
        "values_HSV": _array(memory.values_BHSV[0]),
        "decoder_TD": _joined(seen, "decoder_BTD")[:steps],
        "queries_HTK": _joined(seen, "queries_BHTK")[:, :steps],
        "scores_HTS": _joined(seen, "scores_BHTS")[:, :steps],
        "weights_HTS": _joined(seen, "weights_BHTS")[:, :steps],
        "context_TC": _joined(seen, "context_BTV")[:steps],
        "features_TF": _joined(seen, "features_BTF")[:steps],
        "log_probs_T": _array(log_probs_TW[:steps].gather(1, wanted_T1).squeeze(1)),
    }
    if "self_weights_BHTS" in seen:
        tensors["self_scores_HSS"] = _joined(seen, "self_scores_BHTS")
        tensors["self_weights_HSS"] = _joined(seen, "self_weights_BHTS")
    return tensors


def _nothing(model: Seq2Seq) -> dict[str, Array]:
    """The tensors of a blank sentence: S = T = 0."""
    heads = model.decoder.attention.heads
    shapes: Mapping[str, tuple[int, ...]] = {
        "embeddings_SI": (0, model.source_embedding.embedding_dim),
        "states_SE": (0, model.encoder.memory_size),
        "keys_HSK": (heads, 0, 0),
        "values_HSV": (heads, 0, 0),
        "decoder_TD": (0, 0),
        "queries_HTK": (heads, 0, 0),
        "scores_HTS": (heads, 0, 0),
        "weights_HTS": (heads, 0, 0),
        "context_TC": (0, model.decoder.attention.context_size),
        "features_TF": (0, 0),
        "log_probs_T": (0,),
    }
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _joined(seen: Recording, name: str, axis: int | None = None) -> Array:
    """All that was traced under `name`, joined along its steps (T) and freed of the batch axis.

    A decoder that goes step by step traces each step, a parallel one all at once.
    """
    if axis is None:
        axis = name.rpartition("_")[2].index("T")
    return _array(torch.cat(seen[name], axis)[0])


def _array(tensor: Tensor) -> Array:
    array: Array = at_least_float32(tensor.detach()).cpu().numpy()
    return array


def _emitted(candidate: Candidate) -> list[str]:
    return [*candidate.pieces, END] if candidate.finished else candidate.pieces


def _kinds(model: Seq2Seq) -> Kinds:
    attention = model.decoder.attention
    return Kinds(
        attention=_name(attention, ATTENTIONS),
        addressing=_name(attention.addressing, ADDRESSINGS),
        decoder=_name(model.decoder, DECODERS),
        bridge=model.bridge.kind,
        bidirectional=bool(len(model.encoder.backwards)),
    )


def _name(module: object, kinds: Mapping[str, type]) -> str:
    """What the configuration calls it; of two names of one unit the later, `additive`."""
    names = [name for name, kind in kinds.items() if type(module) is kind]
    return names[-1] if names else type(module).__name__


# --- plain values ---------------------------------------------------------------------------------


def _labels(pieces: Sequence[str], words: Sequence[WordPieces]) -> list[str]:
    labels = [piece.replace("▁", " ").strip() or "▁" for piece in pieces]
    for word in words:
        for index in word.pieces[1:]:
            labels[index] = f"+{labels[index]}"
    return labels


def _plain_word(word: WordPieces) -> dict[str, Any]:
    return {"word": word.word, "pieces": list(word.pieces)}


def _plain(array: Array) -> list[Any]:
    return [_finite(value) for value in array.astype(float).round(_DIGITS).tolist()]


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return value if math.isfinite(value) else None
