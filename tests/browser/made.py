"""Explanations made up for looking at: any words, any weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import WordPieces
from seq2seq.explain.page import PageCheckpoint, PageRun

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


def explanation(
    source: Words,
    target: Words,
    weights: npt.NDArray[np.float64] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """An explanation as `Explanation.as_dict` writes it; the last row is the end's."""
    source_pieces, target_pieces = pieces(source), [*pieces(target), "</s>"]
    if weights is None:
        weights = random_weights(1, len(target_pieces), len(source_pieces))
    plain = {
        "format": 1,
        "model": "runs/made",
        "checkpoint": "00002500",
        "attention": "additive",
        "addressing": "softmax",
        "source": " ".join("".join(word) for word in source),
        "translation": " ".join("".join(word) for word in target),
        "log_probs": [-0.25] * len(target_pieces),
        "source_pieces": source_pieces,
        "target_pieces": target_pieces,
        "source_words": [_plain(word) for word in word_pieces(source)],
        "target_words": [_plain(word) for word in word_pieces(target)],
        "weights": weights.tolist(),
        "self_weights": None,
    }
    return {**plain, **changes}


def run(*explanations: dict[str, Any], name: str = "runs/made") -> PageRun:
    """A run of one checkpoint."""
    return PageRun(name, [PageCheckpoint("00002500", explanations)])


def _plain(word: WordPieces) -> dict[str, Any]:
    return {"word": word.word, "pieces": list(word.pieces)}
