"""Everything in a model that is a matrix over words, steps or slots, by the place where it is made.

An attention unit gives its weights, a matrix for each head. A cell with a memory of its own gives
what it read, wrote and kept: some a matrix for each head, some one, and the memory itself a matrix
for each step. They are found by the names under which the model probes them, so the units and
cells of a user's own file are found too.

Shapes: B batch, S source positions, T target steps, H heads, N matrices, X rows, Y columns.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError, did_you_mean
from seq2seq.translation.translation import merge_words

Array = npt.NDArray[np.floating[Any]]

ALIGNMENT = "alignment"
"""The place of the weights that count as the alignment, where no unit's own are over the source."""

_CODES = 65534  # the greatest value in a page

_ENTRIES = {"N": "slot", "W": "entry", "H": "head", "R": "shift"}
"""What an axis of a memory's tensor counts, by its letter."""

_MODES = ("backward", "content", "forward")
"""The entries of `read_modes`. -- Graves et al. 2016, "Read weighting"."""


@dataclass(frozen=True)
class Axis:
    """What the rows or the columns of a matrix stand for: pieces of a text, or numbered things."""

    name: str
    """`source`, `target`, `input` (what the decoder reads), or what is numbered: `slot`."""
    pieces: Sequence[str]
    """For a reader: `trans`, `+lation` for one that continues a word."""
    words: Sequence[WordPieces]

    @classmethod
    def numbered(cls, name: str, labels: Sequence[str] | int) -> Axis:
        """Return the axis of so many things, or of things with these labels; each is a word."""
        if isinstance(labels, int):
            labels = [str(number) for number in range(1, labels + 1)]
        return cls(name, labels, [WordPieces(label, (i,)) for i, label in enumerate(labels)])

    @property
    def is_text(self) -> bool:
        """Whether it stands for the pieces of a text."""
        return self.name in ("source", "target", "input")

    @property
    def plural(self) -> str:
        """Return what the axis counts, for a sentence: `target pieces`, `slots`."""
        if self.name == "entry":
            return "entries"
        return f"{self.name} pieces" if self.is_text else f"{self.name}s"

    def named(self) -> str | dict[str, Any]:
        """Return its name, and its labels if they are not pieces of a text, for JSON."""
        return self.name if self.is_text else {"name": self.name, "labels": list(self.pieces)}

    def labels(self, pieces: bool) -> list[str]:
        """Return the labels of a matrix over pieces, or over words."""
        return list(self.pieces) if pieces else [word.word for word in self.words]


@dataclass(frozen=True, eq=False)
class Maps:
    """Matrices of the same rows and columns, of one place: one for each head, or for each step."""

    place: str
    """Where in the model it is made: `decoder.2.source`, `decoder.1.memory.usage`."""
    by: Literal["head", "step", ""]
    """What each matrix belongs to; nothing where there is one for all."""
    names: Sequence[str]
    """A name for each matrix: `head 1`, or the piece of the step."""
    rows: Axis
    columns: Axis
    values_NXY: Array = field(repr=False)
    scores_NXY: Array | None = field(default=None, repr=False)
    """Of an attention unit: how well each position answers each query."""
    kind: str = ""
    """Of an attention unit, by the name that the configuration gives."""
    addressing: str = ""

    @property
    def are_weights(self) -> bool:
        """Whether each row says how much went to each column."""
        return bool(self.kind) or self.place.endswith(("weights", ALIGNMENT))

    @property
    def span(self) -> tuple[float, float]:
        """Return the values that the faintest and the fullest colour stand for.

        Weights and gates go from 0 to 1; where there are negative values both ends are as far from
        0.
        """
        finite = self.values_NXY[np.isfinite(self.values_NXY)]
        if self.are_weights or not finite.size:
            return 0.0, 1.0
        most = float(np.abs(finite).max())
        return (-most, most) if finite.min() < 0 else (0.0, max(1.0, most))

    @property
    def heading(self) -> str:
        """Return the place, and of a unit its kind, in words."""
        return f"{self.place}: {self.kind} attention" if self.kind else self.place

    def title(self, number: int | None = None) -> str:
        """Return the heading and which of the matrices, or the mean of all, in words."""
        count = len(self.names)
        if number is None or not self.by:
            return (
                f"{self.heading}, mean of {count} heads" if self.by and count > 1 else self.heading
            )
        return f"{self.heading}, {'at ' if self.by == 'step' else ''}{self.names[number]}"

    def mean(self) -> Maps:
        """Return the mean of all heads as the one matrix."""
        values_NXY = self.values_NXY.mean(0, keepdims=True)
        name = f"mean of {len(self.names)} heads"
        return replace(self, by="", names=[name], values_NXY=values_NXY, scores_NXY=None)

    def numbers(self, head: int | None) -> Sequence[int | None]:
        """Return which matrices to show where one head is asked for, or None: the mean of all.

        Steps have no mean: they are all shown. What has no heads is shown whatever is asked for.
        """
        if self.by == "step":
            return range(len(self.names))
        if head is None or not self.by:
            return [None]
        return [head] if head < len(self.names) else []

    def matrix(self, number: int | None = None, *, pieces: bool = False) -> Array:
        """Return one matrix (from 0) or the mean of all, over words or over pieces.

        A column's word has the sum over its pieces, a row's word the mean over its.
        """
        values_NXY = self.values_NXY
        if not len(values_NXY):  # without attention
            return np.zeros([len(axis.labels(pieces)) for axis in (self.rows, self.columns)])
        values_XY = values_NXY.mean(0) if number is None else values_NXY[number]
        if pieces:
            return np.asarray(values_XY)
        return merge_words(values_XY.astype(np.float32), self.rows.words, self.columns.words)

    def as_dict(self, plain: Callable[[Array], list[Any]]) -> dict[str, Any]:
        """Return it for JSON; `plain` makes lists of an array."""
        scores = {} if self.scores_NXY is None else {"scores": plain(self.scores_NXY)}
        return {**self.about(), "values": plain(self.values_NXY), **scores}

    def as_packed(self) -> dict[str, Any]:
        """Return it for a page: values in 16 bits, from the least of `span` to the greatest.

        65,535 stands for what is not finite. A page of 6 layers x 8 heads x 3 kinds x 60 x 60 has
        1.4 MB so, and 4 MB in decimal digits.
        """
        low, high = self.span
        finite = np.isfinite(self.values_NXY)
        shares = np.where(finite, (self.values_NXY - low) / (high - low), 0).clip(0, 1)
        codes = np.where(finite, np.rint(shares * _CODES), _CODES + 1).astype("<u2")
        return {
            **self.about(),
            "span": [low, high],
            "weights": self.are_weights,
            "shape": list(codes.shape),
            "codes": b64encode(codes.tobytes()).decode(),
        }

    def about(self) -> dict[str, Any]:
        """Return what it is about, without its values, for JSON."""
        unit = {"attention": self.kind, "addressing": self.addressing} if self.kind else {}
        return {
            "place": self.place,
            **unit,
            "by": self.by,
            "names": list(self.names),
            "rows": self.rows.named(),
            "columns": self.columns.named(),
        }


