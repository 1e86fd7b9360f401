"""Every moment belongs to one stage, on a clock that goes by ones."""

from __future__ import annotations

import time
from itertools import count

import pytest
import torch

from seq2seq.bench.stopwatch import Stopwatch, watched
from seq2seq.config import ModelConfig
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.training.teacher_forcing import argmax

CPU = torch.device("cpu")
IDS = torch.tensor([[4, 5, 6], [7, 8, 9]])
LENGTHS = torch.tensor([3, 2])


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))


def model() -> Seq2Seq:
    config = {"embedding": 4, "encoder": {"size": 4}, "decoder": {"size": 4}}
    return Seq2Seq(ModelConfig.model_validate(config), 10, 10)


def test_a_stage_inside_another_is_not_counted_twice() -> None:
    watch = Stopwatch(CPU)
    watch.switch("decoder")
    watch.enter("attention")
    watch.leave()
    watch.enter("attention")
    watch.leave()
    watch.switch("backward")
    watch.stop()
    assert watch.seconds() == {"decoder": 3, "attention": 2, "backward": 1}


def test_time_between_stop_and_the_next_stage_is_nobodys() -> None:
    watch = Stopwatch(CPU)
    for _ in range(2):
        watch.switch("data")
        watch.stop()
    assert watch.seconds() == {"data": 2}


def test_nothing_watched_takes_no_time() -> None:
    watch = Stopwatch(CPU)
    watch.stop()
    assert watch.seconds() == {}


def test_the_forward_of_a_model_is_told_by_stages() -> None:
    network, watch = model(), Stopwatch(CPU)
    watch.switch("data")
    with watched(network, watch):
        network.output(network(IDS, LENGTHS, IDS).features_BTF)
    watch.stop()
    # Three steps of attention; the output layer within what follows the model.
    assert watch.seconds() == {
        "data": 1, "encoder": 1, "decoder": 4, "attention": 3, "output": 3
    }  # fmt: skip


def test_an_output_layer_between_the_steps_is_told_apart() -> None:
    network, watch = model(), Stopwatch(CPU)
    forcing = TeacherForcing(torch.zeros(2, 3, dtype=torch.bool), argmax)
    watch.switch("data")
    with watched(network, watch):
        network(IDS, LENGTHS, IDS, forcing)
    watch.stop()
    assert watch.seconds() == {
        "data": 1, "encoder": 1, "decoder": 7, "attention": 3, "output": 4
    }  # fmt: skip


def test_a_model_is_not_watched_any_more_afterwards() -> None:
    network, watch = model(), Stopwatch(CPU)
    with pytest.raises(ZeroDivisionError), watched(network, watch):
        raise ZeroDivisionError
    network(IDS, LENGTHS, IDS)
    assert watch.seconds() == {}
