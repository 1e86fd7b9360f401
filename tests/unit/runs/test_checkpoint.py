"""Checkpoints: what is written comes back, whole or not at all, and what is broken is named."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from seq2seq.config import load_config
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError
from seq2seq.runs.run import Run
from tests.unit.runs.conftest import SMALL, STATE, made, names, randomised, saved, unsealed


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
    names = {"model.safetensors", "trainer.pt", "state.json", "last.json", "average.json"}
    assert {file.name for file in files} == names


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
    own = "\n".join(config.read_text().splitlines()[1:-1])  # without the checksum
    config.write_text(own.replace("embedding: 4", "embedding: 8"))
    with pytest.raises(UserError, match=r"does not fit the model of config\.yaml"):
        Run.open(run.folder).load_model("5")


def rewritten(run: Run, step: str, change: Any) -> None:
    """Change the weight of the output layer in the file of a checkpoint."""
    path = unsealed(run.checkpoint(step)).folder / "model.safetensors"
    weights = load_file(path)
    weights["output.bias"] = change(weights["output.bias"])
    save_file(weights, path)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_refused_by_name(value: float, run: Run) -> None:
    saved(run, 5, 10)
    rewritten(run, "5", lambda bias: torch.where(torch.arange(len(bias)) == 2, value, bias))
    said = rf"00000005/model\.safetensors: cannot be used: output\.bias holds {value}"
    with pytest.raises(UserError, match=said):
        run.load_model("5")
    with pytest.raises(UserError, match=said):
        run.checkpoint("5").load_into(run.build_model())
    with pytest.raises(UserError, match=said):
        run.save_average(run.checkpoints())
    run.load_model("10")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda bias: bias[:-1].clone(), "float32 of 14"),
        (lambda bias: bias[:, None].clone(), "float32 of 15 x 1"),
        (lambda bias: bias.sum(), "float32 of one number"),
        (lambda bias: bias.half(), "float16 of 15"),
        (lambda bias: bias.double(), "float64 of 15"),
        (lambda bias: bias.long(), "int64 of 15"),
        (lambda bias: bias.to(torch.float8_e4m3fn), "float8_e4m3fn of 15"),
    ],
)
def test_weights_of_another_shape_or_type_are_refused_by_name(
    change: Any, found: str, run: Run
) -> None:
    saved(run, 5, 10)
    rewritten(run, "10", change)
    unlike = rf"output\.bias: expected float32 of 15, found {found}$"
    with pytest.raises(UserError, match=rf"does not fit the model of config\.yaml: {unlike}"):
        run.load_model("10")
    with pytest.raises(UserError, match=rf"cannot be averaged with .*00000005: {unlike}"):
        run.save_average(run.checkpoints())


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
