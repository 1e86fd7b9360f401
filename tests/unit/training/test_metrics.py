"""Where records go."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.training.metrics import Metrics


class FakeRun:
    """What Metrics takes of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    def log_metrics(self, record: dict[str, Any]) -> None:
        self.lines.append(json.dumps(record))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    return FakeRun(tmp_path)


def test_a_record_is_written_and_given_to_each_callback_as_its_own(run: Any) -> None:
    seen: list[dict[str, Any]] = []
    metrics = Metrics(run, [seen.append, dict.clear, seen.append])
    metrics.write({"step": 1})
    assert run.lines == ['{"step": 1}']
    assert seen == [{"step": 1}, {"step": 1}]


def test_an_error_of_a_callback_is_kept_and_ends_the_calls(run: Any) -> None:
    seen: list[dict[str, Any]] = []
    failure = ZeroDivisionError()

    def fail(_: object) -> None:
        raise failure

    metrics = Metrics(run, [fail, seen.append])
    metrics.write({"step": 1})
    metrics.write({"step": 2})
    assert metrics.error is failure
    assert not seen
    assert len(run.lines) == 2


def test_of_several_processes_only_one_writes_and_calls(run: Any) -> None:
    seen: list[dict[str, Any]] = []
    metrics = Metrics(run, [seen.append], tensorboard=True, writes=False)
    with metrics.opened(1):
        metrics.write({"step": 1})
    assert not run.lines
    assert not seen
    assert not list(run.folder.iterdir())
