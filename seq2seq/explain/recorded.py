"""From what a model probed while it read one sentence to arrays and maps, by their places.

Shapes: as in `reading`, and B batch, of one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.explain.maps import Array, Axis, Maps, of_memories
from seq2seq.kernels.precision import at_least_float32
from seq2seq.kinds import ADDRESSINGS, ATTENTIONS, KindTable
from seq2seq.model.attention import Attention
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import Recording

_WEIGHTS = "weights_BHTS"


class Axes(NamedTuple):
    """What a model reads and writes, piece by piece."""

    source: Axis
    target: Axis
    """What the steps of the decoder give."""
    input: Axis
    """What they are given: the token before."""
    memory: Axis | None
    """What the encoder leaves, where that is not a state for each source piece."""


def aligned_units(model: Seq2Seq) -> list[str]:
    """Return the names of the decoder's units whose heads words are aligned by."""
    units = model.decoder.source_units
    places = [name for name, unit in units.items() for _ in range(unit.heads)]
    return list(dict.fromkeys(places[model.aligned])) or list(units)


def of_units(seen: Recording, names: Sequence[str], steps: int) -> dict[str, Array]:
    """Return what was recorded of units of the decoder: their heads one after the other.

    The state is that of the last unit, the one nearest to the output.
    """
    last, _, _ = f"decoder.{names[-1]}".rpartition(".")

    def heads(name: str, axis: int) -> Array:
        return _stacked([joined(seen, f"decoder.{unit}.{name}", axis) for unit in names])

    contexts = [joined(seen, f"decoder.{unit}.context_BTV") for unit in names]
    queries_HTK = heads("queries_BHTK", 2)[:, :steps]
    states = f"{last}.states_BTD"
    return {
        "keys_HSK": heads("keys_BHSK", 2),
        "values_HSV": heads("values_BHSV", 2),
        "decoder_TD": joined(seen, states)[:steps]
        if states in seen
        else np.concatenate(list(queries_HTK), -1),
        "queries_HTK": queries_HTK,
        "scores_HTS": heads("scores_BHTS", 2)[:, :steps],
        "weights_HTS": heads(_WEIGHTS, 2)[:, :steps],
        "context_TC": np.concatenate(contexts, -1)[:steps],
    }


def maps_of(model: Seq2Seq, seen: Recording, axes: Axes) -> list[Maps]:
    """Return every matrix that was recorded: of the units, in the model's order, and memories."""
    units = [
        _of_unit(model, place, unit, seen, axes)
        for place, unit in model.units.items()
        if unit.heads and f"{place}.{_WEIGHTS}" in seen
    ]
    return [*units, *of_memories(dict(_memories(seen, axes)), axes.source, axes.target)]


def _of_unit(model: Seq2Seq, place: str, unit: Attention, seen: Recording, axes: Axes) -> Maps:
    rows, columns = _sides(place, axes)
    weights_HXY = joined(seen, f"{place}.{_WEIGHTS}", 2)
    scores_HXY = joined(seen, f"{place}.scores_BHTS", 2)
    shown = slice(None), slice(len(rows.pieces)), slice(len(columns.pieces))
    return Maps(
        place=place,
        by="head",
        names=[f"head {number}" for number in range(1, unit.heads + 1)],
        rows=rows,
        columns=columns,
        values_NXY=weights_HXY[shown],
        scores_NXY=scores_HXY[shown],
        kind=kind_of(ATTENTIONS, unit, model.config.attention.kind),
        addressing=kind_of(ADDRESSINGS, unit.addressing),
    )


def _sides(place: str, axes: Axes) -> tuple[Axis, Axis]:
    """What the rows and columns of a unit's weights stand for."""
    part, *names = place.split(".")
    itself = "self" in names
    memory = axes.memory or axes.source
    if part == "decoder":
        return axes.target, axes.input if itself else memory
    return memory, memory if itself else axes.source


def kind_of(table: KindTable[type], part: object, likely: str = "") -> str:
    """Return the name by which a part is chosen: `likely` if several fit."""
    kinds = [kind for kind in (likely, *table) if kind in table and table[kind] is type(part)]
    return kinds[0] if kinds else type(part).__name__


def _memories(seen: Recording, axes: Axes) -> Iterator[tuple[str, Array]]:
    for name in seen:
        place, _, letters = name.rpartition("_")
        if ".memory." not in name or "T" not in letters:
            continue
        array = joined(seen, name)
        letters = letters.replace("B", "", 1)
        if name.startswith("decoder."):
            steps = [slice(None)] * letters.index("T") + [slice(len(axes.target.pieces))]
            array = array[tuple(steps)]
        yield f"{place}_{letters}", array


def joined(seen: Mapping[str, Sequence[Tensor]], name: str, axis: int | None = None) -> Array:
    """Return all that was recorded under `name`, joined along its steps (T), without the batch.

    A decoder that goes step by step probes each step, a parallel one all at once. Where it attends
    to itself there are more columns from step to step: those that were not there yet are 0.
    """
    if axis is None:
        axis = name.rpartition("_")[2].index("T")
    widest = max(tensor.size(-1) for tensor in seen[name])
    steps = [functional.pad(tensor, (0, widest - tensor.size(-1))) for tensor in seen[name]]
    return array_of(torch.cat(steps, axis)[0])


def array_of(tensor: Tensor) -> Array:
    """Return a tensor as an array on the CPU, in float32 or wider."""
    array: Array = at_least_float32(tensor.detach()).cpu().numpy()
    return array


def _stacked(tensors_HXY: Sequence[Array]) -> Array:
    """Return the heads of all units as one tensor, zeros at the end of what is narrower."""
    width = max(tensor_HXY.shape[-1] for tensor_HXY in tensors_HXY)
    return np.concatenate(
        [
            np.pad(tensor_HXY, ((0, 0), (0, 0), (0, width - tensor_HXY.shape[-1])))
            for tensor_HXY in tensors_HXY
        ]
    )
