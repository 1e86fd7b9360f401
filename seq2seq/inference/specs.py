"""Interventions from text: what `--attention SPEC` may say."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.data.text import clean_source
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError, did_you_mean
from seq2seq.inference.interventions import (
    Everywhere,
    HandSet,
    Intervention,
    Matrix,
    Reweighting,
    WithoutWord,
    hard,
    sharpen,
    shift,
    shuffle,
    uniform,
)
from seq2seq.machine.input import check_file, parse_json, read_text

_FURTHEST = 2**31  # further than any sentence is long, and no more than an int64 can be added to

SPECS = "uniform, shuffle, hard, shift=N, temperature=T, mask=WORD or a .json or .npy file"


def parse_intervention(spec: str, tokenizers: Tokenizers, *, seed: int = 1) -> Intervention:
    """Return what `spec` names: one of `SPECS`; `seed` is that of shuffle.

    A .npy file holds an array, a row a target piece, a column a source piece. A .json file is what
    `explain --json` prints (of several heads the mean) or `translate --json`, or any object with
    `attention`: a row a target word of its `text`, a column a source word; without `text` a row a
    target piece. The end of the source, where the model reads one, has a column too; where rows
    end, the model's own weights go on. Raises UserError.
    """
    name, _, value = spec.partition("=")
    plain: dict[str, Reweighting] = {
        "uniform": uniform,
        "shuffle": partial(shuffle, seed=seed),
        "hard": hard,
    }
    valued: dict[str, Callable[[], Intervention]] = {
        "shift": lambda: Everywhere(
            spec, partial(shift, positions=_whole(spec, value)), subject="source"
        ),
        "temperature": lambda: Everywhere(
            spec, partial(sharpen, temperature=_positive(spec, value))
        ),
        "mask": lambda: WithoutWord(spec, clean_source(value)),
    }
    if spec in plain:
        return Everywhere(spec, plain[spec])
    if name in plain:
        raise UserError(f"attention: {name} takes no value, found {spec!r}")
    if name in valued:
        if not value:
            raise UserError(f"attention: expected {_example(name)}, found {spec!r}")
        return valued[name]()
    if Path(spec).suffix in (".json", ".npy"):
        return _read_matrix(spec, tokenizers)
    hint = did_you_mean(name, [*plain, *valued])
    raise UserError(f"attention: expected {SPECS}, found {spec!r}{hint}")


def _example(name: str) -> str:
    return next(one for one in SPECS.replace(" or", ",").split(", ") if one.startswith(name))


def _whole(spec: str, value: str) -> int:
    try:
        return max(-_FURTHEST, min(int(value), _FURTHEST))
    except ValueError:
        raise UserError(
            f"attention: expected a whole number of positions, like shift=1, found {spec!r}"
        ) from None


def _positive(spec: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise UserError(
            f"attention: expected a number above 0, like temperature=0.5, found {spec!r}"
        )
    return number


def _read_matrix(spec: str, tokenizers: Tokenizers) -> HandSet:
    path = Path(spec)
    check_file(path)
    try:
        if path.suffix == ".npy":
            return HandSet(spec, _checked(spec, np.load(path, allow_pickle=False)), by_word=False)
        return _read_json(spec, parse_json(read_text(path)), tokenizers)
    except OSError as error:
        raise UserError(f"{spec}: cannot be read: {error.strerror or error}") from None
    except UserError:
        raise
    except Exception as error:  # a damaged header or archive raises almost anything
        raise UserError(f"{spec}: not a matrix of weights: {error}") from None


def _read_json(spec: str, found: Any, tokenizers: Tokenizers) -> HandSet:
    if isinstance(found, dict) and isinstance(found.get("weights"), list):
        heads = [_checked(spec, weights) for weights in found["weights"]]
        if not heads or len({weights.shape for weights in heads}) > 1:
            raise UserError(f"{spec}: expected `weights` of one shape for every head")
        return HandSet(spec, np.mean(heads, 0), by_word=False)
    if isinstance(found, dict) and isinstance(found.get("hypotheses"), list):
        found = next(iter(found["hypotheses"]), None)
    if not isinstance(found, dict) or "attention" not in found:
        raise UserError(
            f"{spec}: expected what translate --json or explain --json prints, or an object with "
            "`attention`, a row a target word"
        )
    given_IJ = _checked(spec, found["attention"])
    if "text" not in found:
        return HandSet(spec, given_IJ, by_word=True)
    return HandSet(spec, _by_piece(spec, given_IJ, str(found["text"]), tokenizers), by_word=True)


def _by_piece(spec: str, given_IJ: Matrix, text: str, tokenizers: Tokenizers) -> Matrix:
    """given_RJ, the row of each word of `text` for each of its pieces."""
    ids = tokenizers.target.encode(text)
    words = tokenizers.target.target_words(ids)
    if len(words) != len(given_IJ):
        raise UserError(
            f"{spec}: expected {len(words)} rows, one for each of the words of {text!r}, "
            f"found {len(given_IJ)}"
        )
    given_RJ = np.zeros((len(ids), given_IJ.shape[1]))
    for word, row_J in zip(words, given_IJ, strict=True):
        given_RJ[list(word.pieces)] = row_J
    return given_RJ


def _checked(spec: str, values: Any) -> Matrix:
    try:
        given = np.asarray(values).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError):
        raise UserError(f"{spec}: expected rows of numbers, as many in each") from None
    if given.ndim != 2 or not given.size:
        raise UserError(f"{spec}: expected rows and columns of weights, found shape {given.shape}")
    bad = given[~(np.isfinite(given) & (given >= 0))]
    if bad.size:
        raise UserError(f"{spec}: expected weights of 0 or more, found {bad[0]:g} among them")
    return given
