"""An explanation as a file: JSON, NumPy arrays, a picture, a page, by the ending of its name.

A JSON file holds one object, or a list of them for several sentences: `Explanation.as_dict`.

An NPZ file holds every tensor under the name of its field in `ForcedReading`, whose last letters
are its axes (`weights_HTS`: head, step, source position; the letters are in `reading.py`), and
`word_weights_NJ`; `source`, `translation`, the pieces and words are strings. A folder for each
place has the tensors of a unit or memory: `encoder.self/values_NXY`, `decoder.2.source/keys_HSK`.
Of several sentences each has a folder of its own, `1/weights_HTS`. numpy.load reads it with
allow_pickle=False.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.errors import UserError, did_you_mean
from seq2seq.explain import overlay, svg
from seq2seq.explain.explanation import Explanation
from seq2seq.explain.page import PageCheckpoint, PageRun, render_page, title_of
from seq2seq.explain.view import View
from seq2seq.extras import MissingPackageError, install_hint
from seq2seq.machine.disk import writing
from seq2seq.machine.input import check_target

Writer = Callable[[Sequence[Explanation], Path, View], None]
"""Writes explanations to a file whose name has the ending that the writer is listed under."""


def write(explanations: Sequence[Explanation], path: Path, view: View | None = None) -> None:
    """Write the file that the ending of `path` asks for; it appears when it is complete.

    Raises UserError where `check` does, and if it can't be written.
    """
    check(path, len(explanations))
    with _completed(path) as part:
        WRITERS[path.suffix.lower()](explanations, part, view or View())


def check(path: Path, sentences: int) -> None:
    """Refuse what `write` could not write, before the work and not after it.

    Raises UserError; where only a package is missing, MissingPackageError.
    """
    ending = path.suffix.lower()
    if ending not in WRITERS:
        hint = did_you_mean(ending, WRITERS)
        raise UserError(
            f"{path}: expected a name that ends in {', '.join(WRITERS)}, found {path.name!r}{hint}"
        )
    if path.is_dir():
        raise UserError(f"{path}: expected a file to write, found a folder")
    check_target(path)
    if not path.parent.is_dir():
        raise UserError(f"{path}: no such folder to write to: {path.parent}")
    if ending in (".png", ".svg") and sentences != 1:
        raise UserError(f"{path}: a picture shows one sentence, found {sentences}")
    if ending == ".png" and find_spec("matplotlib") is None:
        raise MissingPackageError(
            f"{path}: needs matplotlib: {install_hint('plots')}; .svg needs none"
        )


def write_json(explanations: Sequence[Explanation], path: Path, view: View) -> None:
    """Write one object, or a list of several."""
    plain = [explanation.as_dict(view.unit) for explanation in explanations]
    value = plain[0] if len(plain) == 1 else plain
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def write_npz(explanations: Sequence[Explanation], path: Path, view: View) -> None:
    """Write every tensor; those of several sentences under their numbers, from 1."""
    if len(explanations) == 1:
        np.savez(path, **_arrays(explanations[0]))
        return
    numbered = enumerate(explanations, 1)
    np.savez(path, **{f"{n}/{key}": a for n, e in numbered for key, a in _arrays(e).items()})


def write_png(explanations: Sequence[Explanation], path: Path, view: View) -> None:
    """Write the heat map of one sentence, or a file lit for each word; it needs `plots`."""
    try:
        from seq2seq.explain.picture import save  # matplotlib, which not everybody has
    except ImportError:
        raise MissingPackageError(f"a PNG needs matplotlib: {install_hint('plots')}") from None
    (explanation,) = explanations
    if explanation.backdrop is not None and view == View(view.head):
        overlay.save(explanation, explanation.backdrop, path, head=view.head)
        return
    save(explanation, path, view)


def write_svg(explanations: Sequence[Explanation], path: Path, view: View) -> None:
    """Write the heat map of one sentence."""
    (explanation,) = explanations
    svg.save(explanation, path, view)


def write_html(explanations: Sequence[Explanation], path: Path, view: View) -> None:
    """Write the page of one checkpoint; `comparison` tells of several."""
    plain = [explanation.as_page() for explanation in explanations]
    runs = [
        PageRun(first.model, [PageCheckpoint(first.checkpoint, plain)])
        for first in explanations[:1]
    ]
    title = title_of([explanation.source for explanation in explanations])
    path.write_text(render_page(runs, title=title, view=view), encoding="utf-8")


WRITERS: dict[str, Writer] = {
    ".json": write_json,
    ".npz": write_npz,
    ".html": write_html,
    ".png": write_png,
    ".svg": write_svg,
}
"""What writes a file, by the ending of its name."""


_IN_MAPS = ("scores_HTS", "weights_HTS")


def _arrays(explanation: Explanation) -> dict[str, Any]:
    values = ((item.name, getattr(explanation, item.name)) for item in fields(explanation))
    arrays = {name: value for name, value in values if isinstance(value, np.ndarray)}
    for one in explanation.maps:
        arrays[f"{one.place}/values_NXY"] = one.values_NXY
        if one.scores_NXY is not None:
            arrays[f"{one.place}/scores_NXY"] = one.scores_NXY
        own = explanation.units.get(one.place, {}).items()
        arrays |= {f"{one.place}/{name}": a for name, a in own if name not in _IN_MAPS}
    texts: dict[str, str | list[str]] = {
        "model": explanation.model,
        "checkpoint": explanation.checkpoint,
        "source": explanation.source,
        "translation": explanation.translation,
        "source_pieces": explanation.source_pieces,
        "target_pieces": explanation.target_pieces,
        "source_words": [word.word for word in explanation.source_words],
        "target_words": [word.word for word in explanation.target_words],
    }
    strings = {name: np.array(text, dtype=np.str_) for name, text in texts.items()}
    return {**arrays, "word_weights_NJ": explanation.matrix_NJ(), **strings}


@contextmanager
def _completed(path: Path) -> Iterator[Path]:
    """Give a name to write under, with the same ending, and then call the file `path`."""
    path = Path(os.path.realpath(path))  # a link stays one
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with writing(path):
            yield part
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
