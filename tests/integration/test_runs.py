"""The list of runs, and the one name that every command takes for a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import Command, french

SENTENCE = "the big cat sees a dog"


def test_runs_are_listed_newest_first_with_what_they_are(world: Path, command: Command) -> None:
    result = json.loads((world / "runs/tiny/result.json").read_text())
    shutil.copytree(world / "runs/tiny", world / "runs/older", symlinks=True)
    for path in (world / "runs/older").rglob("*"):
        os.utime(path, (10**9, 10**9), follow_symlinks=False)
    os.utime(world / "runs/older", (10**9, 10**9))
    status, out, err = command("runs")
    head, first, second = out.splitlines()
    assert (status, err) == (0, "")
    names = ["run", "languages", "attention", "BLEU", "loss", "steps", "size", "changed", "state"]
    assert head.split() == names
    cells = first.split()
    assert cells[:6] == ["runs/tiny", "en-fr", "general", f"{result['bleu']:.2f}",
                         f"{result['loss']:.3f}", "150"]  # fmt: skip
    assert (cells[7], cells[-1]) == ("MB", "finished")
    assert second.startswith("runs/older")
    assert "2001-09-0" in second


def test_a_list_as_json_has_every_field(world: Path, command: Command) -> None:
    status, out, _ = command("runs", "--json")
    (run,) = json.loads(out)
    size = sum(p.lstat().st_size for p in (world / "runs/tiny").rglob("*") if not p.is_dir()
               or p.is_symlink())  # fmt: skip
    links = sum((world / "runs/tiny" / name).lstat().st_size for name in ("best", "last"))
    assert (status, run["folder"], run["steps"]) == (0, "runs/tiny", 150)
    assert run["size"] in (size, size - links)
    assert json.loads(command("runs", "runs/tiny", "--json").out) == [run]


def test_a_run_that_is_not_finished_says_where_it_is(world: Path, command: Command) -> None:
    (world / "runs/tiny/result.json").unlink()
    line = command("runs").out.splitlines()[1].split()
    assert (line[5], line[-1]) == ("150", "unfinished")
    shutil.rmtree(world / "runs/tiny/checkpoints")
    assert command("runs").out.splitlines()[1].endswith("unfinished, no checkpoint yet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.yaml", "sed: 1\n", "unknown key 'sed' (did you mean 'seed'?)"),
        ("config.yaml", None, "not a run directory (it has no config.yaml)"),
        ("result.json", "{", "result.json: damaged"),
        ("result.json", "[]", "result.json: damaged"),
        ("result.json", "{}", "damaged: its checkpoint or result.json was not written by training"),
    ],
)
def test_a_broken_run_is_listed_with_what_is_wrong_and_the_others_too(
    name: str, content: str | None, said: str, world: Path, command: Command
) -> None:
    shutil.copytree(world / "runs/tiny", world / "runs/broken", symlinks=True)
    (world / "runs/notes").mkdir()
    path = world / "runs/broken" / name
    path.unlink() if content is None else path.write_text(content)
    status, out, err = command("runs")
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert (status, err) == (0, "")
    assert rows.keys() == {"runs/broken", "runs/tiny"}
    assert said in rows["runs/broken"]
    assert rows["runs/tiny"].endswith("finished")


def test_no_run_is_no_error(world: Path, command: Command) -> None:
    shutil.rmtree(world / "runs")
    assert command("runs") == (
        0,
        "",
        "no run under runs; train a model first, for example: seq2seq train --config demo\n",
    )
    assert command("runs", "--json") == (0, "[]\n", "")


def test_a_list_does_not_wait_for_torch(world: Path) -> None:
    program = (
        "import sys; from seq2seq.cli import main; sys.argv = ['seq2seq', 'runs']\n"
        "try: main()\nfinally: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=world, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.endswith("\nFalse\n")


@pytest.mark.parametrize("option", ["--run", "--model", "-m"])
@pytest.mark.parametrize("name", ["runs/tiny", "tiny"])
def test_every_command_takes_a_run_by_the_same_option(
    option: str, name: str, command: Command
) -> None:
    run = [option, name]
    assert command("-q", "translate", *run, SENTENCE) == (0, f"{french(SENTENCE)}\n", "")
    assert command("-q", "explain", *run, SENTENCE).status == 0
    assert command("-q", "evaluate", *run, "--bootstrap", "0").status == 0
    assert command("-q", "average", *run, "--last", "1").status == 0


@pytest.mark.parametrize("options", [[], ["--config", "tiny.yaml"]])
def test_a_run_that_goes_on_may_be_called_by_its_name(
    options: list[str], world: Path, command: Command
) -> None:
    given = ["train", *options, "--run", "tiny", "--resume", "training.max_steps=151"]
    assert command("-q", *given) == (0, "runs/tiny\n", "")
    assert not (world / "tiny").exists()


def test_a_folder_here_that_is_a_run_comes_before_one_under_runs(
    world: Path, command: Command
) -> None:
    (world / "tiny").mkdir()
    assert command("translate", "--run", "tiny", SENTENCE).err == "model: runs/tiny (best)\n"
    (world / "tiny").rmdir()
    shutil.copytree(world / "runs/tiny", world / "tiny", symlinks=True)
    assert command("translate", "--run", "tiny", SENTENCE).err == "model: tiny (best)\n"
