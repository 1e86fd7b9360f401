"""A model whose weights are not finite is refused wherever a model is read, by file and name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import seq2seq
from seq2seq.errors import UserError
from seq2seq.export.folder import export
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from tests.integration.tiny import EIGHT, tiny
from tests.unit.runs.conftest import unsealed

SOURCES, REFERENCES = map(list, zip(*EIGHT, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and a copy of it that an older version may have left: its weights hold NaN."""
    folder = tmp_path_factory.mktemp("numbers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        run = train(tiny(folder), folder / "good")
    shutil.copytree(run.folder, folder / "bad", symlinks=True)
    for checkpoint in Run.open(folder / "bad").checkpoints():
        path = unsealed(checkpoint).folder / "model.safetensors"
        weights = load_file(path)
        weights["output.bias"][3] = torch.nan
        save_file(weights, path)
    return folder


def tune(folder: Path) -> None:
    train(tiny(folder, f"init={folder / 'bad'}"), folder / "tuned")


USES: dict[str, Callable[[Path], Any]] = {
    "translate": lambda folder: seq2seq.load(folder / "bad").translate("the cat"),
    "ensemble": lambda folder: seq2seq.load(folder / "good", folder / "bad"),
    "evaluate": lambda folder: seq2seq.evaluate(folder / "bad", SOURCES, REFERENCES),
    "explain": lambda folder: seq2seq.explain(folder / "bad", "the cat"),
    "export": lambda folder: export(Run.open(folder / "bad"), folder / "exported"),
    "average": lambda folder: Run.open(folder / "bad").save_average(
        Run.open(folder / "bad").checkpoints()
    ),
    "fine-tune": tune,
    "resume": lambda folder: train(
        tiny(folder, "training.max_steps=9"), folder / "bad", resume=True
    ),
}


@pytest.mark.parametrize("use", USES)
def test_weights_that_are_not_finite_are_refused_by_file_and_name(
    use: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
    said = r"bad/.*model\.safetensors: cannot be used: output\.bias holds nan, where every number"
    with pytest.raises(UserError, match=said) as raised:
        USES[use](folder)
    assert "\n" not in str(raised.value)
    assert not (folder / "exported").exists()
