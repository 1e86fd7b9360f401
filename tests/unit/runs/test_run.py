"""Run directories: what is written is found again, and what is broken is named."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from seq2seq.config import Config, TokenizerConfig, load_config
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.errors import UserError
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.run import Run, find_run

SMALL = (
    "model.embedding=4",
    "model.encoder.size=3",
    "model.decoder.size=6",
    "model.attention.size=5",
)
STATE = {"step": 5, "position": [0, 2], "note": "é"}


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    return train_tokenizers(["the cat"], ["le chat"], TokenizerConfig(vocab_size=15))


def made(folder: Path, tokenizers: Tokenizers, *overrides: str) -> Run:
    config = load_config(None, [*SMALL, *overrides])
    return Run.create(folder, config, tokenizers, {"train": {"kept": 1}})


@pytest.fixture
def run(tmp_path: Path, tokenizers: Tokenizers) -> Run:
    return made(tmp_path / "run", tokenizers)


def randomised(run: Run, seed: int) -> Seq2Seq:
    torch.manual_seed(seed)
    model = run.build_model()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def saved(run: Run, *steps: int) -> None:
    for step in steps:
        run.save(step, randomised(run, step), {"optimizer": {}}, {**STATE, "step": step})


def names(run: Run) -> list[str]:
    return [checkpoint.folder.name for checkpoint in run.checkpoints()]


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
    [(["none.py"], "no such file .*none.py"), (["a/x.py", "b/x.py"], "files with different names")],
)
def test_code_that_cannot_be_copied_is_refused(
    files: list[str], said: str, tmp_path: Path, tokenizers: Tokenizers
) -> None:
    config = load_config(None, SMALL).model_copy(update={"code": files})
    with pytest.raises(UserError, match=rf"code: .*{said}"):
        Run.create(tmp_path / "run", config, tokenizers, {})


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tie", ["none", "target", "all"])
@pytest.mark.parametrize("attention", ["additive", "none"])
def test_weights_come_back_and_tied_ones_stay_tied(
    tie: str, attention: str, tmp_path: Path, tokenizers: Tokenizers
) -> None:
    run = made(tmp_path / "run", tokenizers, f"model.tie={tie}")
    run.config = load_config(None, [*SMALL[:3], f"model.tie={tie}", f"model.attention={attention}"])
    model = randomised(run, 1)
    run.save(5, model, {}, STATE)
    found = run.load_model("last")
    for (name, ours), theirs in zip(found.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert (found.output.weight is found.target_embedding.weight) == (tie != "none")
    assert (found.source_embedding is found.target_embedding) == (tie == "all")
    assert not found.training


def test_weights_go_into_a_model_whose_layers_lie_in_one_buffer(run: Run) -> None:
    """As cuDNN lays them; so a run could not go on on a GPU."""
    saved(run, 5)
    expected, model = run.load_model("last"), run.build_model()
    for module in model.modules():
        if isinstance(module, torch.nn.RNNBase):
            weights = list(module.parameters())
            buffer = torch.zeros(sum(weight.numel() for weight in weights))
            parts = buffer.split([weight.numel() for weight in weights])
            for weight, part in zip(weights, parts, strict=True):
                weight.data = part.view_as(weight)
    run.checkpoint("last").load_into(model)
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_equal_weights_are_equal_files(run: Run) -> None:
    saved(run, 5)
    run.save(6, randomised(run, 5), {}, STATE)
    one, other = (c.folder / "model.safetensors" for c in run.checkpoints())
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0o027], ids=oct)
def test_every_file_may_be_read_by_whom_the_umask_says(mask: int, run: Run) -> None:
    before = os.umask(mask)
    try:
        saved(run, 5, 10)
        run.save_average(run.checkpoints())
    finally:
        os.umask(before)
    files = [file for file in (run.folder / "checkpoints").rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o666 & ~mask}
    assert {file.name for file in files} == {"model.safetensors", "trainer.pt", "state.json"}


def test_state_and_tensors_come_back(run: Run) -> None:
    tensors = {"optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}, "cuda_rng": None}
    checkpoint = run.save(5, randomised(run, 1), tensors, STATE)
    assert checkpoint.state == STATE
    assert checkpoint.trainer_tensors() == tensors
    assert sorted(path.name for path in checkpoint.folder.iterdir()) == [
        "model.safetensors",
        "state.json",
        "trainer.pt",
    ]


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


def test_a_step_saved_again_keeps_its_weights_and_takes_the_new_state(run: Run) -> None:
    saved(run, 5)
    before = (run.checkpoint("5").folder / "model.safetensors").read_bytes()
    run.save(5, randomised(run, 5), {}, {**STATE, "note": "validated"})
    assert run.checkpoint("5").state["note"] == "validated"
    assert (run.checkpoint("5").folder / "model.safetensors").read_bytes() == before


def test_what_a_kill_left_half_written_is_no_checkpoint_and_is_swept(run: Run) -> None:
    saved(run, 5)
    half = run.folder / "checkpoints" / ".00000009.part"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    removed = run.folder / "checkpoints" / "00000003"  # its state went first
    removed.mkdir()
    (removed / "model.safetensors").write_bytes(b"half")
    assert names(run) == ["00000005"]
    run.prune([5])
    assert not half.exists()
    assert not removed.exists()


def test_a_save_that_fails_leaves_the_checkpoints_of_before(run: Run) -> None:
    saved(run, 5)
    with pytest.raises(Exception, match="pickle"):
        run.save(6, randomised(run, 6), {"optimizer": lambda: None}, STATE)
    assert names(run) == ["00000005"]
    assert run.checkpoint("last").state["step"] == 5


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


def test_the_average_is_the_mean_of_the_weights(run: Run) -> None:
    saved(run, 1, 2, 3)
    files = [c.folder / "model.safetensors" for c in run.checkpoints()]
    weights = [load_file(file) for file in files]
    average = load_file(run.save_average(run.checkpoints()).folder / "model.safetensors")
    for name, tensor in average.items():
        hand = (weights[0][name] + weights[1][name] + weights[2][name]) / 3
        torch.testing.assert_close(tensor, hand)
    model = run.load_model("average")
    assert model.output.weight is model.source_embedding.weight


def test_the_average_of_one_is_itself(run: Run) -> None:
    saved(run, 5)
    average = run.save_average(run.checkpoints())
    file = "model.safetensors"
    assert (average.folder / file).read_bytes() == (run.checkpoint("5").folder / file).read_bytes()


# --- damage ---------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_weights_cut_short_are_named(run: Run) -> None:
    saved(run, 5)
    cut(run.checkpoint("5").folder / "model.safetensors")
    with pytest.raises(UserError, match=r"00000005/model\.safetensors: damaged"):
        run.load_model("5")


def test_missing_weights_are_named(run: Run) -> None:
    saved(run, 5)
    (run.checkpoint("5").folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"00000005/model\.safetensors: missing"):
        run.load_model("5")


def test_weights_of_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    saved(run, 5)
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("embedding: 4", "embedding: 8"))
    with pytest.raises(UserError, match=r"does not fit the model of config\.yaml"):
        Run.open(run.folder).load_model("5")


def test_a_missing_trainer_file_is_named_and_translating_needs_none(run: Run) -> None:
    saved(run, 5)
    (run.checkpoint("5").folder / "trainer.pt").unlink()
    with pytest.raises(UserError, match=r"trainer\.pt: missing; training cannot be resumed"):
        run.checkpoint("5").trainer_tensors()
    run.load_model("5")


def test_a_trainer_file_cut_short_is_named(run: Run) -> None:
    saved(run, 5)
    cut(run.checkpoint("5").folder / "trainer.pt")
    with pytest.raises(UserError, match=r"trainer\.pt: damaged"):
        run.checkpoint("5").trainer_tensors()


class Malice:
    """What a pickle would run when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("owned",))


