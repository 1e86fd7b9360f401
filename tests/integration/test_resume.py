"""A run that was stopped, or killed, ends as if it had not been: bit for bit on the CPU."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import torch

import seq2seq
from seq2seq.config import Config, dump_config
from seq2seq.data.batching import Batch
from seq2seq.errors import UserError
from seq2seq.inference.translator import load
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from seq2seq.training.loss import Loss
from seq2seq.training.objective import Likelihood
from seq2seq.training.trainer import Trainer
from tests.integration.stopping import (
    RANDOM,
    STEPS,
    assert_same,
    metrics,
    signal_after,
)
from tests.integration.tiny import EIGHT, tiny, write_corpus
from tests.unit.runs.conftest import unsealed


class KilledError(BaseException):
    """What the test raises where the process would be gone."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resume")


@pytest.fixture(autouse=True)
def _cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    return tiny(folder, *RANDOM)


@pytest.fixture(scope="module")
def whole(folder: Path, config: Config) -> Run:
    """The run that nothing happened to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        return train(config, folder / "whole")


@pytest.mark.parametrize(
    "steps",
    [(1,), (4,), (5,), (7,), (STEPS,), (6, 8)],
    ids=["first", "end of an epoch", "validation due", "mid-epoch", "last", "twice"],
)
def test_a_run_stopped_by_a_signal_and_resumed_is_the_run_that_was_not(
    steps: tuple[int, ...],
    whole: Run,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, step in enumerate(steps):
        with monkeypatch.context() as patch:
            signal_after(step, patch)
            stopped = train(config, tmp_path / "run", resume=number > 0)
        assert stopped.result is None
        assert stopped.checkpoint("last").state["step"] == step
    assert_same(train(config, tmp_path / "run", resume=True), whole)


def test_a_transformer_stopped_by_a_signal_and_resumed_is_the_run_that_was_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ("encoder", "decoder")
    small = [f"model.{part}.kind=transformer" for part in parts]
    dropped = [f"model.{part}.attention_dropout=0.1" for part in parts]
    config = tiny(folder, *RANDOM, *small, *dropped, "model.attention=multihead")
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        signal_after(7, patch)
        train(config, tmp_path / "run")
    assert_same(train(config, tmp_path / "run", resume=True), whole)


def test_a_run_that_averages_its_weights_goes_on_bit_for_bit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(folder, *RANDOM, "training.ema=0.8", "training.objective.consistency=1")
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        signal_after(7, patch)
        train(config, tmp_path / "run")
    assert_same(train(config, tmp_path / "run", resume=True), whole)
    saved = whole.checkpoint("last")
    trained, averaged = saved.trainer_tensors()["trained"], saved.weights()
    assert trained.keys() == averaged.keys()
    assert not any(torch.equal(trained[name], averaged[name]) for name in trained)


@pytest.mark.parametrize(("before", "after"), [("0.8", "null"), ("null", "0.8")])
def test_averaging_may_begin_and_end_when_a_run_goes_on(
    before: str, after: str, folder: Path, tmp_path: Path
) -> None:
    settings = (*RANDOM, "training.average=1")
    first = tiny(folder, *settings, f"training.ema={before}", "training.max_steps=6")
    run = train(first, tmp_path / "run")
    trained = run.checkpoint("last").trainer_tensors().get("trained")
    assert (trained is not None) == (before != "null")
    second = tiny(folder, *settings, f"training.ema={after}")
    run = train(second, tmp_path / "run", resume=True)
    assert ("trained" in run.checkpoint("last").trainer_tensors()) == (after != "null")


@pytest.mark.parametrize("kind", ["ntm", "dnc"])
def test_a_run_of_a_machine_goes_on_bit_for_bit(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = f"{{kind: {kind}, slots: 5, width: 3}}"
    config = tiny(
        tmp_path,
        f"model.encoder.cell={cell}",
        "model.encoder.bidirectional=false",
        f"model.decoder.cell={cell}",
        "model.decoder.size=8",
        "model.decoder.bridge=state",
        "model.attention=none",
    )
    with monkeypatch.context() as patch:
        signal_after(3, patch)
        train(config, tmp_path / "run")
    assert_same(train(config, tmp_path / "run", resume=True), train(config, tmp_path / "whole"))


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("training.trainer.Trainer.update", 9),
        ("runs.checkpoint.flush", 5),
        ("runs.checkpoint._install", 2),
        ("runs.run.Run.point", 3),
        ("runs.run.Run.point", 4),
        ("runs.run.Run.prune", 2),
        ("runs.run.remove_checkpoint", 1),
        ("runs.run.Run.save_average", 1),
        ("runs.run.Run.finish", 1),
    ],
)
def test_a_run_killed_anywhere_and_resumed_is_the_run_that_was_not(
    function: str,
    call: int,
    whole: Run,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = 0

    def killed(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KilledError
        return plain(*arguments)

    with monkeypatch.context() as patch:
        place, _, name = f"seq2seq.{function}".rpartition(".")
        plain = getattr(resolve_name(place), name)
        patch.setattr(f"{place}.{name}", killed)
        with pytest.raises(KilledError):
            train(config, tmp_path / "run")
    assert_same(train(config, tmp_path / "run", resume=True), whole)


def test_a_validation_made_up_for_stands_once_even_if_a_kill_comes_before_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *RANDOM)
    with monkeypatch.context() as patch:
        signal_after(5, patch)  # a validation is due
        run = train(config, tmp_path / "run")
    assert run.checkpoint("last").state["due"]

    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("seq2seq.training.saver.Saver.save", killed)
        with pytest.raises(KilledError):
            train(config, run.folder, resume=True)
    assert len([r for r in run.read_metrics() if r["kind"] == "valid"]) == 1
    train(config, run.folder, resume=True)
    steps = [record["step"] for record in run.read_metrics() if record["kind"] == "valid"]
    assert steps == [5, 10, 12]


def test_a_change_of_settings_stands_once_even_if_a_kill_comes_before_it_is_saved(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.open(copied(whole, tmp_path))
    more = changed(whole.config, "training", max_steps=STEPS + 1)

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("seq2seq.runs.run.Run.continue_with", killed)
        with pytest.raises(KilledError):
            train(more, run.folder, resume=True)
    train(more, run.folder, resume=True)
    assert len([r for r in run.read_metrics() if r["kind"] == "settings"]) == 1


def test_kill_minus_nine_leaves_a_run_that_goes_on(
    whole: Run, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(dump_config(config))
    script = f"""
