"""Training on the device: it is never waited for, and what it saves the CPU can use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.inference.translator import load
from seq2seq.model.attention import ATTENTIONS
from seq2seq.model.decoders import DECODERS
from seq2seq.pipeline import train
from seq2seq.training.trainer import Trainer
from tests.gpu.conftest import NoWaiting
from tests.integration.recipes import every_recipe, small
from tests.integration.tiny import BY_HEART, EIGHT, tiny

pytestmark = pytest.mark.gpu

SETTINGS = [
    *([f"model.attention.kind={kind}"] for kind in ATTENTIONS),
    *([f"model.decoder.kind={kind}"] for kind in DECODERS),
    ["model.decoder.kind=luong", "model.decoder.input_feeding=true"],
    ["model.attention.addressing=sparsemax"],
    ["model.attention.addressing=local-m"],
    ["model.attention.addressing=local-p"],
    ["model.attention.addressing=gumbel"],
    ["model.attention.addressing=ntm"],
    ["training.precision=bf16", "model.dropout=0.3", "training.accumulate=2"],
    ["training.optimizer=adamw", "training.label_smoothing=0.2", "model.encoder.layers=2"],
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
def test_no_step_waits_for_the_device(
    settings: list[str],
    tmp_path: Path,
    device: torch.device,
    no_waiting: NoWaiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = watch_updates(no_waiting, monkeypatch)
    train(tiny(tmp_path, f"training.device={device}", *settings), tmp_path / "run")
    assert taken == [1, 2, 3, 4, 5, 6]


@every_recipe
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_step_of_a_system_waits_and_the_cpu_translates_as_the_device(
    recipe: Path,
    precision: str,
    tmp_path: Path,
    device: torch.device,
    no_waiting: NoWaiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = watch_updates(no_waiting, monkeypatch)
    config = small(recipe, tmp_path, f"training.precision={precision}", device=str(device))
    train(config, tmp_path / "run")
    assert taken == [1, 2, 3, 4, 5, 6]
    texts = [source for source, _ in EIGHT]
    here, there = (
        load(tmp_path / "run", device=name).translate(texts) for name in ("cpu", str(device))
    )
    assert [each.text for each in here] == [each.text for each in there]
    for mine, theirs in zip(here, there, strict=True):
        assert mine.score == pytest.approx(theirs.score, rel=1e-3, abs=1e-3)


def watch_updates(no_waiting: NoWaiting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Forbid updates to wait for the device; return the list to which each adds its step."""
    update, taken = Trainer.update, []

    def watched(trainer: Trainer) -> None:
        with no_waiting():
            update(trainer)
        taken.append(trainer.progress.step)

    monkeypatch.setattr(Trainer, "update", watched)
    return taken


def test_a_model_of_the_device_translates_on_the_cpu(tmp_path: Path, device: torch.device) -> None:
    train(tiny(tmp_path, f"training.device={device}", *BY_HEART), tmp_path / "run")
    texts = [source for source, _ in EIGHT]
    found: dict[str, Any] = {}
    for name in (str(device), "cpu"):
        translations = load(tmp_path / "run", device=name).translate(texts)
        found[name] = [translation.text for translation in translations]
    assert found["cpu"] == found[str(device)] == [target for _, target in EIGHT]


@pytest.mark.parametrize("before", ["device", "cpu"])
def test_a_run_goes_on_across_devices(before: str, tmp_path: Path, device: torch.device) -> None:
    """Six steps, the last three of them elsewhere, lead where six in one place lead."""
    places = [str(device), "cpu"] if before == "device" else ["cpu", str(device)]
    for place, steps in zip(places, (3, 6), strict=True):
        config = tiny(tmp_path, f"training.device={place}", f"training.max_steps={steps}")
        run = train(config, tmp_path / "moved", resume=True)
    whole = train(tiny(tmp_path, "training.device=cpu"), tmp_path / "whole")
    expected = whole.load_model("last").state_dict()
    torch.testing.assert_close(run.load_model("last").state_dict(), expected, rtol=1e-3, atol=1e-4)
