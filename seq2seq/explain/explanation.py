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

from seq2seq.counted import counted
from seq2seq.data.batching import as_source
from seq2seq.data.tokenizer import BOS, EOS, WordPieces
from seq2seq.errors import UserError
from seq2seq.explain.maps import ALIGNMENT, Axis, Maps, choose
from seq2seq.explain.overlay import page_pictures
from seq2seq.explain.reading import Array, ForcedReading, Kinds, labels
from seq2seq.explain.recorded import (
    Axes,
    aligned_units,
    array_of,
    joined,
    maps_of,
    of_units,
)
from seq2seq.explain.table import render
from seq2seq.inference.translator import Translator
from seq2seq.kinds import DECODERS, option_names
from seq2seq.model.contract import Encoder
from seq2seq.model.encoders.recurrent import RecurrentEncoder
from seq2seq.model.model import Seq2Seq, head_names
from seq2seq.model.probe import recording
from seq2seq.model.source import Projection
from seq2seq.translation.html import paragraph, shaded_table
from seq2seq.translation.translation import END, Candidate, Translation, quoted

_DIGITS = 5  # of numbers in JSON, after the point
_BEGIN = "<s>"  # what the decoder reads before its first word, for a reader


class Explanation(ForcedReading):
    """A forced reading that shows itself: as text, in a notebook, as plain values."""

    def __repr__(self) -> str:
        """Return source, translation, and how much there is between them."""
        texts = f"{quoted(self.source)} -> {quoted(self.translation)}"
        sizes = f"{len(self.source_pieces)} source and {len(self.target_pieces)} target pieces"
        heads = counted(self.heads, "head")
        return f"Explanation({texts}, {sizes}, {self.kinds.attention} attention, {heads})"

    def __str__(self) -> str:
        """Return the step table and the matrix of words, as `seq2seq explain` prints them."""
        return render(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the mean attention, word by word, self-attention beside."""
        parts = [paragraph(self.source), paragraph(self.translation, bold=True)]
        for shown in self.first_maps:
            if shown is not self.first_maps[0]:
                parts.append(paragraph(f"{shown.place}:"))
            rows, columns = shown.rows.labels(False), shown.columns.labels(False)
            parts.append(shaded_table(shown.matrix(), rows, columns))
        return "".join(parts)

    def as_dict(self, unit: str | None = None) -> dict[str, Any]:
        """Return it as plain values for JSON.

        `weights` are over source pieces, of the heads that words are aligned by. `maps` are every
        matrix of every unit and memory, or of one `unit`: over pieces, which `axes` list, or over
        what their own labels tell. `steps` are the rows of the step table, vectors too. Numbers
        have 5 digits after the point; what is not finite is null.
        """
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
            "weights": _plain(self.alignment.values_NXY),
        }
        if any(not name.startswith("head ") for name in self.head_names):  # of several units
            plain["heads"] = self.head_names
        maps = self.maps if unit is None else choose(self.all_maps, unit)
        return {
            **plain,
            "axes": _plain_axes(maps),
            "maps": [one.as_dict(_plain) for one in maps],
            "steps": self._steps(),
        }

    def as_page(self) -> dict[str, Any]:
        """Return what a page shows of it: texts, and `all_maps` packed."""
        maps = self.all_maps
        texts = [self.alignment.rows, Axis("source", self.source_labels, self.source_words)]
        pictures = page_pictures(self)
        return {
            **({"pictures": pictures} if pictures else {}),
            "model": self.model,
            "checkpoint": self.checkpoint,
            "source": self.source,
            "translation": self.translation,
            "log_probs": _plain(self.log_probs_T),
            "axes": {axis.name: _plain_axis(axis) for axis in texts} | _plain_axes(maps),
            "maps": [one.as_packed() for one in maps],
        }

    def _steps(self) -> list[dict[str, Any]]:
        pieces = self.source_pieces if self.memory is None else self.memory_labels
        encoder: list[dict[str, Any]] = [
            {"step": number, "x": piece, "h": _plain(state_E)}
            for number, (piece, state_E) in enumerate(zip(pieces, self.states_SE, strict=True), 1)
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
    network = _only_model(translator)
    if target is None:
        (translation,) = translator.translate([text])
    else:
        (translation,) = translator.force([(text, target)])
    candidate = translation.candidates[0] if translation.candidates else None
    return Explanation(
        source=translation.source,
        translation=translation.text,
        source_pieces=translation.source_pieces if candidate else [],
        target_pieces=_emitted(candidate) if candidate else [],
        source_words=translation.source_words if candidate else [],
        target_words=candidate.words if candidate else [],
        kinds=_kinds(network),
        **_read(translator, translation, candidate) if candidate else _nothing(network),
        backdrop=translator.backdrop(translation.source),
        model=model,
        checkpoint=checkpoint,
        **_aligned(network),
    )


def _only_model(translator: Translator) -> Seq2Seq:
    if len(translator.models) != 1:
        raise UserError(
            f"explain: looks into one model, found an ensemble of {len(translator.models)}"
        )
    return translator.models[0]


def _aligned(model: Seq2Seq) -> dict[str, Any]:
    """The unit that words are aligned by, and the names of its heads; of several, of all."""
    names = aligned_units(model)
    place = f"decoder.{names[0]}" if len(names) == 1 else ALIGNMENT
    units = {name: model.decoder.source_units[name] for name in names}
    return {"place": place, "head_names": head_names(units)}


def survey(translator: Translator) -> tuple[list[Maps], set[str]]:
    """Return what matrices a model has, of no sentence, and the places that words are aligned by.

    Raises UserError for an ensemble.
    """
    model = _only_model(translator)
    one = torch.ones(1, 1, dtype=torch.long, device=translator.device)
    read = model.source_embedding
    source = one.new_zeros(1, 1, read.features) if isinstance(read, Projection) else EOS * one
    with torch.no_grad(), recording() as seen:
        memory, state = model.encode(source, torch.tensor([1]))
        model.decode(BOS * one, memory, state)
    positions = seen["encoder.states_BSE"][0].size(1)
    text, target, given = (Axis(name, [""], []) for name in ("source", "target", "input"))
    latents = None if model.encoder.keeps_positions else Axis.numbered("latent", positions)
    maps = maps_of(model, seen, Axes(text, target, given, latents))
    return maps, {f"decoder.{name}" for name in aligned_units(model)}


# --- the one reading ------------------------------------------------------------------------------


def _read(translator: Translator, translation: Translation, candidate: Candidate) -> dict[str, Any]:
    """What was read of the forced reading, by its name in `ForcedReading`."""
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
    axes = _axes(model, translation, candidate, seen["encoder.states_BSE"][0].size(1))
    units = model.decoder.source_units
    return {
        "embeddings_PI": joined(seen, "encoder.embedded_BSI", axis=1),
        "states_SE": joined(seen, "encoder.states_BSE", axis=1),
        **of_units(seen, aligned_units(model), steps),
        "features_TF": joined(seen, "decoder.features_BTF")[:steps],
        "log_probs_T": array_of(log_probs_TW[:steps].gather(1, wanted_T1).squeeze(1)),
        "memory": axes.memory,
        "alignment_HTP": axes.memory and array_of(decoded.weights_BHTS[0, :, :steps]),
        "maps": maps_of(model, seen, axes),
        "units": {f"decoder.{name}": of_units(seen, [name], steps) for name in units},
    }


def _axes(model: Seq2Seq, translation: Translation, candidate: Candidate, positions: int) -> Axes:
    emitted = _emitted(candidate)
    words = candidate.words
    read = [_BEGIN, *labels(candidate.pieces, words)][: len(emitted)]
    # A step later than they are given; the last piece is not read where no end follows.
    later = [
        WordPieces(word, places)
        for word, pieces in words
        if (places := tuple(place + 1 for place in pieces if place + 1 < len(read)))
    ]
    return Axes(
        Axis(
            "source",
            labels(translation.source_pieces, translation.source_words),
            translation.source_words,
        ),
        Axis("target", labels(emitted, words), words),
        Axis("input", read, [WordPieces(_BEGIN, (0,)), *later]),
        None if model.encoder.keeps_positions else Axis.numbered("latent", positions),
    )


def _nothing(model: Seq2Seq) -> dict[str, Any]:
    """The tensors of a blank sentence: S = T = 0."""
    units = {name: model.decoder.source_units[name] for name in aligned_units(model)}.values()
    heads = sum(unit.heads for unit in units)
    shapes: Mapping[str, tuple[int, ...]] = {
        "embeddings_PI": (0, model.config.embedding),
        "states_SE": (0, model.encoder.memory_size),
        "keys_HSK": (heads, 0, 0),
        "values_HSV": (heads, 0, 0),
        "decoder_TD": (0, 0),
        "queries_HTK": (heads, 0, 0),
        "scores_HTS": (heads, 0, 0),
        "weights_HTS": (heads, 0, 0),
        "context_TC": (0, sum(unit.context_size for unit in units)),
        "features_TF": (0, 0),
        "log_probs_T": (0,),
    }
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _emitted(candidate: Candidate) -> list[str]:
    return [*candidate.pieces, END] if candidate.finished else candidate.pieces


def _reading_of(encoder: Encoder) -> str:
    """How recurrent layers read the source; nothing of another encoder."""
    if not isinstance(encoder, RecurrentEncoder):
        return ""
    if encoder.forwards and encoder.backwards:
        return "in both directions"
    return "from the beginning" if encoder.forwards else "from the end"


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
        bridge=decoder.bridge if "bridge" in option_names(DECODERS[decoder.kind]) else "",
        read=_reading_of(model.encoder),
        encoder=encoder.kind,
    )


# --- plain values ---------------------------------------------------------------------------------


def _plain_word(word: WordPieces) -> dict[str, Any]:
    return {"word": word.word, "pieces": list(word.pieces)}


def _plain_axes(maps: Sequence[Maps]) -> dict[str, Any]:
    """The pieces and words of every text that rows or columns stand for."""
    axes = (axis for one in maps for axis in (one.rows, one.columns))
    return {axis.name: _plain_axis(axis) for axis in axes if axis.is_text}


def _plain_axis(axis: Axis) -> dict[str, Any]:
    return {"pieces": list(axis.pieces), "words": [_plain_word(word) for word in axis.words]}


def _plain(array: Array) -> list[Any]:
    return [_finite(value) for value in array.astype(float).round(_DIGITS).tolist()]


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return value if math.isfinite(value) else None
