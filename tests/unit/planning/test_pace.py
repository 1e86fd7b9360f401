"""Which ways to compute are put on the clock, and how long a slow one is."""

from pathlib import Path

import pytest

from seq2seq.bench.updates import Updates
from seq2seq.data.prepare import prepare
from seq2seq.kernels import products
from seq2seq.planning.pace import measure_pace
from tests.integration.tiny import tiny


def test_bf16_is_tried_only_where_the_processor_multiplies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path)
    monkeypatch.setattr(products, "BF16", False)  # emulated, an update takes 13 times as long
    machine = measure_pace(config, prepare(config), free={"precision"})
    assert (machine.precision, machine.tried) == ("fp32", {})


def test_of_a_slow_way_one_update_warms_up_and_one_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path)
    clock = [0.0]
    made: list[int] = []

    def make(self: Updates, count: int, stopwatch: object) -> None:
        made.append(count)
        clock[0] += 20.0

    monkeypatch.setattr(Updates, "make", make)
    monkeypatch.setattr("seq2seq.planning.pace.time.perf_counter", lambda: clock[0])
    assert measure_pace(config, prepare(config), free=()).pace.update == pytest.approx(20, rel=0.1)
    assert made == [1, 1]