def choose(maps: Sequence[Maps], place: str) -> list[Maps]:
    """Return the maps of a unit, of one tensor of a memory, or of a whole memory.

    Raises UserError if there is no such place.
    """
    found = [one for one in maps if place in (one.place, memory_of(one.place))]
    if not found:
        known = places(maps)
        raise UserError(
            f"--unit: expected one of {', '.join(known) or 'none (this model has none)'}, "
            f"found {place!r}{did_you_mean(place, [*known, *(one.place for one in maps)])}"
        )
    return found


def places(maps: Sequence[Maps]) -> list[str]:
    """Return the names of the units, and of the memories as wholes."""
    return list(dict.fromkeys(memory_of(one.place) or one.place for one in maps))


def memory_of(place: str) -> str:
    """Return the name of the memory that a tensor's place is in; nothing of a unit's place."""
    memory, found, _ = place.rpartition(".memory.")
    return f"{memory}.memory" if found else ""


# --- memories -------------------------------------------------------------------------------------


def of_memories(tensors: Mapping[str, Array], source: Axis, target: Axis) -> Iterator[Maps]:
    """Yield the maps of what cells with a memory probed: full names -> tensors of one sentence.

    A name ends with the axes; T are the steps, of the source in the encoder.
    """
    for name, tensor in tensors.items():
        place, _, axes = name.rpartition("_")
        steps = source if name.startswith("encoder.") else target
        if ".backward." in name:  # it reads each sentence from its end
            tensor = np.flip(tensor, axes.index("T"))
        yield _of_memory(place, axes, tensor, steps)


def _of_memory(place: str, axes: str, tensor: Array, steps: Axis) -> Maps:
    if axes.startswith("T") and len(axes) == 3:  # the memory itself, at each step
        rows, columns = (_counted(place, axes[k], tensor.shape[k]) for k in (1, 2))
        return Maps(place, "step", steps.pieces, rows, columns, tensor)
    if axes == "HT1":
        axes, tensor = "TH", tensor[..., 0].T
    if not axes.startswith("HT"):
        axes, tensor = f"1{axes}", tensor[None]
    by: Literal["head", ""] = "head" if axes[0] == "H" else ""
    names = [f"head {number}" for number in range(1, len(tensor) + 1)] if by else [""]
    return Maps(place, by, names, steps, _counted(place, axes[2], tensor.shape[2]), tensor)


def _counted(place: str, letter: str, count: int) -> Axis:
    stem = place.rpartition(".")[2]
    if letter == "R":
        return Axis.numbered("shift", [f"{shift:+d}" for shift in _centred(count)])
    if stem == "read_modes" and count == len(_MODES):
        return Axis.numbered("mode", _MODES)
    if letter == "1":
        return Axis.numbered("gate", [stem.replace("_", " ")])
    return Axis.numbered(_ENTRIES.get(letter, "column"), count)


def _centred(count: int) -> range:
    return range(-(count // 2), count - count // 2)
