"""Files of explanations: what is in them, and what can't be written."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from seq2seq.errors import UserError
from seq2seq.explain import Explanation, explain
from seq2seq.explain.export import WRITERS, check, write
from seq2seq.explain.view import View
from tests.unit.explain.tiny import TEXT, article, translator


def test_json_is_the_object_or_a_list_of_several(tmp_path: Path) -> None:
    one, blank = article(), explain(translator(), " ")
    write([one], tmp_path / "one.json")
    write([one, blank], tmp_path / "two.JSON")
    assert json.loads((tmp_path / "one.json").read_text("utf-8")) == one.as_dict()
    assert json.loads((tmp_path / "two.JSON").read_text("utf-8")) == [
        one.as_dict(),
        blank.as_dict(),
    ]


@pytest.mark.parametrize("unit", ["general", "none"])
def test_npz_holds_every_tensor_under_its_name_and_no_pickle(unit: str, tmp_path: Path) -> None:
    seen = explain(translator(unit, self_attention="dot"), TEXT)
    write([seen], tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz", allow_pickle=False) as arrays:
        for item in fields(seen):
            value = getattr(seen, item.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(arrays[item.name], value)
        for one in seen.maps:
            np.testing.assert_array_equal(arrays[f"{one.place}/values_NXY"], one.values_NXY)
        np.testing.assert_array_equal(arrays["word_weights_NJ"], seen.matrix_NJ())
        assert arrays["source"] == TEXT
        assert arrays["source_pieces"].tolist() == seen.source_pieces
        assert arrays["target_words"].tolist() == [word.word for word in seen.target_words]
        assert "encoder.self/scores_NXY" in arrays


def test_npz_has_a_folder_a_sentence(tmp_path: Path) -> None:
    model = translator()
    seen = [explain(model, text) for text in ("cat", "", "the dog")]
    write(seen, tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz", allow_pickle=False) as arrays:
        assert {name.partition("/")[0] for name in arrays} == {"1", "2", "3"}
        np.testing.assert_array_equal(arrays["3/scores_HTS"], seen[2].scores_HTS)
        assert arrays["2/weights_HTS"].shape == (1, 0, 0)


def test_a_file_that_could_not_be_completed_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    path.write_text("old")
    with pytest.raises(UserError, match="blank text"):
        write([explain(translator(), "")], path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.svg"]
    assert path.read_text() == "old"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("real.json")
    write([article()], tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["format"] == 1


def test_a_writer_is_told_what_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, str, View]] = []

    def note(explanations: Sequence[Explanation], path: Path, view: View) -> None:
        told.append((len(explanations), path.suffix, view))
        path.touch()

    monkeypatch.setitem(WRITERS, ".txt", note)
    write([article()], tmp_path / "x.txt", View(2, True))
    assert told == [(1, ".txt", View(head=2, pieces=True))]
    assert (tmp_path / "x.txt").exists()


@pytest.mark.parametrize(
    ("name", "sentences", "line"),
    [
        ("x.jpg", 1, r"x\.jpg: expected a name that ends in \.json, .*, found 'x\.jpg'.*"),
        ("x", 1, r"x: expected a name that ends in \.json, .*, found 'x'"),
        ("x.jsn", 1, r".* \(did you mean '\.json'\?\)"),
        ("no/x.json", 1, r"no/x\.json: no such folder to write to: no"),
        ("d.npz", 1, r"d\.npz: expected a file to write, found a folder"),
        ("x.png", 2, r"x\.png: a picture shows one sentence, found 2"),
        ("x.svg", 0, r"x\.svg: a picture shows one sentence, found 0"),
    ],
)
def test_what_can_not_be_written_is_refused_before(
    name: str, sentences: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.npz").mkdir()
    with pytest.raises(UserError, match=f"^{line}$"):
        check(Path(name), sentences)


def test_a_picture_without_matplotlib_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        UserError, match=r"x\.png: needs matplotlib: pip install 'seq2seq-attention\[plots\]'"
    ):
        check(Path("x.png"), 1)
    check(Path("x.json"), 1)
    check(Path("x.svg"), 1)
