"""Every moment belongs to one stage, on a clock that goes by ones."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.bench.stopwatch import STAGES, Stopwatch
from seq2seq.config import ModelConfig
from seq2seq.data.batching import Batch, collate
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.model.probe import scope, timing
from seq2seq.training.objective import Likelihood
from seq2seq.training.teacher_forcing import argmax
from seq2seq.training.update import Update

CPU = torch.device("cpu")
IDS = torch.tensor([[4, 5, 6], [7, 8, 9]])
LENGTHS = torch.tensor([3, 2])


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))


def model(kind: str = "bahdanau", **changes: Any) -> Seq2Seq:
    decoder = {"size": 4, "kind": kind, "input_feeding": kind == "luong"}
    config = {"embedding": 4, "dropout": 0, "encoder": {"size": 4}, "decoder": decoder}
    return Seq2Seq(ModelConfig.model_validate({**config, **changes}), 10, 10)


def batch() -> Batch:
    """Two sentences; the longer target has 4 steps, its end counted."""
    pairs = [([4, 5, 6], [7, 8, 9]), ([7, 8], [4])]
    return collate([(np.array(s), np.array(t)) for s, t in pairs], source_end=False)


def test_a_stage_inside_another_is_not_counted_twice() -> None:
    watch = Stopwatch(CPU)
    watch.switch("decoder")
    watch.enter("decoder.source")
    watch.leave()
    watch.enter("decoder.source")
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
    with timing(watch):
        features_BTF = network(IDS, LENGTHS, IDS).features_BTF
        with scope("output"):
            network.output(features_BTF)
    watch.stop()
    # Keys and three steps of attention; what is between the scopes is still of the first stage.
    assert watch.seconds() == {
        "data": 5, "encoder": 1, "decoder": 6, "attention": 4, "output": 1
    }  # fmt: skip


def test_an_output_layer_between_the_steps_is_told_apart() -> None:
    network, watch = model(), Stopwatch(CPU)
    forcing = TeacherForcing(torch.zeros(2, 3, dtype=torch.bool), argmax)
    watch.switch("data")
    with timing(watch):
        network(IDS, LENGTHS, IDS, forcing)
    watch.stop()
    # Each of three steps is decoder, attention, decoder again, and then the output layer.
    assert watch.seconds() == {
        "data": 9, "encoder": 1, "decoder": 8, "attention": 4, "output": 3
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["bahdanau", "luong"])
def test_the_stages_of_an_update_sum_to_the_whole_by_the_fused_loop_too(kind: str) -> None:
    network, watch = model(kind), Stopwatch(CPU)
    update = Update(Likelihood(network), torch.optim.SGD(network.parameters(), lr=0.1))
    began = time.perf_counter()
    watch.switch("data")
    with timing(watch):
        update([batch()])
    watch.stop()
    ended = time.perf_counter()
    seconds = watch.seconds()
    assert seconds.keys() == STAGES.keys()
    assert seconds["attention"] == 5  # a moment for the keys, and for each step
    assert sum(seconds.values()) == ended - began - 2  # from the first note to the last


def test_self_attention_is_the_encoders() -> None:
    network, watch = model(encoder={"size": 4, "self_attention": "dot"}), Stopwatch(CPU)
    watch.switch("data")
    with timing(watch):
        network.encode(IDS, LENGTHS)
    watch.stop()
    assert watch.seconds() == {"data": 3, "encoder": 3, "decoder": 2, "attention": 1}


def test_a_clock_turns_no_fast_path_off(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, watched = model().train(), model().train()
    watched.load_state_dict(plain.state_dict())
    monkeypatch.setattr(watched.decoder, "_step_by_step", None)  # the fused loop needs it not
    with timing(Stopwatch(CPU)):
        assert torch.equal(
            watched(IDS, LENGTHS, IDS).features_BTF, plain(IDS, LENGTHS, IDS).features_BTF
        )


def test_a_model_is_not_timed_any_more_afterwards() -> None:
    network, watch = model(), Stopwatch(CPU)
    with pytest.raises(ZeroDivisionError), timing(watch):
        raise ZeroDivisionError
    network(IDS, LENGTHS, IDS)
    assert watch.seconds() == {}
