"""A run of a tiny model, and ways to fill it."""

import json
from pathlib import Path

import pytest
import torch

from seq2seq.config import TokenizerConfig, load_config
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.run import Run

SMALL = (
    "model.embedding=4",
    "model.encoder.size=3",
    "model.decoder.size=6",
    "model.attention.size=5",
)
STATE = {"step": 5, "position": [0, 2], "note": "é"}


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    return train_tokenizers(["the cat"], ["le chat"], TokenizerConfig(vocab_size=15))


def made(folder: Path, tokenizers: Tokenizers, *overrides: str) -> Run:
    config = load_config(None, [*SMALL, *overrides])
    return Run.create(folder, config, tokenizers, {"train": {"kept": 1}})


@pytest.fixture
def run(tmp_path: Path, tokenizers: Tokenizers) -> Run:
    return made(tmp_path / "run", tokenizers)


def randomised(run: Run, seed: int) -> Seq2Seq:
    torch.manual_seed(seed)
    model = run.build_model()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def saved(run: Run, *steps: int) -> None:
    for step in steps:
        run.save(step, randomised(run, step), {"optimizer": {}}, {**STATE, "step": step})


def names(run: Run) -> list[str]:
    return [checkpoint.folder.name for checkpoint in run.checkpoints()]


def unsealed(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint as an older version wrote it: without checksums, which would tell first."""
    (checkpoint.folder / "state.json").write_text(json.dumps(checkpoint.state))
    return checkpoint
