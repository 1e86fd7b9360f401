"""Which run a name means, and which one is the newest."""

import os
from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.runs.finding import newest_run, run_file_at, run_folder


def folder_of_run(folder: Path, *, finished: bool) -> Path:
    folder.mkdir(parents=True)
    for name in ["config.yaml", *["result.json"] * finished]:
        (folder / name).write_text("{}")
    return folder


def test_the_newest_finished_run_is_found(tmp_path: Path) -> None:
    for age, name in enumerate(("newest", "older", "oldest")):
        result = folder_of_run(tmp_path / name, finished=True) / "result.json"
        os.utime(result, (1000 - age, 1000 - age))
    folder_of_run(tmp_path / "unfinished", finished=False)
    assert newest_run(tmp_path) == tmp_path / "newest"


def test_where_no_run_is_finished_the_others_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run under .*; train a model first"):
        newest_run(tmp_path)
    folder_of_run(tmp_path / "one", finished=False)
    with pytest.raises(UserError, match=r"no finished run under .*unfinished one .*: .*one"):
        newest_run(tmp_path)


def test_a_name_means_a_run_under_runs_only_where_it_is_none_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_folder("demo") == Path("demo")
    folder_of_run(tmp_path / "runs" / "demo", finished=False)
    assert run_folder("demo") == Path("runs/demo")
    folder_of_run(tmp_path / "demo", finished=False)
    assert run_folder("demo") == Path("demo")


def test_the_run_that_a_file_belongs_to(tmp_path: Path) -> None:
    run = folder_of_run(tmp_path / "run", finished=True)
    (run / "data.json").write_text("{}")
    (tmp_path / "link").symlink_to("run")
    for name in ("config.yaml", "corpus/train.en", "checkpoints/00000040/model.safetensors"):
        assert run_file_at(run / name) == run
        assert run_file_at(tmp_path / "link" / name) == run
    for name in ("run/test.fr", "run/mine/config.yaml", "data.json", "run"):
        assert run_file_at(tmp_path / name) is None
    mine = folder_of_run(tmp_path / "mine", finished=False)  # a folder with a recipe
    assert run_file_at(mine / "corpus/train.en") is None
