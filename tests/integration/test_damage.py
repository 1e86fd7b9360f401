"""Flips and cuts in every file of a run and of the cache: each is noticed, and a way out named."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seq2seq
from seq2seq.config import Config
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.export.folder import export
from seq2seq.pipeline import train
from seq2seq.runs.listing import list_runs
from seq2seq.runs.lock import held
from seq2seq.runs.run import Run
from tests.integration.stopping import assert_same
from tests.integration.tiny import tiny

NOT_READ = {"train.log", ".lock"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    folder = tmp_path_factory.mktemp("damage")
    code = folder / "own.py"
    code.write_text("import seq2seq\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        settings = ("training.keep=3", "training.validate_every=2", f"code=[{code}]")
        yield tiny(folder, *settings)


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config, tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def run(whole: Run, tmp_path: Path) -> Run:
    shutil.copytree(whole.folder, tmp_path / "run", symlinks=True)
    return Run.open(tmp_path / "run")


def files(folder: Path) -> list[str]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    names = (path.relative_to(folder).as_posix() for path in paths)
    return [name for name in names if not name.startswith(("best/", "last/"))]


def damage(path: Path, seed: int) -> bytes:
    """Flip a bit, or cut the end off; what was there."""
    content, draws = path.read_bytes(), random.Random(seed)
    if seed % 4 == 3:
        path.write_bytes(content[: draws.randrange(len(content))])
    else:
        place = draws.randrange(len(content))
        flipped = content[place] ^ 1 << draws.randrange(8)
        path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
    return content


def read_everything(run: Path) -> None:
    """As translating, resuming, showing and listing do together."""
    opened = Run.open(run)
    for checkpoint in opened.checkpoints():
        opened.load_model(checkpoint.folder.name)
        checkpoint.trainer_tensors()
    opened.checkpoint("best")
    opened.checkpoint("last")
    assert opened.data
    assert opened.result
    opened.read_metrics()


def is_noticed(run: Path) -> bool:
    try:
        read_everything(run)
    except UserError as error:
        return "\n" not in str(error)
    return False


def test_every_flip_and_every_cut_in_a_run_is_noticed(run: Run) -> None:
    read_everything(run.folder)
    names = [name for name in files(run.folder) if name not in NOT_READ]
    assert {Path(name).name for name in names} >= {
        *("config.yaml", "data.json", "result.json", "metrics.jsonl", "state.json", "trainer.pt"),
        *("model.safetensors", "best.json", "last.json", "own.py"),
    }
    unnoticed: list[tuple[str, int]] = []
    for name in names:
        for seed in range(8):
            content = damage(run.folder / name, seed)
            unnoticed += [] if is_noticed(run.folder) else [(name, seed)]
            (run.folder / name).write_bytes(content)
    assert not unnoticed


def test_every_flip_and_every_cut_in_the_cache_is_noticed_and_mended(config: Config) -> None:
    folder = prepare(config).folder
    contents = {name: (folder / name).read_bytes() for name in files(folder)}
    for name in contents:
        for seed in (0, 3):
            damage(folder / name, seed)
            assert prepare(config).folder == folder
            assert {n: (folder / n).read_bytes() for n in files(folder)} == contents


@pytest.mark.parametrize("file", ["model.safetensors", "trainer.pt", "state.json"])
def test_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_that_is_named(
    file: str, run: Run, whole: Run, config: Config
) -> None:
    (run.folder / "result.json").unlink()
    damage(run.folder / "checkpoints/00000006" / file, 0)
    line = r"00000006/\S+: damaged.*; the newest whole checkpoint is 00000004: "
    with pytest.raises(UserError, match=line + "--resume --from 4 takes it"):
        train(config, run.folder, resume=True)
    assert_same(train(config, run.folder, resume=True, from_step=4), whole, aside=["00000006"])


def test_a_damaged_best_is_told_with_the_checkpoint_to_translate_with(run: Run) -> None:
    best = run.checkpoint("best").folder
    damage(best / "model.safetensors", 0)
    others = sorted({"00000002", "00000004", "00000006"} - {best.name})
    with pytest.raises(UserError, match=f"is {others[-1]}: --checkpoint {int(others[-1])} takes"):
        seq2seq.load(run.folder)
    seq2seq.load(run.folder, checkpoint=others[-1]).translate("the cat sleeps")


def test_no_checkpoint_is_offered_if_none_is_whole(run: Run) -> None:
    for checkpoint in run.checkpoints():
        damage(checkpoint.folder / "model.safetensors", 0)
    with pytest.raises(UserError, match="no checkpoint of the run is whole"):
        run.load_model("last")


def test_from_an_older_checkpoint_needs_a_run_and_the_checkpoint(
    run: Run, config: Config, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no run to go on with from step 4; leave out --from"):
        train(config, tmp_path / "new", resume=True, from_step=4)
    with pytest.raises(UserError, match="no checkpoint '3'; expected one of"):
        train(config, run.folder, resume=True, from_step=3)


def test_a_damaged_line_of_the_metrics_stays_and_is_told_of(
    run: Run, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    lines = run.metrics.read_bytes().splitlines(keepends=True)
    broken = lines[0].replace(b'"step"', b'"stop"', 1)
    run.metrics.write_bytes(b"".join([broken, *lines[1:]]))
    with pytest.raises(UserError, match=r"metrics\.jsonl:1: damaged"):
        run.read_metrics()
    (run.folder / "result.json").unlink()
    train(config, run.folder, resume=True)
    assert run.metrics.read_bytes().startswith(broken)
    assert "metrics.jsonl:1: damaged: expected a record as it was written; the line stays" in (
        caplog.text
    )


def test_lines_that_are_lost_from_the_metrics_are_told_of(
    run: Run, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    lines = run.metrics.read_bytes().splitlines(keepends=True)
    run.metrics.write_bytes(b"".join(lines[:-2]))
    lost = f"damaged: expected at least {len(lines)} lines, found {len(lines) - 2}"
    with pytest.raises(UserError, match=lost):
        run.read_metrics()
    (run.folder / "result.json").unlink()
    train(config, run.folder, resume=True)
    assert lost in caplog.text


# --- copies, and disks without links --------------------------------------------------------------


def test_a_copy_that_followed_the_links_translates_and_goes_on(
    whole: Run, config: Config, tmp_path: Path
) -> None:
    shutil.copytree(whole.folder, tmp_path / "copy")  # cp -rL
    copy = Run.open(tmp_path / "copy")
    assert (copy.folder / "best").is_dir()
    assert not (copy.folder / "best").is_symlink()
    seq2seq.load(copy.folder).translate("the cat sleeps")
    (copy.folder / "result.json").unlink()
    train(config, copy.folder, resume=True)
    assert copy.checkpoint("last").folder == copy.folder / "checkpoints/00000006"


def test_a_run_needs_no_links(
    config: Config, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    run = train(config, tmp_path / "run")
    assert not (run.folder / "best").exists()
    for name in ("best", "last"):
        assert run.checkpoint(name).folder.name == whole.checkpoint(name).folder.name
    assert [each.state for each in list_runs(run.folder)] == ["finished"]


def test_a_slim_copy_translates_as_the_run_does_and_cannot_be_resumed(
    run: Run, config: Config, tmp_path: Path
) -> None:
    export(run, tmp_path / "slim", form="run")
    slim = Run.open(tmp_path / "slim")
    assert not (slim.folder / "metrics.jsonl").exists()
    names = {path.name for path in slim.checkpoint("best").folder.iterdir()}
    assert names == {"model.safetensors", "state.json"}
    texts = ["the cat sleeps", "a black dog eats here"]
    found, expected = (
        [each.text for each in seq2seq.load(folder).translate(texts)]
        for folder in (slim.folder, run.folder)
    )
    assert found == expected
    (slim.folder / "result.json").unlink()
    with pytest.raises(UserError, match=r"trainer\.pt: missing; training cannot be resumed"):
        train(config, slim.folder, resume=True)


# --- two trainings in one run ---------------------------------------------------------------------


def test_a_run_in_training_is_refused_to_another_with_the_process_named(
    run: Run, config: Config
) -> None:
    line = rf"run: process {os.getpid()} on \S+ is training this run; wait until it ends"
    with held(run.folder), pytest.raises(UserError, match=line):
        train(config, run.folder, resume=True)


def test_a_lock_whose_owner_is_gone_is_no_obstacle(run: Run, config: Config) -> None:
    script = f"""
import os, signal
from pathlib import Path
from seq2seq.runs.lock import held
with held(Path({str(run.folder)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode < 0
    (run.folder / "result.json").unlink()
    train(config, run.folder, resume=True)


def test_what_is_not_a_checkpoint_by_its_name_is_never_touched(run: Run, config: Config) -> None:
    folder = run.folder / "checkpoints"
    strangers = ["00000004.bak", "0000004", "average.old", "mine", "averages", "00000004 (copy)"]
    for name in strangers:
        shutil.copytree(folder / "00000004", folder / name)
    (folder / "00000099.txt").write_text("a note")
    assert [saved.folder.name for saved in run.checkpoints()] == [
        "00000002",
        "00000004",
        "00000006",
    ]
    run.save_average(run.checkpoints())
    run.prune([])
    assert {*strangers, "00000099.txt"} <= {path.name for path in folder.iterdir()}