def test_a_trainer_file_that_would_run_code_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.folder)
    saved(run, 5)
    torch.save({"optimizer": Malice()}, run.checkpoint("5").folder / "trainer.pt")
    with pytest.raises(UserError, match=r"trainer\.pt: damaged"):
        run.checkpoint("5").trainer_tensors()
    assert not Path("owned").exists()


@pytest.mark.parametrize("text", ['{"step": 5', "[5]", ""])
def test_a_broken_state_is_named(text: str, run: Run) -> None:
    saved(run, 5)
    (run.checkpoint("5").folder / "state.json").write_text(text)
    with pytest.raises(UserError, match=r"state\.json: damaged"):
        _ = run.checkpoint("5").state


def test_a_broken_configuration_is_told_with_its_line(run: Run) -> None:
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("seed:", "sede:", 1))
    with pytest.raises(UserError, match=r"config\.yaml:1: unknown key 'sede'"):
        Run.open(run.folder)


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


# --- finding a run --------------------------------------------------------------------------------


def test_the_newest_finished_run_is_found(tmp_path: Path, tokenizers: Tokenizers) -> None:
    for age, name in enumerate(("newest", "older", "oldest")):
        made(tmp_path / name, tokenizers).finish({})
        os.utime(tmp_path / name / "result.json", (1000 - age, 1000 - age))
    made(tmp_path / "unfinished", tokenizers)
    assert find_run(tmp_path).name == "newest"


def test_where_no_run_is_finished_the_others_are_named(
    tmp_path: Path, tokenizers: Tokenizers
) -> None:
    with pytest.raises(UserError, match=r"no run under .*; train a model first"):
        find_run(tmp_path)
    made(tmp_path / "one", tokenizers)
    with pytest.raises(UserError, match=r"no finished run under .*unfinished one .*: .*one"):
        find_run(tmp_path)


def test_a_configuration_that_was_never_a_run_s_is_equal_after_the_round_trip(
    tmp_path: Path, tokenizers: Tokenizers
) -> None:
    folder = tmp_path / "run"
    Run.create(folder, Config(), tokenizers, {})
    assert Run.open(folder).config == Config()
