"""What a model did with one sentence: every tensor on the way from its words to its translation.

The translation is searched for first; then the winner is read once more, forced, and every tensor
of that reading is kept. So what is shown belongs to the translation that is shown, whatever the
beam held beside it.

Shapes: as in `reading`, and W target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seq2seq.data.batching import as_source
from seq2seq.data.tokenizer import BOS, EOS, WordPieces
from seq2seq.errors import UserError
from seq2seq.explain.reading import Array, ForcedReading, Kinds
from seq2seq.explain.table import render
from seq2seq.inference.translator import Translator
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import Recording, recording
from seq2seq.translation.html import paragraph, shaded_table
from seq2seq.translation.translation import END, Candidate, Translation, quoted

_DIGITS = 5  # of numbers in JSON, after the point


class Explanation(ForcedReading):
    """A forced reading that shows itself: as text, in a notebook, as plain values."""

    def __repr__(self) -> str:
        """Return source, translation, and how much there is between them."""
        texts = f"{quoted(self.source)} -> {quoted(self.translation)}"
        sizes = f"{len(self.source_pieces)} source and {len(self.target_pieces)} target pieces"
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"Explanation({texts}, {sizes}, {self.kinds.attention} attention, {heads})"

    def __str__(self) -> str:
        """Return the step table and the matrix of words, as `seq2seq explain` prints them."""
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
        if any(not name.startswith("head ") for name in self.head_names):  # of several units
            plain["heads"] = self.head_names
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
        backdrop=translator.backdrop(translation.source),
        model=model,
        checkpoint=checkpoint,
        head_names=network.head_names,
        aligned=network.aligned,
    )


# --- the one reading ------------------------------------------------------------------------------


def _read(
    translator: Translator, translation: Translation, candidate: Candidate
) -> dict[str, Array]:
    """Every tensor of the forced reading, by its name in `ForcedReading`."""
    (model,), device = translator.models, translator.device
    source_S = translator.source_ids(translation.source)
    target_T = [*candidate.ids, EOS] if candidate.finished else candidate.ids
    # One step more than wanted where the end was not reached; no step depends on a later one.
    inputs_1T = torch.tensor([[BOS, *candidate.ids]], device=device)
    with torch.no_grad(), recording() as seen:
        memory, state = model.encode(
            torch.from_numpy(as_source(source_S)).unsqueeze(0).to(device),
            torch.tensor([len(source_S)]),
        )
        decoded = model.decode(inputs_1T, memory, state)
        log_probs_TW = model.output(decoded.features_BTF[0]).log_softmax(-1, dtype=torch.float32)
    steps = len(target_T)
    wanted_T1 = torch.tensor(target_T, dtype=torch.long, device=device).unsqueeze(1)
    tensors = {
        "embeddings_SI": _joined(seen, "encoder.embedded_BSI", axis=1),
        "states_SE": _joined(seen, "encoder.states_BSE", axis=1),
        **_of_units(seen, list(model.decoder.source_units), steps),
        "features_TF": _joined(seen, "decoder.features_BTF")[:steps],
        "log_probs_T": _array(log_probs_TW[:steps].gather(1, wanted_T1).squeeze(1)),
    }
    if "encoder.self.weights_BHTS" in seen:
        tensors["self_scores_HSS"] = _joined(seen, "encoder.self.scores_BHTS")
        tensors["self_weights_HSS"] = _joined(seen, "encoder.self.weights_BHTS")
    return tensors


def _of_units(seen: Recording, units: Sequence[str], steps: int) -> dict[str, Array]:
    """What was recorded of the decoder's units: their heads one after the other.

    The state is that of the last unit, the one nearest to the output.
    """
    last, _, _ = f"decoder.{units[-1]}".rpartition(".")

    def heads(name: str, axis: int) -> Array:
        return _stacked([_joined(seen, f"decoder.{unit}.{name}", axis) for unit in units])

    contexts = [_joined(seen, f"decoder.{unit}.context_BTV") for unit in units]
    return {
        "keys_HSK": heads("keys_BHSK", 2),
        "values_HSV": heads("values_BHSV", 2),
        "decoder_TD": _joined(seen, f"{last}.states_BTD")[:steps],
        "queries_HTK": heads("queries_BHTK", 2)[:, :steps],
        "scores_HTS": heads("scores_BHTS", 2)[:, :steps],
        "weights_HTS": heads("weights_BHTS", 2)[:, :steps],
        "context_TC": np.concatenate(contexts, -1)[:steps],
    }


def _stacked(tensors_HXY: Sequence[Array]) -> Array:
    """Return the heads of all units as one tensor, zeros at the end of what is narrower."""
    width = max(tensor_HXY.shape[-1] for tensor_HXY in tensors_HXY)
    return np.concatenate(
        [
            np.pad(tensor_HXY, ((0, 0), (0, 0), (0, width - tensor_HXY.shape[-1])))
            for tensor_HXY in tensors_HXY
        ]
    )


def _nothing(model: Seq2Seq) -> dict[str, Array]:
    """The tensors of a blank sentence: S = T = 0."""
    heads = len(model.head_names)
    shapes: Mapping[str, tuple[int, ...]] = {
        "embeddings_SI": (0, model.config.embedding),
        "states_SE": (0, model.encoder.memory_size),
        "keys_HSK": (heads, 0, 0),
        "values_HSV": (heads, 0, 0),
        "decoder_TD": (0, 0),
        "queries_HTK": (heads, 0, 0),
        "scores_HTS": (heads, 0, 0),
        "weights_HTS": (heads, 0, 0),
        "context_TC": (0, sum(unit.context_size for unit in model.decoder.source_units.values())),
        "features_TF": (0, 0),
        "log_probs_T": (0,),
    }
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _joined(seen: Recording, name: str, axis: int | None = None) -> Array:
    """All that was recorded under `name`, joined along its steps (T) and freed of the batch axis.

    A decoder that goes step by step probes each step, a parallel one all at once.
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
    encoder, attention, decoder = (
        model.config.encoder,
        model.config.attention,
        model.config.decoder,
    )
    return Kinds(
        attention=attention.kind,
        addressing=attention.addressing.kind,
        decoder=decoder.kind,
        bridge=decoder.bridge,
        bidirectional=encoder.bidirectional,
    )


# --- plain values ---------------------------------------------------------------------------------


def _plain_word(word: WordPieces) -> dict[str, Any]:
    return {"word": word.word, "pieces": list(word.pieces)}


def _plain(array: Array) -> list[Any]:
    return [_finite(value) for value in array.astype(float).round(_DIGITS).tolist()]


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return value if math.isfinite(value) else None
