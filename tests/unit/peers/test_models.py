"""Models that are compared write sentences of like length."""

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import bench_peers
from scripts.bench_peers import Bench, Turn
from scripts.peers.system import Search, Training, Translated
from seq2seq.errors import UserError


class Learner:
    """A system whose translations have these tokens a sentence after so many updates."""

    name = "learner"
    trains = True

    def __init__(self, lengths: dict[int, int]) -> None:
        self.lengths = lengths

    def train(self, training: Training) -> Any:
        return training

    def translate(self, model: Training, search: Search, part: str) -> Any:
        return model

    def translated(self, model: Training, done: Any) -> Translated:
        return Translated(2 * self.lengths[model.updates], 1.0)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Two references of ten tokens, and models that train at once."""
    work = SimpleNamespace(
        target_lengths=lambda _: [9, 11], prepared=SimpleNamespace(folder=tmp_path)
    )
    options = Namespace(home=tmp_path, learnt=5, sentences=2)

    def run(job: Training, _: Path) -> None:
        job.folder.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(bench_peers, "run", run)
    return Bench(options, work)  # type: ignore[arg-type]  # what is asked of them is there


def turn(lengths: dict[int, int], setting: str = "additive") -> Turn:
    return Turn(Learner(lengths), setting, "", 64, 1)  # type: ignore[arg-type]  # as above


def test_a_model_trains_until_its_translations_are_as_long_as_the_references(bench: Bench) -> None:
    model = bench._model(turn({5: 84, 10: 3, 20: 11}, "additive-bf16"))
    assert model.updates == 20
    assert model.setting == "additive"


def test_a_model_that_never_writes_as_much_is_refused(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"learner: .* 84.0 tokens after 80 updates, .* 10.0"):
        bench._model(turn(dict.fromkeys((5, 10, 20, 40, 80), 84)))
