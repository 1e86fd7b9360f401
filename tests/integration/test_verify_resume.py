"""`verify-resume`: kills that are real (SIGKILL), and what is compared after them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq.config import dump_config
from seq2seq.conformance.resume import compare
from seq2seq.pipeline import train
from tests.integration.conftest import Command
from tests.integration.stopping import RANDOM
from tests.integration.tiny import tiny


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


def recipe(folder: Path, *settings: str) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(dump_config(tiny(folder, *RANDOM, *settings)))
    return path


def test_a_training_killed_three_times_is_the_one_that_was_not(
    tmp_path: Path, command: Command
) -> None:
    path = recipe(tmp_path, "training.threads=1")
    status, out, error = command("verify-resume", "--config", str(path), "--kills", "3", "--json")
    assert (status, error) == (0, "")
    proof = json.loads(out)
    assert proof["differences"] == []
    assert 1 <= len(proof["kills"]) <= 3
    assert proof["compared"]["checkpoints"] == 2
    assert proof["compared"]["metrics"] >= 15


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "processes", "kills"),
    [
        (("training.threads=1", "training.max_steps=60", "training.keep=3"), 1, 20),
        (("training.threads=2", "training.max_steps=60"), 1, 10),
        (("training.threads=1", "training.max_steps=30"), 2, 10),
        (("training.threads=1", "training.max_steps=60", "model.decoder.kind=bahdanau"), 1, 10),
    ],
    ids=["one thread", "two threads", "two processes", "another decoder"],
)
def test_fifty_kills_lose_nothing(
    settings: tuple[str, ...], processes: int, kills: int, tmp_path: Path, command: Command
) -> None:
    path = recipe(tmp_path, *settings)
    options = ["--kills", str(kills), "--processes", str(processes), "--json"]
    status, out, _ = command("verify-resume", "--config", str(path), *options)
    assert status == 0, out


def test_every_kind_of_difference_is_told(tmp_path: Path) -> None:
    one, other = (
        train(tiny(tmp_path, f"training.optimizer.lr={rate}"), tmp_path / rate)
        for rate in ("0.01", "0.02")
    )
    compared, found = compare(one, one)
    assert found == []
    assert compared["tensors"] > 20
    _, found = compare(one, other)
    kinds = {line.split(":")[0].split("/")[-1] for line in found}
    assert {"metrics.jsonl", "result.json", "state.json"} <= kinds
    assert any(".weight differs" in line for line in found)
    assert any("exp_avg differs" in line for line in found)
