"""Real disks that are full, or may only be read, and folders that vanish: one line, nothing lost.

A disk is a tmpfs that a process mounts for itself, where the system lets it (Linux, `unshare`).
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from seq2seq.config import Config, dump_config
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from seq2seq.training.trainer import Trainer
from tests.integration.stopping import assert_same
from tests.integration.tiny import tiny

ROOT = Path(__file__).parents[2]


@cache
def may_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    folder = tmp_path_factory.mktemp("disks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        yield tiny(folder, "training.validate_every=2", "training.keep=3", "training.threads=1")


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config, tmp_path_factory.mktemp("whole") / "run")


def with_own_mounts(script: str, *arguments: object) -> Any:
    """What a Python script prints as JSON, as root of mounts that nobody else sees."""
    if not may_mount():
        pytest.skip("mounts a disk, which this system does not allow")
    head = "import json, subprocess, sys\nfrom pathlib import Path\n"
    ran = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", head + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return json.loads(ran.stdout)


FULL = """
from seq2seq.config import load_config
from seq2seq.errors import UserError
from seq2seq.pipeline import train
config, disk, out, size = load_config(sys.argv[1]), *map(Path, sys.argv[2:4]), int(sys.argv[4])
said = []
for part in range(1, 6):
    kib = size * part // 6 >> 10
    run = disk / "run"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", disk], check=True)
    try:
        train(config, run)
        said.append("")
    except UserError as error:
        said.append(str(error))
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    train(config, run, resume=(run / "config.yaml").exists())
    subprocess.run(["cp", "-a", run, out / str(part)], check=True)
    subprocess.run(["umount", disk], check=True)
print(json.dumps(said))
"""


def test_a_training_on_a_full_disk_goes_on_when_there_is_room(
    config: Config, whole: Run, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(dump_config(config))
    disk = tmp_path / "disk"
    disk.mkdir()
    blocks = [4096 * -(-path.stat().st_size // 4096) for path in whole.folder.rglob("*")]
    said = with_own_mounts(FULL, tmp_path / "config.yaml", disk, tmp_path, sum(blocks))
    assert sum(map(bool, said)) >= 4
    for line in filter(None, said):
        assert line.startswith(f"{disk}/run")
        assert "cannot be written: " in line
        assert "No space left on device" in line
        assert "\n" not in line
    for part in range(1, 6):
        assert_same(Run.open(tmp_path / str(part)), whole)


READ_ONLY = """
import seq2seq
from seq2seq.errors import UserError
from seq2seq.pipeline import train
from seq2seq.runs.listing import list_runs
from seq2seq.runs.run import Run
folder, said = Path(sys.argv[1]), []
subprocess.run(["mount", "--bind", folder, folder], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
text = seq2seq.load(folder, device="cpu").translate("the cat sleeps").text
state = list_runs(folder.parent)[0].state
run = Run.open(folder)
for write in (
    lambda: train(run.config, folder, resume=True),
    lambda: run.save_average(run.checkpoints()),
):
    try:
        write()
        said.append("")
    except UserError as error:
        said.append(str(error))
print(json.dumps([text, state, *said]))
"""


def test_a_run_that_may_only_be_read_is_read(config: Config, whole: Run, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "run"
    shutil.copytree(whole.folder, folder, symlinks=True)
    (folder / "result.json").unlink()
    text, state, *said = with_own_mounts(READ_ONLY, folder)
    assert isinstance(text, str)
    assert state == "unfinished"
    for line in said:
        assert line.startswith(f"{folder}")
        assert line.endswith("cannot be written: Read-only file system")


def test_a_run_that_is_removed_amid_training_is_told_of_in_one_line(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(trainer: Trainer) -> None:
        plain(trainer)
        if trainer.progress.step == 3:
            shutil.rmtree(tmp_path / "run")

    plain = Trainer.update
    monkeypatch.setattr(Trainer, "update", update)
    with pytest.raises(UserError, match=r"run\S*: cannot be written: No such file") as refused:
        train(config, tmp_path / "run")
    assert "\n" not in str(refused.value)


def _prepare(config: Config) -> str:
    return str(prepare(config).folder)


def test_preparations_at_once_give_one_whole_folder(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path))
    with get_context("fork").Pool(4, initializer=gc.freeze) as processes:
        folders = set(processes.map(_prepare, [config] * 4, chunksize=1))
    assert [str(path) for path in (tmp_path / "prepared").iterdir()] == [*folders]


def test_a_clock_that_was_set_back_changes_nothing(
    config: Config, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are then of a time that is still to come."""
    folder = tmp_path / "run"
    shutil.copytree(whole.folder, folder, symlinks=True)
    shutil.rmtree(folder / "checkpoints" / "00000006")
    (folder / "result.json").unlink()
    for path in (*folder.rglob("*"), *prepare(config).folder.rglob("*")):
        os.utime(path, (2**31, 2**31), follow_symlinks=False)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert_same(train(config, folder, resume=True), whole)
