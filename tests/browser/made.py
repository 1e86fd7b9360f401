"""Explanations made up for looking at: any words, any weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import WordPieces
from seq2seq.explain.maps import Axis, Maps
from seq2seq.explain.page import PageCheckpoint, PageRun
from seq2seq.explain.reading import labels

Words = Sequence[Sequence[str]]
"""Each word as its pieces."""


def random_weights(*shape: int, seed: int = 1, sharpness: float = 2.0) -> npt.NDArray[np.float64]:
    """Rows that sum to 1."""
    scores = np.random.default_rng(seed).normal(size=shape) * sharpness
    exponents = np.exp(scores)
    weights: npt.NDArray[np.float64] = exponents / exponents.sum(-1, keepdims=True)
    return weights


def word_pieces(words: Words) -> list[WordPieces]:
    ends = np.cumsum([0, *(len(word) for word in words)]).tolist()
    places = zip(words, ends, ends[1:], strict=False)
    return [WordPieces("".join(word), tuple(range(a, b))) for word, a, b in places]


def pieces(words: Words) -> list[str]:
    return [f"▁{piece}" if k == 0 else piece for word in words for k, piece in enumerate(word)]


def whole(text: str) -> Words:
    """The words of a text, each one piece."""
    return [[word] for word in text.split()]


def sides(source: Words, target: Words) -> tuple[Axis, Axis]:
    """What the columns and the rows stand for; the last row is the end's."""
    source_pieces, target_pieces = pieces(source), [*pieces(target), "</s>"]
    source_words, target_words = word_pieces(source), word_pieces(target)
    return (
        Axis("source", labels(source_pieces, source_words), source_words),
        Axis("target", labels(target_pieces, target_words), target_words),
    )


def heads(
    place: str, rows: Axis, columns: Axis, weights_HXY: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """What a page is given of a unit."""
    names = [f"head {number}" for number in range(1, len(weights_HXY) + 1)]
    unit = Maps(
        place, "head", names, rows, columns, weights_HXY, kind="additive", addressing="softmax"
    )
    return unit.as_packed()


def explanation(
    source: Words,
    target: Words,
    weights: npt.NDArray[np.float64] | None = None,
    *,
    self_weights: npt.NDArray[np.float64] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """An explanation as `Explanation.as_page` writes it."""
    columns, rows = sides(source, target)
    if weights is None:
        weights = random_weights(1, len(rows.pieces), len(columns.pieces))
    maps = [heads("decoder.source", rows, columns, weights)]
    if self_weights is not None:
        maps.append(heads("encoder.self", columns, columns, self_weights))
    plain = {
        "model": "runs/made",
        "checkpoint": "00002500",
        "source": " ".join("".join(word) for word in source),
        "translation": " ".join("".join(word) for word in target),
        "log_probs": [-0.25] * len(rows.pieces),
        "axes": {axis.name: _plain_axis(axis) for axis in (columns, rows)},
        "maps": maps,
    }
    return {**plain, **changes}


def run(*explanations: dict[str, Any], name: str = "runs/made") -> PageRun:
    """A run of one checkpoint."""
    return PageRun(name, [PageCheckpoint("00002500", explanations)])


def _plain_axis(axis: Axis) -> dict[str, Any]:
    words = [{"word": word, "pieces": list(places)} for word, places in axis.words]
    return {"pieces": list(axis.pieces), "words": words}
