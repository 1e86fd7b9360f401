"""Run directories: what is written is found again, and what is broken is named."""

import json
import os
import shutil
from pathlib import Path

import pytest

from seq2seq.config import Config, load_config
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError
from seq2seq.runs.run import Run
from tests.unit.runs.conftest import SMALL, made, names, saved

# --- the directory --------------------------------------------------------------------------------


def test_a_run_opens_as_it_was_made(run: Run, tokenizers: Tokenizers) -> None:
    opened = Run.open(run.folder)
    assert opened.config == run.config == load_config(None, SMALL)
    assert opened.tokenizers.source.model == tokenizers.source.model
    assert opened.tokenizers.joint
    assert opened.data == {"train": {"kept": 1}}
    assert (opened.name, opened.result, opened.checkpoints()) == ("run", None, [])


def test_a_run_is_not_made_over_another(run: Run, tokenizers: Tokenizers) -> None:
    with pytest.raises(UserError, match="already holds a run; resume it with --resume"):
        made(run.folder, tokenizers)


def test_a_directory_that_was_never_completed_is_no_run_and_may_be_made_again(
    run: Run, tokenizers: Tokenizers
) -> None:
    (run.folder / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"not a run directory \(it has no config\.yaml\)"):
        Run.open(run.folder)
    assert made(run.folder, tokenizers).checkpoints() == []


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: no such run directory"):
        Run.open(tmp_path / "none")


def test_user_code_is_copied_and_named_within_the_run_wherever_it_goes(
    tmp_path: Path, tokenizers: Tokenizers
) -> None:
    file = tmp_path / "units.py"
    file.write_text("x = 1\n")
    run = made(tmp_path / "run", tokenizers, f"code={file}")
    run.continue_with(run.config)
    assert "- code/units.py" in (run.folder / "config.yaml").read_text()
    moved = Run.open(shutil.move(run.folder, tmp_path / "moved"))
    assert moved.config.code == [str(tmp_path / "moved" / "code" / "units.py")]
    assert Path(moved.config.code[0]).read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [(["none.py"], "no such file: .*none"), (["a/x.py", "b/x.py"], "files with different names")],
)
def test_code_that_cannot_be_copied_is_refused(
    files: list[str], said: str, tmp_path: Path, tokenizers: Tokenizers
) -> None:
    config = load_config(None, SMALL).model_copy(update={"code": files})
    with pytest.raises(UserError, match=rf"code: .*{said}"):
        Run.create(tmp_path / "run", config, tokenizers, {})


def test_a_configuration_that_was_never_a_run_s_is_equal_after_the_round_trip(
    tmp_path: Path, tokenizers: Tokenizers
) -> None:
    folder = tmp_path / "run"
    Run.create(folder, Config(), tokenizers, {})
    assert Run.open(folder).config == Config()


def test_a_place_that_cannot_hold_a_run_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    for name, kind in (
        ("file", "a file"),
        ("file/run", "a file"),
        ("loop", "a link that leads nowhere"),
        ("loop/new/run", "a link that leads nowhere"),
    ):
        with pytest.raises(UserError, match=f"{name}: cannot hold the run, because .* is {kind}"):
            Run.check_free(tmp_path / name)
    Run.check_free(tmp_path / "new" / "run")


def test_a_broken_configuration_is_told_with_its_line(run: Run) -> None:
    config = run.folder / "config.yaml"
    own = config.read_text().splitlines()[1:-1]  # without the checksum
    config.write_text("\n".join(own).replace("seed:", "sede:", 1))
    with pytest.raises(UserError, match=r"config\.yaml:1: unknown key 'sede'"):
        Run.open(run.folder)


# --- its checkpoints ------------------------------------------------------------------------------


def test_checkpoints_go_by_name_or_step(run: Run) -> None:
    saved(run, 5, 12)
    run.point("best", "00000005")
    assert names(run) == ["00000005", "00000012"]
    for name, step in (("best", 5), ("last", 12), ("5", 5), ("00000012", 12)):
        assert run.checkpoint(name).state["step"] == step
    assert os.readlink(run.folder / "last") == "checkpoints/00000012"
    with pytest.raises(UserError, match=r"no checkpoint '7'; expected one of .*00000005, 00000012"):
        run.checkpoint("7")
    with pytest.raises(UserError, match="no checkpoint 'average'"):
        run.checkpoint("average")


def test_a_run_without_checkpoint_says_so(run: Run) -> None:
    with pytest.raises(UserError, match="run: the run has no checkpoint yet"):
        run.load_model()


def test_pruning_keeps_the_steps_asked_for_and_those_that_links_name(run: Run) -> None:
    saved(run, 1, 2, 3, 4, 5)
    run.point("best", "00000002")
    run.prune([4, 9])
    assert names(run) == ["00000002", "00000004", "00000005"]


def test_pruning_leaves_the_average_alone(run: Run) -> None:
    saved(run, 1, 2)
    run.save_average(run.checkpoints())
    run.prune([2])
    assert run.checkpoint("average").state == {"average_of": ["00000001", "00000002"]}


# --- metrics and the end --------------------------------------------------------------------------


def test_metrics_are_rewound_to_a_step_and_a_line_cut_short_goes(run: Run) -> None:
    for step in (5, 10, 10, 15):
        run.log_metrics({"kind": "train", "step": step})
    with run.metrics.open("a") as file:
        file.write('{"kind": "train", "st')
    run.rewind_metrics(10)
    steps = [json.loads(line)["step"] for line in run.metrics.read_text().splitlines()]
    assert steps == [5, 10, 10]


def test_rewinding_a_run_without_metrics_does_nothing(run: Run) -> None:
    run.rewind_metrics(3)
    assert not run.metrics.exists()


def test_going_on_takes_the_finish_back_and_notes_the_settings(run: Run) -> None:
    run.finish({"reason": "max_steps"})
    assert Run.open(run.folder).result == {"reason": "max_steps"}
    longer = load_config(None, [*SMALL, "training.max_steps=9"])
    run.continue_with(longer)
    assert Run.open(run.folder).result is None
    assert Run.open(run.folder).config == run.config == longer
