"""A training that is killed at its n-th change of a file in the run, for every n, and goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from seq2seq.config import Config
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from tests.integration.stopping import assert_same
from tests.integration.tiny import tiny

CHANGES = {
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "shutil.rmtree",
    "os.truncate",
}
SECONDS = 300  # that none of these trainings takes
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process that was forked")
if hasattr(os, "fork"):  # not of the process of the tests, in which libraries have threads
    SERVER = multiprocessing.get_context("forkserver")
    SERVER.set_forkserver_preload(["seq2seq.pipeline"])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    folder = tmp_path_factory.mktemp("operations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        settings = ("training.average=2", "training.validate_every=2", "training.threads=1")
        yield tiny(folder, *settings, "model.dropout=0.2")


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config, tmp_path_factory.mktemp("whole") / "run")


def train_until(config: Config, run: Path, last: int | None) -> int:
    """Train in a process that kills itself before its `last` change of a file; the changes done."""
    process = SERVER.Process(target=train_counting, args=(config, run, last, dict(os.environ)))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        pytest.fail(f"it has not ended after {SECONDS} seconds")
    if last is not None:
        assert process.exitcode == -signal.SIGKILL
        return last
    return int(counted(run).read_text())


def counted(run: Path) -> Path:
    return run.with_suffix(".count")


def train_counting(
    config: Config, run: Path, last: int | None, environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    done = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        opens = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wax"
        if (event in CHANGES or opens) and str(run) in str(arguments[0]):
            done += 1
            if done == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    train(config, run)
    counted(run).write_text(str(done))


@pytest.fixture(scope="module")
def changes(config: Config, tmp_path_factory: pytest.TempPathFactory) -> int:
    return train_until(config, tmp_path_factory.mktemp("count") / "run", None)


def killed_at(change: int, config: Config, whole: Run, folder: Path) -> None:
    run = folder / "run"
    train_until(config, run, change)
    finished = (run / "result.json").exists()  # its lock alone was left
    assert_same(Run.open(run) if finished else train(config, run, resume=True), whole)


def test_a_kill_at_some_changes_of_files_loses_nothing(
    config: Config, whole: Run, changes: int, tmp_path: Path
) -> None:
    assert changes > 50
    for change in range(3, changes, changes // 6):
        (tmp_path / str(change)).mkdir()
        killed_at(change, config, whole, tmp_path / str(change))


@pytest.mark.slow
def test_a_kill_at_any_change_of_a_file_loses_nothing(
    config: Config, whole: Run, changes: int, tmp_path: Path
) -> None:
    for change in range(1, changes + 1):
        (tmp_path / str(change)).mkdir()
        killed_at(change, config, whole, tmp_path / str(change))
