"""The recipes of configs/systems, each made small enough to train in a second."""

from pathlib import Path

import pytest

from seq2seq.config import Config, load_config
from tests.integration.tiny import EIGHT, write_corpus

RECIPES = sorted((Path(__file__).parents[2] / "configs" / "systems").glob("*.yaml"))
SMALL = (
    "tokenizer.vocab_size=90",
    "batching.sentences=4",
    "model.embedding=8",
    "model.dropout=0.1",
    "model.encoder.size=8",
    "model.decoder.size=8",
    "training.schedule=constant",
    "training.samples=0",
)
every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)


def small(
    recipe: Path, folder: Path, *overrides: str, steps: int = 6, device: str = "cpu"
) -> Config:
    corpus = write_corpus(folder, "eight", EIGHT)
    data = (f"data.train={corpus}", f"data.valid={corpus}", "data.test=null")
    length = (f"training.max_steps={steps}", f"training.validate_every={steps // 2}")
    return load_config(recipe, [*SMALL, *data, *length, f"training.device={device}", *overrides])
