"""An explanation as text: the source article's step table, and the matrices of words.

Shapes: as in `reading`, and X rows, Y columns of a matrix.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq.explain.cells import aligned, clip, largest_places, short
from seq2seq.explain.maps import ALIGNMENT, Maps, choose, memory_of, places
from seq2seq.explain.reading import Array, ForcedReading, of_head
from seq2seq.translation.translation import display_width, in_place, pad, render_matrix

WIDTH = 120  # columns of text, where no terminal says otherwise

_WORD = 14  # columns of a word in the step table at most
_TOP = 3  # source words named for each target word where a matrix would be too wide
_ENTRY = 4  # columns of a vector's entry, `-.35`
_WEIGHT = 3  # and of a weight, `.94`


class _Room(NamedTuple):
    """How much of each thing a row shows."""

    entries: int  # of a vector
    terms: int  # positions in scores, weights and context


_EVERYTHING = _Room(1 << 30, 1 << 30)
_ROOMS = [_Room(*pair) for pair in (
    (4, 8), (3, 8), (3, 6), (2, 6), (2, 5), (2, 4), (1, 4), (1, 3), (0, 4), (0, 3), (0, 2), (0, 1)
)]  # fmt: skip
"""From the most to the least; the first that fits is taken."""


def render(
    reading: ForcedReading,
    *,
    unit: str | None = None,
    head: int | None = None,
    pieces: bool = False,
    full: bool = False,
    width: int = WIDTH,
) -> str:
    """Return the whole explanation: title, step table with its legend, matrices of weights.

    It is about the `unit` (or memory) at that place, by default about the one that words are
    aligned by; then other places are named. `head` counts from 0; None is the mean of all. `pieces`
    has the matrix over pieces, not words. `full` shows every number, however wide. Of a blank text
    it only says so. Raises UserError for a place that the model doesn't have.
    """
    title = f"{in_place(reading.source)}  ->  {in_place(reading.translation)}".rstrip()
    if not reading.target_pieces:
        blank = not reading.source.strip()
        return f"(nothing to explain: {'the text is blank' if blank else 'no word of it is known'})"
    limit = None if full else width
    if unit is None or unit == reading.shown:
        parts = [
            render_steps(reading, head=head, full=full, width=width),
            *_first_matrices(reading, head, pieces, limit),
            *(_short_memory(reading.maps, place, limit) for place in _memories(reading)),
            *_others(reading, limit),
        ]
    elif unit in reading.units:
        own = reading.of_unit(unit)
        steps = render_steps(own, head=head, full=full, width=width)
        parts = [steps, _matrix(own.alignment, head, pieces, limit)]
    else:
        chosen = choose(reading.all_maps, unit)
        films = [one for one in chosen if one.by == "step" and len(chosen) > 1 and not full]
        parts = [
            f"{one.title(number)}\n\n{_matrix(one, number, pieces, limit)}"
            for one in chosen
            for number in ([] if one in films else one.numbers(head))
        ]
        if films:
            named = ", ".join(one.place for one in films)
            parts.append(f"--full, or --unit, also shows the matrix of each step: {named}")
    return "\n\n".join([title, *parts])


def render_steps(
    reading: ForcedReading, *, head: int | None = None, full: bool = False, width: int = WIDTH
) -> str:
    """Return the table of steps: a row a source piece, then a row a target piece.

    A vector is shown by its norm and its first entries; where there are more positions than fit,
    those of the largest weights are shown, the largest first.
    """
    for room in [_EVERYTHING] if full else _ROOMS:
        steps = _Steps(reading, head, room)
        lines = steps.lines()
        if max(map(display_width, lines)) <= width:
            break
    legend = steps.legend()
    if not full:
        wrapped = (textwrap.wrap(line, width, subsequent_indent="   ") for line in legend)
        legend = [line for lines_of_one in wrapped for line in lines_of_one]
    return "\n".join([*lines, "", *legend])


# --- the step table -------------------------------------------------------------------------------


class _Steps:
    """The step table of one reading, with so much room; `head` as in `render`."""

    def __init__(self, reading: ForcedReading, head: int | None, room: _Room) -> None:
        self.reading = reading
        self.head = head
        self.room = room
        self.scores_TS = of_head(reading.scores_HTS, head)
        self.weights_TS = of_head(reading.weights_HTS, head)
        self.score_width = max((len(short(score)) for score in self.scores_TS.flat), default=0)
        self.cut = " …" if len(reading.states_SE) > room.terms else ""
        self.mixed = head is None and reading.heads > 1
        """Whether each head has weights of its own, so that the context is no one weighted sum."""

    def lines(self) -> list[str]:
        """Return the heading, a line a source piece and a line a target piece."""
        return aligned([self._heading(), *self._encoder_rows(), *self._decoder_rows()])

    def _heading(self) -> list[str]:
        heading = ["step", "x", "h, H", "s"] if self.room.entries else ["#", "x", "|h|", "|s|"]
        if not self.reading.heads:
            return [*heading, "y"]
        addressing = self.reading.kinds.addressing
        equal = addressing == "softmax" and not self.mixed  # a mean of softmaxes is none
        weights = "w = softmax" if equal else f"w ({addressing})"
        context = "c = H w" if self.reading.reads_states else "c = V w"
        if self.mixed:
            context = "c" if self.room.entries else "|c|"
        return [*heading, "scores", weights, context, "y"]

    def _encoder_rows(self) -> list[list[str]]:
        pieces = zip(self.reading.memory_labels, self.reading.states_SE, strict=True)
        blank = [""] * (5 if self.reading.heads else 2)
        return [
            [str(number), clip(label, _WORD), _vector(state_E, self.room.entries), *blank]
            for number, (label, state_E) in enumerate(pieces, 1)
        ]

    def _decoder_rows(self) -> list[list[str]]:
        rows = []
        for t, label in enumerate(self.reading.target_labels):
            number = str(len(self.reading.states_SE) + 1 + t)
            state = _vector(self.reading.decoder_TD[t], self.room.entries)
            attended = self._attended(t) if self.reading.heads else []
            rows.append([number, "", "H", state, *attended, clip(label, _WORD)])
        return rows

    def _attended(self, t: int) -> list[str]:
        """Scores, weights and context of a step: of all positions, or of the weightiest."""
        weights_S = self.weights_TS[t]
        places = largest_places(weights_S, self.room.terms)
        scores = _numbers(self.scores_TS[t][places], self.score_width) + self.cut
        weights = _numbers(weights_S[places], _WEIGHT) + self.cut
        if not self.mixed:
            letter = "h" if self.reading.reads_states else "v"
            return [scores, weights, _sum_of(weights_S, places, letter)]
        if self.cut:  # no sum beside them says where these are
            named = [f"{short(weights_S[place])} at {place + 1}" for place in places]
            weights = ", ".join(named) + self.cut
        return [scores, weights, _vector(self.reading.context_TC[t], self.room.entries)]

    def legend(self) -> list[str]:
        """Return what H, s and w are, a line each."""
        kinds, states_SE = self.reading.kinds, self.reading.states_SE
        called = "states" if self.reading.memory is None else f"{self.reading.memory.plural}"
        all_states = "h1" if len(states_SE) == 1 else f"h1 ... h{len(states_SE)}"
        read = f", read {kinds.read}" if kinds.read else ""
        state = _STATES.get(kinds.decoder, "the decoder's state that the unit is given")
        start = _STARTS.get(kinds.bridge, f"its start is by bridge {kinds.bridge}")
        start = f"; {start}" if kinds.bridge else ""
        return [
            f"H  the encoder's {called} {all_states}{read}; {self._extent(states_SE)}",
            f"s  {state}{start}; {self._extent(self.reading.decoder_TD)}",
            self._weights_legend(),
        ]

    def _weights_legend(self) -> str:
        kinds, heads = self.reading.kinds, self.reading.heads
        if not heads:
            return "w  there is no attention: what is known of the source comes with the first s"
        line = f"w  by {kinds.addressing} from the scores of {kinds.attention} attention"
        if self.reading.place not in ("decoder.source", ALIGNMENT):
            line += f" ({self.reading.place})"
        if heads > 1:
            line += self.reading.which(self.head)
        if self.cut:
            line += "; only the largest are shown, the largest first, and their scores"
        if not (self.mixed or self.reading.reads_states):
            line += "; v = what is read of h"
        return line

    def _extent(self, vectors_XY: Array) -> str:
        size = vectors_XY.shape[1]
        if not self.room.entries:
            return f"the norm of {size} entries"
        return f"{size} entries" + (", the |norm| and the first" * (self.room.entries < size))


def _sum_of(weights_S: Array, places: Sequence[int], letter: str) -> str:
    """`.94 h1 + .02 h2 + .04 h3`, without terms as good as 0; `…` if others are left out."""
    kept = [place for place in places if short(weights_S[place]) != "0"]
    parts = [f"{short(weights_S[place])} {letter}{place + 1}" for place in kept]
    left_out = any(
        short(weight) != "0" for place, weight in enumerate(weights_S) if place not in kept
    )
    return " + ".join([*parts, "…"] if left_out else parts) or "0"


def _vector(values: Array, entries: int) -> str:
    """`|3.2|  .63 -3.2 …`: the norm, and the first entries."""
    norm = short(float(np.linalg.norm(values)))
    if not entries:
        return norm
    cut = " …" if entries < len(values) else ""
    return f"|{norm}| {_numbers(values[:entries], _ENTRY)}{cut}"


def _numbers(values: Array, width: int) -> str:
    return " ".join(f"{short(value):>{width}}" for value in values.tolist())


_STATES = {
    "luong": "the decoder's state after the word before",
    "bahdanau": "the decoder's state before it reads the word before",
    "conditional": "the decoder's state between its two cells, after the word before",
}
_STARTS = {
    "last": "it starts from the encoder's last",
    "mean": "it starts from the mean of H",
    "copy": "it starts as the encoder's last",
    "zero": "it starts from zeros",
    "state": "it starts as the encoder's last, whole",
}


# --- matrices -------------------------------------------------------------------------------------


def _first_matrices(
    reading: ForcedReading, head: int | None, pieces: bool, width: int | None
) -> list[str]:
    parts = []
    for one in reading.first_maps:
        if not one.rows.labels(pieces):
            continue
        aligned = one.place == reading.shown
        matrix = _matrix(one, head if aligned else None, pieces, width)
        parts.append(matrix if aligned else f"{one.title()}\n\n{matrix}")
    return parts


def _matrix(one: Maps, number: int | None, pieces: bool, width: int | None) -> str:
    """The matrix, or the weightiest columns of each row where it would be too wide."""
    values_XY = one.matrix(number, pieces=pieces)
    rows, columns = one.rows.labels(pieces), one.columns.labels(pieces)
    matrix = render_matrix(values_XY.astype(np.float32), rows, columns)
    if not one.are_weights:  # whose largest value has no meaning
        cells = [[f"{value:.2f}" for value in values_Y] for values_Y in values_XY]
        cells = [columns, *cells]
        widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
        cells = [[pad(c, n, right=True) for c, n in zip(row, widths, strict=True)] for row in cells]
        labelled = zip(["", *rows], cells, strict=True)
        matrix = "\n".join(aligned([[label, *row] for label, row in labelled]))
    if width is None or max(map(display_width, matrix.splitlines()), default=0) <= width:
        return matrix
    named = columns if one.columns.is_text else [f"at {label}" for label in columns]
    return "\n".join(aligned(_largest(rows, values_XY, named)))


def _largest(rows: Sequence[str], values_XY: Array, columns: Sequence[str]) -> list[list[str]]:
    """A row of cells for each row: its label and its largest values, each with its column."""
    cells = [
        [row, *(f"{short(values_Y[place])} {columns[place]}" for place in places)]
        for row, values_Y in zip(rows, values_XY, strict=True)
        for places in [largest_places(values_Y, _TOP)]
    ]
    longest = max(map(len, cells))
    return [cell + [""] * (longest - len(cell)) for cell in cells]


# --- memories, and what else there is -------------------------------------------------------------


def _memories(reading: ForcedReading) -> list[str]:
    return [place for place in places(reading.maps) if place.endswith(".memory")]


def _short_memory(maps: Sequence[Maps], memory: str, width: int | None) -> str:
    """What a memory read and wrote at each step: the slot of the largest weight, gates, norms.

    As many columns as fit.
    """
    own = [one for one in maps if memory_of(one.place) == memory]
    films = [one for one in own if one.by == "step"]
    names = films[0].names if films else own[0].rows.pieces
    columns = [["", *names]]
    for one in sorted(own, key=lambda one: (not one.are_weights, one.by == "step")):
        for column in _columns(one):
            if width is None or _width([*columns, column]) <= width:
                columns.append(column)
    sizes = [
        f"{one.place.removeprefix(f'{memory}.')} of {len(one.rows.pieces)} {one.rows.plural} x "
        f"{len(one.columns.pieces)} {one.columns.plural}"
        for one in films
    ]
    heading = f"{memory}: {', '.join(sizes)}" if sizes else memory
    return "\n".join([heading, "", *aligned(list(zip(*columns, strict=True)))])


def _columns(one: Maps) -> list[list[str]]:
    """A column for each head of weights, for each gate, the norms of what there is at each step."""
    name = one.place.rpartition(".")[2].replace("_", " ")
    if one.by == "step":
        return [[f"|{name}|", *(short(float(np.linalg.norm(v))) for v in one.values_NXY)]]
    found = []
    for label, values_XY in zip(one.names, one.values_NXY, strict=True):
        if one.are_weights:
            largest_X = values_XY.argmax(-1)
            cells = [
                f"{short(values_Y[place])} at {one.columns.pieces[place]}"
                for values_Y, place in zip(values_XY, largest_X, strict=True)
            ]
            found.append([f"{name.removesuffix(' weights')} {label}".strip(), *cells])
        elif one.columns.name in ("gate", "head", "mode", "shift"):
            heading = f"{name} {label}".strip()
            cells = [" ".join(f"{short(v):>3}" for v in values_Y) for values_Y in values_XY]
            found.append([heading, *cells])
    return found


def _width(columns: Sequence[Sequence[str]]) -> int:
    return max(map(display_width, aligned(list(zip(*columns, strict=True)))))


def _others(reading: ForcedReading, width: int | None) -> list[str]:
    """A line that names the places not shown, if there are any."""
    shown = {one.place for one in reading.first_maps} | set(_memories(reading))
    others = [place for place in places(reading.all_maps) if place not in shown]
    if not others:
        return []
    line = f"--unit shows others: {', '.join(others)}"
    return ["\n".join(textwrap.wrap(line, width, subsequent_indent="  ") if width else [line])]