import os, signal
import torch
torch.set_num_threads(1)
from seq2seq.config import load_config
from seq2seq.pipeline import train
from seq2seq.runs import checkpoint
plain = checkpoint.save_weights
def half(tensors, path):
    plain(tensors, path)
    if "00000010" in str(path):
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save_weights = half
train(load_config({str(tmp_path / "config.yaml")!r}), {str(tmp_path / "run")!r})
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert (tmp_path / "run" / "checkpoints" / ".00000010.part").is_dir()
    assert_same(train(config, tmp_path / "run", resume=True), whole)


@pytest.mark.parametrize("step", [5, 6, 7, 8])
def test_a_run_stopped_among_updates_that_are_skipped_goes_on_as_the_run_that_was_not(
    step: int, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two batches of each of these updates has a loss of NaN."""

    def forward(objective: Likelihood, batch: Batch, after: int = 0) -> Loss:
        loss = plain(objective, batch, after)
        spoilt = after in (2, 5, 6) and len(batch.targets_BT[0]) > 4
        return loss._replace(total=loss.total * torch.nan) if spoilt else loss

    plain = Likelihood.forward
    monkeypatch.setattr(Likelihood, "forward", forward)
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        signal_after(step, patch)
        stopped = train(config, tmp_path / "run")
    state = stopped.checkpoint("last").state
    assert state["skipped"] == {5: 1, 6: 2, 7: 3, 8: 3}[step]
    assert state["skipped_in_row"] == {5: 0, 6: 1, 7: 2, 8: 0}[step]
    assert_same(train(config, tmp_path / "run", resume=True), whole)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("moments", [False, True], ids=["weights", "moments"])
def test_what_is_not_finite_is_never_saved_and_the_run_goes_on_from_before(
    value: float,
    moments: bool,
    whole: Run,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spoil(trainer: Trainer) -> None:
        plain(trainer)
        if trainer.progress.step == 7:
            parameter = trainer.model.output.weight
            state = trainer._update.optimizer.state[parameter]
            (state["exp_avg"] if moments else parameter.data)[0, 1] = value
            signal.raise_signal(signal.SIGTERM)

    plain = Trainer.update
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "update", spoil)
        with pytest.raises(UserError, match=f"run: not saved at step 7: .* holds {value}"):
            train(config, tmp_path / "run")
    assert [c.folder.name for c in Run.open(tmp_path / "run").checkpoints()] == ["00000005"]
    assert_same(train(config, tmp_path / "run", resume=True), whole)


def test_a_moment_of_another_shape_is_refused_by_file_and_entry(
    whole: Run, config: Config, tmp_path: Path
) -> None:
    """torch's fused optimisers would write beyond its end."""
    folder = copied(whole, tmp_path)
    last = unsealed(Run.open(folder).checkpoints()[-1])
    tensors = last.trainer_tensors()
    tensors["optimizer"]["state"][0]["exp_avg"] = torch.zeros(1)
    torch.save(tensors, last.folder / "trainer.pt")
    said = r"00000012/trainer\.pt: cannot be resumed from: optimizer\.state\.0\.exp_avg: expected"
    with pytest.raises(UserError, match=said):
        train(changed(config, "training", max_steps=15), folder, resume=True)


def test_resuming_where_nothing_is_yet_starts(whole: Run, config: Config, tmp_path: Path) -> None:
    assert_same(train(config, tmp_path / "run", resume=True), whole)


def test_a_run_goes_on_with_the_threads_that_it_began_with(whole: Run, tmp_path: Path) -> None:
    """The last bits of sums depend on them; without this, a busy machine would change the run."""
    run = copied(whole, tmp_path)
    more = changed(whole.config, "training", max_steps=STEPS + 1)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        train(more, run, resume=True)
        assert torch.get_num_threads() == before
    finally:
        torch.set_num_threads(before)


def test_a_run_without_checkpoint_starts_over(
    whole: Run, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(trainer: Trainer) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "validate", killed)
        with pytest.raises(KilledError):
            train(config, tmp_path / "run")
    assert len(metrics(Run.open(tmp_path / "run"))) == 1
    assert_same(train(config, tmp_path / "run", resume=True), whole)


# --- what may change on the way -------------------------------------------------------------------


def copied(whole: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.folder, tmp_path / "run", symlinks=True))


