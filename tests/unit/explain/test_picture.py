"""The heat map: its cells and labels, and what its files hold."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError
from seq2seq.explain import Explanation, explain
from seq2seq.explain.view import View
from tests.unit.explain.tiny import TEXT, article, translator

pytest.importorskip("matplotlib", reason="needs the extra: plots")

from seq2seq.explain import picture


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def in_script(words: list[str], **changed: Any) -> Explanation:
    """The article's picture with other source words."""
    named = [WordPieces(word, (i,)) for i, word in enumerate(words)]
    return article(source=" ".join(words), source_words=named, **changed)


def numbers(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def weights(ax: Any) -> Any:
    (mesh,) = ax.collections
    return mesh.get_array().ravel()


def labels(axis: Any) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def test_it_has_words_on_its_axes_and_weights_in_its_cells() -> None:
    (ax,) = picture.heat_map(article()).axes
    assert labels(ax.xaxis) == ["I", "love", "you"]
    assert labels(ax.yaxis) == ["je", "t'", "aime"]
    assert numbers(ax) == [".94", ".02", ".04", ".11", ".01", ".88", ".03", ".95", ".02"]
    np.testing.assert_array_equal(weights(ax), article().matrix_NJ().ravel())
    assert ax.collections[0].get_clim() == (0, 1)
    assert ax.yaxis_inverted()  # the first target word on top, as in the table


def test_a_head_and_pieces_can_be_chosen() -> None:
    seen = explain(translator({"kind": "multihead", "size": 6, "heads": 3}), TEXT)
    (ax,) = picture.heat_map(seen, View(head=2, pieces=True)).axes
    assert labels(ax.xaxis) == seen.source_labels
    assert labels(ax.yaxis) == seen.target_labels
    np.testing.assert_array_equal(weights(ax), seen.weights_HTS[2].ravel())
    assert ax.get_xlabel() == "decoder.source: multihead attention, head 3"
    (ax,) = picture.heat_map(seen).axes
    assert ax.get_xlabel() == "decoder.source: multihead attention, mean of 3 heads"


def test_self_attention_stands_beside_it() -> None:
    _, ax = picture.heat_map(explain(translator(self_attention="dot"), "the cat")).axes
    assert labels(ax.xaxis) == labels(ax.yaxis) == ["the", "cat", "</s>"]


def test_many_cells_have_no_numbers() -> None:
    words = [f"w{i}" for i in range(30)]
    weights = np.full((1, 3, 30), 1 / 30)
    (ax,) = picture.heat_map(in_script(words, weights_HTS=weights)).axes
    assert numbers(ax) == []


def test_a_file_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        picture.save(article(), tmp_path / f"{name}.png")
    one, two = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.startswith(b"\x89PNG")


def test_a_dollar_is_no_formula(tmp_path: Path) -> None:
    picture.save(in_script(["$5", "or", "$\\bad"]), tmp_path / "x.png")


def test_characters_that_no_font_has_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unassigned = "\u0378"
    with caplog.at_level(logging.WARNING):
        picture.save(in_script(["a", f"b{unassigned}", unassigned]), tmp_path / "x.png")
    assert caplog.messages == [f"picture: no font that matplotlib finds has {unassigned}"]


@pytest.mark.parametrize("shapes", [True, False])
def test_right_to_left_words_are_warned_of_where_they_come_out_wrong(
    shapes: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "_SHAPES", shapes)
    picture.save(in_script(["שלום", "a", "b"]), tmp_path / "x.png")
    assert len(caplog.messages) == (0 if shapes else 1)
    picture.save(in_script(["c", "a", "b"]), tmp_path / "x.png")
    assert len(caplog.messages) == (0 if shapes else 1)


@pytest.mark.parametrize(("unit", "text"), [("general", ""), ("none", TEXT)])
def test_nothing_to_draw_is_said(unit: str, text: str) -> None:
    with pytest.raises(UserError, match=r"picture: expected \w+ to draw, found a"):
        picture.heat_map(explain(translator(unit), text))
