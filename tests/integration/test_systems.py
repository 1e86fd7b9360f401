"""Every recipe of configs/systems, made small: it trains, resumes, translates, and is exported."""

from __future__ import annotations

import math
import resource
from pathlib import Path

import numpy as np
import pytest

import seq2seq
from seq2seq.errors import UserError
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from seq2seq.training.trainer import Trainer
from tests.integration.recipes import every_recipe, small
from tests.integration.stopping import assert_same, signal_after
from tests.integration.tiny import EIGHT


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


@every_recipe
def test_it_resumes_as_if_it_had_not_been_stopped_and_translates(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(recipe, tmp_path)
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        signal_after(4, patch)
        train(config, tmp_path / "stopped")
    run = train(config, tmp_path / "stopped", resume=True)
    assert_same(run, whole)
    assert_translates(whole)


def assert_translates(run: Run) -> None:
    """With one row of weights a word, alone as in a batch."""
    translator = seq2seq.load(run.folder, device="cpu")
    texts = [source for source, _ in EIGHT]
    together = translator.translate(texts, beam=3)
    for text, found in zip(texts, together, strict=True):
        alone = translator.translate(text, beam=3)
        assert found.text == alone.text
        assert found.score == pytest.approx(alone.score, abs=1e-4)
        if found.words:
            assert np.allclose(np.asarray(found.attention).sum(-1), 1, atol=1e-4)


@every_recipe
def test_it_is_exported_or_says_why_not(recipe: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra: onnx")
    from seq2seq.export.folder import export
    from seq2seq.export.translator import load

    run = train(small(recipe, tmp_path), tmp_path / "run")
    encoder = run.config.model.encoder
    if encoder.kind == "recurrent" and encoder.cell.kind not in ("gru", "lstm"):
        with pytest.raises(UserError, match=r"a loop over its words.*in the decoder only"):
            export(run, tmp_path / "exported")
        return
    export(run, tmp_path / "exported")
    texts = [source for source, _ in EIGHT]
    found = [translation.text for translation in load(tmp_path / "exported").translate(texts)]
    assert found == [t.text for t in seq2seq.load(run.folder, device="cpu").translate(texts)]


@pytest.mark.slow
@every_recipe
def test_2000_updates_give_finite_losses_in_memory_that_does_not_grow(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks: dict[int, int] = {}
    plain = Trainer.update

    def update_and_look(trainer: Trainer) -> None:
        plain(trainer)
        if trainer.progress.step in (500, 2000):
            peaks[trainer.progress.step] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    monkeypatch.setattr(Trainer, "update", update_and_look)
    config = small(recipe, tmp_path, "training.optimizer.lr=0.001", steps=2000)
    run = train(config, tmp_path / "run")
    assert run.result is not None
    assert math.isfinite(run.result["loss"])
    assert all(tensor.isfinite().all() for tensor in run.load_model().state_dict().values())
    assert peaks[2000] - peaks[500] < 20_000  # kB