def changed(config: Config, part: str, **settings: Any) -> Config:
    tree = config.model_dump()
    branch = tree
    for name in part.split("."):
        branch = branch[name]
    branch.update(settings)
    return Config.model_validate(tree)


def test_a_changed_learning_rate_applies_and_is_noted(
    whole: Run, config: Config, tmp_path: Path
) -> None:
    longer = changed(config, "training", max_steps=15)
    slower = changed(longer, "training.optimizer", lr=0.004, weight_decay=0.3, betas=(0.8, 0.9))
    run = train(slower, copied(whole, tmp_path), resume=True)
    factor = 0.5 ** run.checkpoint("last").state["reductions"]
    assert metrics(run)[-2]["lr"] in (0.004 * factor, 0.004 * factor * 2)
    group = run.checkpoint("last").trainer_tensors()["optimizer"]["param_groups"][0]
    assert (group["weight_decay"], tuple(group["betas"])) == (0.3, (0.8, 0.9))
    assert Run.open(run.folder).config.training == slower.training
    before, noted = metrics(run)[: len(metrics(whole))], metrics(run)[len(metrics(whole))]
    assert before == metrics(whole)
    assert (noted["kind"], noted["step"]) == ("settings", 12)
    assert noted["changes"] == {
        "training.max_steps": [12, 15],
        "training.optimizer.lr": [0.01, 0.004],
        "training.optimizer.betas": [[0.9, 0.999], [0.8, 0.9]],
        "training.optimizer.weight_decay": [0.0, 0.3],
    }
    log = (run.folder / "train.log").read_text()
    assert "training.optimizer.lr: 0.01 -> 0.004 from step 12 on" in log


