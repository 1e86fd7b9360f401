"""Runs that are stopped, and what must be the same when they have gone on."""

import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from seq2seq.conformance.resume import MEASURED
from seq2seq.runs.run import Run
from seq2seq.training.trainer import Trainer

STEPS = 12
RANDOM = (  # all that draws, counts or remembers; a step is two of the four batches of an epoch
    "batching.sentences=2",
    f"training.max_steps={STEPS}",
    "training.validate_every=5",
    "training.accumulate=2",
    "training.log_every=3",
    "training.keep=2",
    "training.average=2",
    "training.metric=loss",  # which falls: the first checkpoint is not the best, and is removed
    "training.schedule=plateau",
    "training.schedule.patience=0",
    "training.teacher_forcing=linear",
    "training.teacher_forcing.steps=20",
    "training.teacher_forcing.next=sample",
    "model.dropout=0.2",
    "model.dropouts.word=0.1",
    "data.subword_sampling=0.2",
)


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_time(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if name not in MEASURED
    }


def metrics(run: Run) -> list[dict[str, Any]]:
    return [without_time(record) for record in run.read_metrics()]


def assert_same(run: Run, whole: Run, *, aside: Sequence[str] = ()) -> None:
    """Assert that two runs are one but for times; `run` may have renamed some checkpoints."""
    assert metrics(run) == metrics(whole)
    assert run.result is not None
    assert whole.result is not None
    assert without_time(run.result) == without_time(whole.result)
    paths = [sorted((r.folder / "checkpoints").iterdir()) for r in (run, whole)]
    for name in aside:
        paths[0].remove(run.folder / "checkpoints" / f"{name}.aside-1")
    assert [path.name for path in paths[0]] == [path.name for path in paths[1]]
    folders = [[path for path in found if path.is_dir()] for found in paths]
    for ours, theirs in zip(*folders, strict=True):
        weights = "model.safetensors"
        assert (ours / weights).read_bytes() == (theirs / weights).read_bytes()
    for ours, theirs in zip(run.checkpoints(), whole.checkpoints(), strict=True):
        assert without_time(ours.state) == without_time(theirs.state)
        torch.testing.assert_close(ours.trainer_tensors(), theirs.trainer_tensors(), rtol=0, atol=0)
    for link in ("best", "last"):
        assert os.readlink(run.folder / link) == os.readlink(whole.folder / link)


def signal_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Trainer.update

    def update_and_signal(trainer: Trainer) -> None:
        plain(trainer)
        if trainer.progress.step == step:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Trainer, "update", update_and_signal)
