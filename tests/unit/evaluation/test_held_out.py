"""A test set, and the further references that lie beside it."""

import logging
from pathlib import Path

import pytest

from seq2seq.bundled import find_recipe
from seq2seq.config import load_config
from seq2seq.evaluation.held_out import open_held_out


@pytest.mark.parametrize("given", [False, True])
def test_references_beside_a_test_set_are_named_unless_they_are_given(
    given: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "test.en").write_text("Jump.\nI smoke.\n", encoding="utf-8")
    (tmp_path / "test.fr").write_text("Saute.\nJe fume.\n", encoding="utf-8")
    beside = tmp_path / "test.refs.jsonl"
    beside.write_text('{"fr": ["Saute.", "Sautez."]}\n{"fr": ["Je fume."]}\n', encoding="utf-8")
    config = load_config(find_recipe(Path("demo")))
    test = open_held_out(config, str(tmp_path / "test"), further=[beside] if given else [])
    assert test.references == [["Saute.", "Je fume."], *([["Sautez.", None]] if given else [])]
    assert (f"--reference {beside}" in caplog.text) != given