def test_the_best_so_far_is_judged_by_the_metric_of_today(
    whole: Run, config: Config, tmp_path: Path
) -> None:
    longer = changed(config, "training", max_steps=15, metric="bleu", average=1)
    run = train(longer, copied(whole, tmp_path), resume=True)
    valid = {m["step"]: (m["bleu"], -m["loss"]) for m in metrics(run) if m["kind"] == "valid"}
    best_before = whole.checkpoint("last").state["best_step"]
    assert run.result is not None
    assert int(run.result["best"]) == max((best_before, 15), key=lambda step: valid[step])


def test_a_run_that_goes_on_takes_its_best_checkpoint_for_the_best_not_its_average(
    whole: Run, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(whole, tmp_path)
    Run.open(folder).point("best", "average")
    with monkeypatch.context() as patch:
        signal_after(13, patch)
        run = train(changed(config, "training", max_steps=15), folder, resume=True)
    assert run.checkpoint("best").folder.resolve().name == f"{best_step(whole):08d}"


def best_step(run: Run) -> int:
    return int(run.checkpoint("last").state["best_step"])


@pytest.mark.parametrize(
    ("part", "setting", "key"),
    [
        (
            "model",
            {"dropout": 0.1},
            r"cannot change model\.dropout from 0\.2 to 0\.1 when res",
        ),
        ("model.decoder", {"size": 17}, r"model\.decoder\.size from 16"),
        ("model.attention", {"kind": "general"}, r"model\.attention\.kind from 'additive'"),
        ("batching", {"sentences": 3}, r"batching\.sentences from 2"),
        ("tokenizer", {"source_end": False}, r"tokenizer\.source_end from True"),
        ("data", {"max_length": 99}, r"data\.max_length from 100"),
    ],
)
def test_what_must_stay_is_refused_by_name_and_leaves_the_run_alone(
    part: str, setting: dict[str, Any], key: str, whole: Run, config: Config
) -> None:
    before = contents(whole.folder)
    with pytest.raises(UserError, match=key):
        train(changed(config, part, **setting), whole.folder, resume=True)
    assert contents(whole.folder) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_with_its_limit_reached_is_refused_and_stays_finished(
    whole: Run, config: Config
) -> None:
    before = contents(whole.folder)
    with pytest.raises(
        UserError, match=r"whole: nothing to train: .*training\.max_steps 12 is reached"
    ):
        train(config, whole.folder, resume=True)
    after = contents(whole.folder)
    after.pop(whole.folder / "train.log")
    before.pop(whole.folder / "train.log")
    assert after == before


def test_a_second_run_in_the_same_directory_is_refused(whole: Run, config: Config) -> None:
    with pytest.raises(UserError, match="already holds a run; resume it with --resume"):
        train(config, whole.folder)


@pytest.mark.parametrize("split", ["train", "valid"])
def test_other_text_under_the_same_name_is_refused(
    split: str, whole: Run, config: Config, tmp_path: Path
) -> None:
    path = write_corpus(tmp_path, "other", [*EIGHT[1:], ("the cat", "le chat")])
    other = changed(changed(config, "data", **{split: path}), "training", max_steps=15)
    with pytest.raises(UserError, match=rf"data\.{split} is not the text that the run began with"):
        train(other, whole.folder, resume=True)


def test_the_same_text_in_another_place_is_fine(whole: Run, config: Config, tmp_path: Path) -> None:
    data = {name: write_corpus(tmp_path, name, EIGHT) for name in ("train", "valid")}
    moved = changed(changed(config, "data", **data), "training", max_steps=13)
    run = train(moved, copied(whole, tmp_path), resume=True)
    assert run.result is not None
    assert run.result["steps"] == 13
    assert Run.open(run.folder).config.data.train == data["train"]


def test_a_run_directory_needs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "work" / "cache"))
    run = train(tiny(tmp_path / "work"), tmp_path / "work" / "runs" / "one")
    texts = [source for source, _ in EIGHT]
    before = [translation.as_dict() for translation in load(run.folder).translate(texts)]
    moved = Path(shutil.move(run.folder, tmp_path / "elsewhere"))
    shutil.rmtree(tmp_path / "work")
    monkeypatch.chdir(tmp_path)
    after = [translation.as_dict() for translation in seq2seq.load(moved).translate(texts)]
    assert after == before
