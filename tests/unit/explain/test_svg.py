"""The heat map in SVG: its cells and labels, of any script, without matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, parse

import numpy as np
import pytest

from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError
from seq2seq.explain import Explanation, explain, svg
from seq2seq.explain.export import write
from seq2seq.explain.view import View
from tests.unit.explain.tiny import TEXT, article, translator

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def in_script(words: list[str], **changed: Any) -> Explanation:
    """The article's picture with other source words."""
    named = [WordPieces(word, (i,)) for i, word in enumerate(words)]
    return article(source=" ".join(words), source_words=named, **changed)


def drawn(explanation: Explanation, folder: Path, view: View | None = None) -> Element:
    svg.save(explanation, folder / "x.svg", view or View())
    return parse(folder / "x.svg").getroot()


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def cells(root: Element) -> list[Element]:
    return [rect for rect in root.iter(f"{SVG}rect") if rect.get("stroke")]


def test_it_has_words_on_its_sides_and_weights_in_its_cells(tmp_path: Path) -> None:
    root = drawn(article(), tmp_path)
    found = texts(root)
    assert found[:2] == ["I love you", "je t'aime"]
    assert found[2:8] == ["I", "love", "you", "je", "t'", "aime"]
    assert found[8:-1] == [".94", ".02", ".04", ".11", ".01", ".88", ".03", ".95", ".02"]
    assert found[-1] == "decoder.source: dot attention"
    told = [cell.findtext(f"{SVG}title") for cell in cells(root)]
    assert told[:2] == ["je <- I: 0.940", "je <- love: 0.020"]


def test_a_greater_weight_is_darker_and_each_row_lies_below_the_one_before(tmp_path: Path) -> None:
    found = cells(drawn(article(), tmp_path))
    weights = article().matrix_NJ().ravel()
    shades = [int((cell.get("fill") or "")[1:3], 16) for cell in found]
    order = np.argsort(weights, kind="stable")
    assert [shades[i] for i in order] == sorted(shades, reverse=True)
    rows = [float(cell.get("y") or "") for cell in found[::3]]
    assert rows == sorted(rows)
    assert [cell.get("y") for cell in found[:3]] == [found[0].get("y")] * 3


def test_a_head_and_pieces_can_be_chosen(tmp_path: Path) -> None:
    seen = explain(translator({"kind": "multihead", "size": 6, "heads": 3}), TEXT)
    found = texts(drawn(seen, tmp_path, View(head=2, pieces=True)))
    assert set(seen.source_labels + seen.target_labels) <= set(found)
    assert found[-1] == "decoder.source: multihead attention, head 3"
    assert (
        texts(drawn(seen, tmp_path))[-1] == "decoder.source: multihead attention, mean of 3 heads"
    )


def test_self_attention_stands_beside_it(tmp_path: Path) -> None:
    found = texts(drawn(explain(translator(self_attention="dot"), "the cat"), tmp_path))
    assert found[-1] == "encoder.self: dot attention"
    assert found.count("cat") == 3  # above, above the other, and beside it


def test_nothing_overhangs_the_edge_and_panels_do_not_overlap(tmp_path: Path) -> None:
    root = drawn(explain(translator(self_attention="dot"), "a black cat eats here"), tmp_path)
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    seen = set()
    for cell in cells(root):
        x, y, side = (float(cell.get(name) or "nan") for name in ("x", "y", "width"))
        assert 0 <= x <= width - side
        assert 0 <= y <= height - side
        seen.add((x, y))
    assert len(seen) == len(cells(root))


def test_words_of_every_script_are_text(tmp_path: Path) -> None:
    words = ["أحبك", "我爱", "$x$", "नमस्ते", "<b>&amp;", "👩‍🚀"]
    weights = np.full((1, 3, 6), 1 / 6)
    pieces = ["▁a"] * 6
    found = texts(drawn(in_script(words, weights_HTS=weights, source_pieces=pieces), tmp_path))
    assert set(words) <= set(found)


def test_what_xml_does_not_allow_is_replaced(tmp_path: Path) -> None:
    found = texts(drawn(in_script(["a\x00b", "\ud800", "c\x1b"]), tmp_path))
    assert {"a\ufffdb", "\ufffd", "c\ufffd"} <= set(found)


def test_a_file_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        svg.save(article(), tmp_path / f"{name}.svg")
    one, two = ((tmp_path / f"{name}.svg").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.startswith(b"<?xml")


def test_many_cells_have_no_numbers(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(30)]
    weights = np.full((1, 3, 30), 1 / 30)
    found = texts(drawn(in_script(words, weights_HTS=weights), tmp_path))
    assert not any(text.startswith(".") for text in found)


def test_it_is_what_the_ending_asks_for(tmp_path: Path) -> None:
    write([article()], tmp_path / "x.SVG")
    assert texts(parse(tmp_path / "x.SVG").getroot())[2] == "I"


@pytest.mark.parametrize(("unit", "text"), [("general", ""), ("none", TEXT)])
def test_nothing_to_draw_is_said(unit: str, text: str) -> None:
    with pytest.raises(UserError, match=r"picture: expected \w+ to draw, found a"):
        svg.drawing(explain(translator(unit), text))
