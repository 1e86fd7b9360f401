"""Training end to end on eight sentences: it learns, stops, keeps, averages, and says so."""

import json
import logging
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from seq2seq.config import Config, load_config
from seq2seq.data.batching import Batch, Batches
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.inference.translator import load
from seq2seq.kernels import precision, products
from seq2seq.kinds import OPTIMIZERS
from seq2seq.model.attention import ATTENTIONS
from seq2seq.model.model import Seq2Seq
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from seq2seq.training.averaging import best_checkpoints
from seq2seq.training.loss import Loss
from seq2seq.training.loss import batch_loss as plain_loss
from seq2seq.training.objective import Likelihood, build_objective
from seq2seq.training.trainer import Trainer
from seq2seq.training.validator import Validation
from tests.integration.tiny import BY_HEART, EIGHT, tiny


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.getbasetemp() / "training-cache"))


def records(run: Run, kind: str) -> list[dict[str, Any]]:
    return [record for record in run.read_metrics() if record["kind"] == kind]


# --- learning -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decoder",
    [
        ["model.decoder=luong", "model.attention=dot"],
        ["model.decoder=luong", "model.decoder.input_feeding=true", "model.attention=general"],
        ["model.decoder=bahdanau"],
        ["model.decoder=conditional", "model.attention=multihead"],
    ],
    ids=lambda overrides: "-".join(override.rpartition("=")[2] for override in overrides),
)
def test_eight_sentences_are_learnt_by_heart(decoder: list[str], tmp_path: Path) -> None:
    run = train(tiny(tmp_path, *BY_HEART, *decoder), tmp_path / "run")
    assert run.result is not None
    assert run.result["loss"] < 0.1
    assert run.result["bleu"] == pytest.approx(100)
    translations = load(run.folder).translate([source for source, _ in EIGHT])
    assert [translation.text for translation in translations] == [target for _, target in EIGHT]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path) -> None:
    files = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        config = tiny(tmp_path, f"seed={seed}", "model.dropout=0.3", "training.max_steps=3")
        run = train(config, tmp_path / name)
        files.append((run.checkpoint("last").folder / "model.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_bf16_runs_and_leaves_weights_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bf16", lambda device: True)  # or emulates it
    teacher = ["training.teacher_forcing=linear", "training.teacher_forcing.steps=6"]
    run = train(tiny(tmp_path, "training.precision=bf16", *teacher), tmp_path / "run")
    assert all(p.dtype == torch.float32 for p in run.load_model("last").parameters())
    plain = train(tiny(tmp_path, *teacher), tmp_path / "plain")
    assert run.result is not None
    assert plain.result is not None
    assert run.result["loss"] != plain.result["loss"]
    assert run.result["loss"] == pytest.approx(plain.result["loss"], rel=0.05)


def test_on_a_processor_without_bf16_it_is_fp32_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(products, "BF16", False)
    steps = "training.max_steps=3"
    run = train(tiny(tmp_path, "training.precision=bf16", steps), tmp_path / "run")
    assert "bf16: this processor does not multiply bf16, computing in fp32" in caplog.text
    plain = train(tiny(tmp_path, steps), tmp_path / "plain")
    files = [r.checkpoint("last").folder / "model.safetensors" for r in (run, plain)]
    assert files[0].read_bytes() == files[1].read_bytes()


# --- what is written ------------------------------------------------------------------------------


def test_metrics_have_the_fields_that_readers_count_on(tmp_path: Path) -> None:
    settings = ["training.log_every=2", "training.teacher_forcing=linear"]
    run = train(tiny(tmp_path, *settings, "training.teacher_forcing.steps=6"), tmp_path / "run")
    windows, validations = records(run, "train"), records(run, "valid")
    assert [record["step"] for record in windows] == [2, 4, 6]
    assert [record["step"] for record in validations] == [3, 6]
    for record in windows:
        assert record.keys() == {
            "kind",
            "step",
            "epoch",
            "loss",
            "perplexity",
            "lr",
            "target_tokens",
            "target_tokens_per_second",
            "seconds",
            "teacher_forcing_ratio",
        }
        assert 0 <= record["teacher_forcing_ratio"] <= 1
    for record in validations:
        assert record.keys() == {"kind", "step", "loss", "bleu", "chrf", "exact", "seconds"}
    epoch_tokens = sum(len(prepare(run.config).train[i][1]) + 1 for i in range(len(EIGHT)))
    assert windows[-1]["target_tokens"] == 3 * epoch_tokens
    assert windows[-1]["epoch"] == 3
    assert run.result is not None
    assert run.result.keys() == {
        "reason",
        "steps",
        "epochs",
        "seconds",
        "target_tokens",
        "peak_memory",
        "best",
        "loss",
        "bleu",
        "chrf",
        "exact",
        "tokenize",
    }


@pytest.fixture
def _unheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package's logger as a program finds it that imports the package."""
    package = logging.getLogger("seq2seq")
    monkeypatch.setattr(package, "handlers", [])
    level = package.level
    package.setLevel(logging.NOTSET)
    yield
    package.setLevel(level)


@pytest.mark.usefixtures("_unheard")
def test_the_log_of_a_run_is_written_and_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tiny(tmp_path, "training.samples=2"), tmp_path / "run")
    assert capsys.readouterr() == ("", "")
    log = (run.folder / "train.log").read_text()
    assert log.count("hypothesis") == 2 * 2
    assert "parameters (encoder" in log
    assert "finished (max_steps) after 6 steps" in log


def test_the_loss_of_a_window_is_the_mean_over_its_tokens(tmp_path: Path) -> None:
    settings = ["training.optimizer.lr=1e-30", "training.max_steps=4", "training.accumulate=2"]
    run = train(tiny(tmp_path, *settings, "training.log_every=4"), tmp_path / "run")
    (window,), validations = records(run, "train"), records(run, "valid")
    assert window["loss"] == pytest.approx(validations[0]["loss"], rel=1e-5)


def test_accumulating_batches_is_one_larger_batch(tmp_path: Path) -> None:
    weights = []
    for name, sentences, accumulate in (("a", 4, 2), ("b", 8, 1)):
        settings = [f"batching.sentences={sentences}", f"training.accumulate={accumulate}"]
        config = tiny(tmp_path, *settings, "training.max_steps=3", "training.validate_every=3")
        weights.append(train(config, tmp_path / name).checkpoint("last").weights())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-3, atol=1e-4)


# --- when it ends and what it keeps ---------------------------------------------------------------


def judged(
    found: Sequence[float | Validation],
    config: Config,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    resume: bool = False,
) -> Run:
    """A run whose validations find these losses, and BLEU 0, or all of this."""
    each = iter([one if isinstance(one, Validation) else Validation(one, 0, 0) for one in found])
    monkeypatch.setattr("seq2seq.pipeline.build_validate", lambda *_: lambda model: next(each))
    return train(config, folder / "run", resume=resume)


def names(run: Run) -> list[str]:
    return [checkpoint.folder.name.lstrip("0") for checkpoint in run.checkpoints()]


EVERY = ("training.metric=loss", "training.validate_every=1", "training.max_steps=9")


def test_it_stops_when_patience_is_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.patience=2")
    run = judged([3.0, 2.0, 2.5, 1.0, 1.0, 1.5], config, tmp_path, monkeypatch)
    assert run.result is not None
    assert run.result["reason"] == "patience"
    assert (run.result["steps"], run.result["best"], run.result["loss"]) == (6, "00000004", 1.0)


def test_the_best_the_last_and_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.keep=2")
    run = judged([3, 2, 1, 4, 5, 6, 7, 8, 9], config, tmp_path, monkeypatch)
    assert names(run) == ["3", "8", "9"]
    assert run.checkpoint("best").state["step"] == 3
    assert run.checkpoint("last").state["step"] == 9


@pytest.mark.parametrize(
    ("loss", "best"), [(0.5, "average-00000009-3-743a6cb0"), (1.5, "00000009")]
)
def test_the_average_of_the_last_is_the_best_if_it_is_better(
    loss: float, best: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.average=3")
    run = judged([9, 8, 7, 6, 5, 4, 3, 2, 1, loss], config, tmp_path, monkeypatch)
    assert run.checkpoint("average").state["average_of"] == ["00000007", "00000008", "00000009"]
    assert run.checkpoint("best").folder.resolve().name == best
    assert run.result is not None
    assert run.result["loss"] == min(loss, 1)


def test_the_best_are_averaged_if_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*EVERY, "training.average=3", "training.average_of=best"]
    losses = [9, 3, 8, 2, 7, 2, 6, 5, 4]
    stopped = tiny(tmp_path, *settings, "training.max_steps=7")
    judged([*losses[:7], 9], stopped, tmp_path, monkeypatch)
    config = tiny(tmp_path, *settings)
    run = judged([*losses[7:], 1], config, tmp_path, monkeypatch, resume=True)
    assert run.checkpoint("average").state["average_of"] == ["00000002", "00000004", "00000006"]
    assert run.checkpoint("best").folder.resolve().name == "average-00000006-3-c0331c15"
    assert names(run) == ["2", "4", "6", "9"]


def test_the_learning_rate_falls_on_a_plateau(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = ["training.schedule=plateau", "training.schedule.patience=1"]
    config = tiny(tmp_path, *EVERY, *schedule, "training.log_every=1")
    run = judged([3, 2, 2, 2, 2, 2, 1, 1, 1], config, tmp_path, monkeypatch)
    factors = [record["lr"] / 0.01 for record in records(run, "train")]
    assert factors == pytest.approx([1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25])


def test_a_limit_on_epochs_or_time_ends_it_with_a_validation(tmp_path: Path) -> None:
    for name, limit in (("epochs", "training.max_epochs=2"), ("time", "training.max_minutes=1e-9")):
        settings = ["training.max_steps=null", "training.validate_every=null", limit]
        run = train(tiny(tmp_path, *settings), tmp_path / name)
        assert run.result is not None
        assert run.result["reason"] == limit.partition("=")[0].partition(".")[2]
        assert records(run, "valid")[-1]["step"] == run.result["steps"]


def test_what_is_equal_in_bleu_goes_to_the_lower_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.metric=bleu", "training.max_steps=5")
    found = [Validation(3, 40, 50), Validation(2, 40, 50), Validation(1, 39, 60)]
    run = judged([*found, Validation(2.5, 40, 50), *found[2:]], config, tmp_path, monkeypatch)
    assert run.result is not None
    assert (run.result["best"], run.result["loss"]) == ("00000002", 2)


def test_the_best_at_chrf_is_the_best_if_the_setting_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.metric=chrf", "training.max_steps=3")
    found = [Validation(3, 40, 50), Validation(2, 30, 60), Validation(1, 50, 55)]
    run = judged(found, config, tmp_path, monkeypatch)
    assert run.result is not None
    assert (run.result["best"], run.result["chrf"]) == ("00000002", 60)


def test_a_bleu_of_0_so_far_is_judged_by_the_loss_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["training.metric=bleu", "training.patience=2", "training.max_steps=9"]
    config = tiny(tmp_path, *EVERY, *settings)
    losses = [3, 2.5, 2, 1.5, 1, 0.9, 0.8, 0.7]
    run = judged([*losses, Validation(5, 0.1, 0)], config, tmp_path, monkeypatch)
    assert run.result is not None
    assert (run.result["reason"], run.result["best"]) == ("max_steps", "00000009")
    log = (run.folder / "train.log").read_text()
    assert log.count("validation BLEU is 0 so far: the loss judges until it rises") == 1


def test_where_bleu_cannot_tell_the_loss_judges_patience_and_plateau_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = ["training.schedule=plateau", "training.schedule.patience=0"]
    settings = ["training.metric=bleu", "training.patience=2", "training.log_every=1"]
    config = tiny(tmp_path, *EVERY, *settings, *schedule)
    falling = [Validation(4 - n / 2, 10 - n, 9, bleu_tells=False) for n in range(4)]
    rising = [Validation(5, 90 + n, 9, bleu_tells=False) for n in range(2)]
    run = judged([*falling, *rising], config, tmp_path, monkeypatch)
    assert run.result is not None
    assert (run.result["reason"], run.result["best"]) == ("patience", "00000004")
    factors = [record["lr"] / 0.01 for record in records(run, "train")]
    assert factors == pytest.approx([1, 1, 1, 1, 1, 0.5])


def test_bleu_of_other_tokens_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["training.metric=bleu", "training.max_steps=2"]
    old = [Validation(3, 0, 0, tokenize="13a"), Validation(2.5, 9, 0, tokenize="13a")]
    judged(old, tiny(tmp_path, *EVERY, *settings), tmp_path, monkeypatch)
    config = tiny(tmp_path, *EVERY, "training.metric=bleu", "training.max_steps=5")
    new = [(2.7, 40), (2.4, 8), (2.6, 9)]  # by loss; by loss, the new best; by BLEU
    found = [Validation(loss, bleu, 0, tokenize="zh") for loss, bleu in new]
    run = judged(found, config, tmp_path, monkeypatch, resume=True)
    assert run.result is not None
    assert (run.result["best"], run.result["tokenize"]) == ("00000005", "zh")
    assert run.checkpoint("5").state["misses"] == 0
    log = (run.folder / "train.log").read_text()
    assert log.count("best BLEU so far counts the tokens of 13a, the new one the tokens of zh") == 1


def test_a_state_from_before_other_tokenisers_is_that_of_13a(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*EVERY, "training.metric=bleu"]
    run = judged([3.0], tiny(tmp_path, *settings, "training.max_steps=1"), tmp_path, monkeypatch)
    state = run.checkpoint("last").folder / "state.json"
    values = json.loads(state.read_text())
    del values["best_tokenize"], values["best_metrics"]["chrf"]
    del values["checksum"], values["sha256"], values["files"]  # a version without them
    state.write_text(json.dumps(values))
    (run.folder / "result.json").unlink()
    config = tiny(tmp_path, *settings, "training.max_steps=2")
    run = judged([Validation(4, 1, 1)], config, tmp_path, monkeypatch, resume=True)
    assert run.result is not None
    assert (run.result["best"], run.result["chrf"]) == ("00000002", 1)


# --- what goes wrong ------------------------------------------------------------------------------


def spoilt(
    value: float, step: int, monkeypatch: pytest.MonkeyPatch, *, until: float = math.inf
) -> None:
    """Have every loss from `step` on be `value` a token: no processor need overflow for it."""
    calls = 0

    def batch_loss(*arguments: Any) -> Loss:
        nonlocal calls
        calls += 1
        loss = plain_loss(*arguments)
        return (
            loss._replace(plain=loss.plain * 0 + value * loss.weight)
            if step <= calls <= until
            else loss
        )

    monkeypatch.setattr("seq2seq.training.objective.batch_loss", batch_loss)


@pytest.mark.parametrize("loss", [1e4, 8e30])
@pytest.mark.parametrize("step", [5, 6, 7])
def test_a_loss_that_is_lost_ends_it_before_a_checkpoint_is_spoilt(
    loss: float, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(loss, step, monkeypatch)
    config = tiny(tmp_path, "training.log_every=4", "training.max_steps=60")
    with pytest.raises(UserError, match=r"the loss became .*lower training\.optimizer\.lr"):
        train(config, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert names(run)[-1] == ("3" if step < 7 else "6")
    assert int(run.checkpoint("best").folder.resolve().name) < step


def skipped(run: Run) -> dict[int, int]:
    """How many updates were skipped in the window up to each step that has any."""
    return {r["step"]: r["skipped"] for r in records(run, "train") if "skipped" in r}


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_updates_whose_loss_is_not_finite_are_skipped_counted_and_logged(
    loss: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(loss, 4, monkeypatch, until=6)
    run = train(tiny(tmp_path, "training.log_every=2", "training.max_steps=8"), tmp_path / "run")
    assert skipped(run) == {4: 1, 6: 2}
    losses = {r["step"]: r["loss"] for r in records(run, "train") if "loss" in r}
    assert 6 not in losses  # both of its updates were skipped
    assert all(0 < losses[step] < 6 for step in (2, 4, 8))
    state = run.checkpoint("last").state
    assert (state["skipped"], state["skipped_in_row"]) == (3, 0)
    log = (run.folder / "train.log").read_text()
    assert "step 5: skipped, the loss or the gradient is not finite; 2 in a row, 2 in all" in log
    assert "3 of 8 updates were skipped" in log


@pytest.mark.parametrize("log_every", [1, 50])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_after_too_many_in_a_row_training_ends_with_the_batch_kept_for_replay(
    value: float, log_every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Batch, torch.Tensor]] = []

    def watched(objective: Likelihood, batch: Batch, step: int = 0) -> Loss:
        seen.append((batch, torch.get_rng_state()))
        return plain(objective, batch, step)

    plain = Likelihood.forward
    monkeypatch.setattr(Likelihood, "forward", watched)
    spoilt(value, 5, monkeypatch)
    config = tiny(
        tmp_path,
        f"training.log_every={log_every}",
        "training.max_steps=60",
        "training.max_skipped=4",
        "training.teacher_forcing.start=0.5",
        "training.accumulate=2",
        "model.dropout=0.2",
    )
    said = (
        r"^the loss or the gradient was not finite in 4 updates in a row "
        r"\(training\.max_skipped\), "
        r"up to step 6: lower training\.optimizer\.lr, .*; the batch is in .*replay/00000006\.pt; "
        r"--resume goes on from the last checkpoint$"
    )
    with pytest.raises(UserError, match=said):
        train(config, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert [c.state["skipped_in_row"] for c in run.checkpoints()][-1] == 1  # of step 3
    kept = torch.load(run.folder / "replay" / "00000006.pt", weights_only=True)
    assert kept["step"] == 5
    batches = [Batch(**fields) for fields in kept["batches"]]
    for batch, (was, _) in zip(batches, seen[-2:], strict=True):
        torch.testing.assert_close(vars(batch), vars(was), rtol=0, atol=0)
    model = run.build_model()
    model.load_state_dict(kept["weights"])
    torch.set_rng_state(kept["cpu_rng"])
    loss = build_objective(run.config.training, model)(batches[0], kept["step"])
    assert not loss.plain.isfinite()


@pytest.mark.parametrize(
    "settings",
    [
        ["training.teacher_forcing.start=0.5", "training.teacher_forcing.next=sample"],
        ["model.attention.addressing=hard"],
        ["model.attention.addressing=local-p", "training.optimizer.clip=null"],
    ],
    ids=" ".join,
)
def test_a_model_that_gives_nan_ends_it_in_one_line_whatever_draws(
    settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(output: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        return plain(output, features) * float("nan")

    plain = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", nothing)
    monkeypatch.setattr(
        "seq2seq.kernels.products.linear",
        lambda x, weight, bias=None: functional.linear(x, weight, bias) * float("nan"),
    )
    config = tiny(tmp_path, "training.max_steps=60", "training.validate_every=30", *settings)
    with pytest.raises(UserError, match=r"^the loss or the gradient was not finite in 10 updates"):
        train(config, tmp_path / "run")
    assert Run.open(tmp_path / "run").checkpoints() == []


def test_a_leap_of_the_first_window_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(1e4, 1, monkeypatch)
    run = train(tiny(tmp_path, "training.log_every=6"), tmp_path / "run")
    assert run.result is not None


def test_a_loss_above_that_of_a_guess_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(20.0, 1, monkeypatch)
    run = train(tiny(tmp_path, "training.log_every=2"), tmp_path / "run")
    assert run.result is not None
    told = "the training loss is 20, where a guess among 90 has 4.50: is training.optimizer.lr too"
    assert (run.folder / "train.log").read_text().count(told) == 1


def test_an_exploded_loss_is_told_beside_that_of_a_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        UserError, match=r"the loss became 1e\+03, where a guess among 90 has 4\.50, at or before"
    ):
        judged([1000.0], tiny(tmp_path), tmp_path, monkeypatch)
    assert Run.open(tmp_path / "run").checkpoints() == []


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e3])
def test_a_validation_that_is_lost_is_never_the_best(
    loss: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY)
    with pytest.raises(UserError, match=r"the loss became .* at or before step 2"):
        judged([3, loss, 1], config, tmp_path, monkeypatch)
    assert names(Run.open(tmp_path / "run")) == ["1"]
    assert Run.open(tmp_path / "run").checkpoint("best").state["step"] == 1


def test_a_device_that_is_not_there_leaves_no_directory(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="device: expected auto, cpu, cuda or cuda:1, found 'gpu'"):
        train(tiny(tmp_path, "training.device=gpu"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- memory ---------------------------------------------------------------------------------------


def trainer(tmp_path: Path, *overrides: str) -> Trainer:
    config = tiny(tmp_path, "model.dropout=0.2", "training.teacher_forcing.start=0.5", *overrides)
    prepared = prepare(config)
    torch.manual_seed(1)
    model = Seq2Seq(config.model, len(prepared.tokenizers.source), len(prepared.tokenizers.target))
    batches = Batches(prepared.train, config.batching, source_end=True, seed=1)
    run = Run.create(tmp_path / "run", config, prepared.tokenizers, {})
    return Trainer(config, model, batches, run, lambda _: Validation(0, 0, 0))


def test_the_largest_batch_has_the_most_pairs_of_places(tmp_path: Path) -> None:
    batches = trainer(tmp_path, "batching.sentences=3").batches
    largest = batches.largest()
    sizes = []
    for _ in batches.plan(0):
        (batch,) = next(batches).batches
        sizes.append(len(batch) * batch.source_BS.size(1) * batch.targets_BT.size(1))
    assert largest.source_BS.size(1) * largest.targets_BT.size(1) * len(largest) == max(sizes)


def test_trying_the_largest_batch_changes_nothing(tmp_path: Path) -> None:
    tried = trainer(tmp_path)
    weights = [parameter.clone() for parameter in tried.model.parameters()]
    random, progress = torch.get_rng_state(), str(tried.progress)
    tried.try_largest_batch()
    assert torch.equal(torch.get_rng_state(), random)
    assert str(tried.progress) == progress
    for parameter, before in zip(tried.model.parameters(), weights, strict=True):
        assert torch.equal(parameter, before)
        assert parameter.grad is None


FULL = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    MemoryError(),
]


@pytest.mark.parametrize("error", FULL, ids=repr)
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_what_does_not_fit_in_memory_is_told_by_lengths_and_key(
    where: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    tried = trainer(tmp_path)
    largest = tried.batches.largest()
    monkeypatch.setattr(Seq2Seq if where == "forward" else torch.Tensor, where, full)
    said = (
        rf"^out of memory .*batch of {len(largest)} sentences, {largest.source_BS.size(1)} source "
        rf"and {largest.targets_BT.size(1)} target .*lower batching\.tokens or data\.max_length$"
    )
    with pytest.raises(UserError, match=said):
        tried.try_largest_batch()


@pytest.mark.parametrize("error", FULL, ids=repr)
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("torch.optim.Adam.step", "out of memory at step 1 on a batch of 4 sentences, "),
        ("seq2seq.evaluation.validation.batch_loss", "out of memory in validation on a batch of 4"),
        ("seq2seq.inference.translator.search", r"sentence \d: out of memory with \d+ source "),
    ],
)
def test_memory_that_runs_out_elsewhere_is_told_in_one_line(
    place: str, told: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, full)
    with pytest.raises(UserError, match=f"^{told}"):
        train(tiny(tmp_path), tmp_path / "run")


# --- TensorBoard ----------------------------------------------------------------------------------


class Writer:
    """Stands in for tensorboard's SummaryWriter."""

    opened: list["Writer"] = []  # noqa: RUF012 -- emptied by the fixture

    def __init__(self, folder: Path, purge_step: int) -> None:
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.scalars: list[tuple[str, float, int]] = []
        self.opened.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        assert not self.closed
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(torch.utils, "tensorboard", module, raising=False)
    Writer.opened.clear()
    return Writer.opened


def test_every_metric_is_a_scalar_too(writers: list[Writer], tmp_path: Path) -> None:
    settings = ["training.tensorboard=true", "training.log_every=2"]
    run = train(tiny(tmp_path, *settings), tmp_path / "run")
    (writer,) = writers
    assert (writer.folder, writer.purge_step) == (run.folder / "tensorboard", 1)
    assert writer.closed
    assert sorted(writer.scalars) == sorted(
        (f"{record['kind']}/{name}", value, record["step"])
        for record in records(run, "train") + records(run, "valid")
        for name, value in record.items()
        if name not in ("kind", "step")
    )
    train(tiny(tmp_path, *settings, "training.max_steps=7"), run.folder, resume=True)
    assert writers[-1].purge_step == 7


def test_without_tensorboard_the_setting_is_refused_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'seq2seq-attention\[tensorboard\]'"):
        train(tiny(tmp_path, "training.tensorboard=true"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- a unit of one's own --------------------------------------------------------------------------

UNIT = '''
from __future__ import annotations

from torch import Tensor, nn

from seq2seq.model.attention import ATTENTIONS, Attention


class Scaled(Attention):
    """score(s, h) = factor * s . W h."""

    def __init__(self, query_size: int, memory_size: int, *, factor: float = 1.0) -> None:
        super().__init__(query_size, memory_size)
        self.key = nn.Linear(memory_size, query_size, bias=False)
        self.factor = check(factor)

    def score(self, queries_BHTK: Tensor, memory, state) -> Tensor:
        return self.factor * queries_BHTK @ self.key(memory.keys_BHSK).transpose(-1, -2)


def check(factor: float) -> float:
    assert factor > 0
    return factor


ATTENTIONS["scaled"] = Scaled
'''


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Path]:
    """A user's file; what it registers is forgotten after the test."""
    path = tmp_path / "my units" / "scaled.py"
    path.parent.mkdir()
    path.write_text(UNIT)
    yield path
    ATTENTIONS.pop("scaled", None)


def test_a_unit_of_one_s_own_is_trained_and_travels_with_the_run(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [f"code={unit}", "model.attention=scaled", "model.attention.factor=0.5"]
    run = train(tiny(tmp_path, *settings), tmp_path / "run")
    before = load(run.folder).translate(["the cat sleeps"])[0].as_dict()
    unit.unlink()
    ATTENTIONS.pop("scaled")
    monkeypatch.setattr("seq2seq.extension._loaded", {})  # as in another process
    again = load(run.folder)
    assert again.translate(["the cat sleeps"])[0].as_dict() == before
    longer = load_config(run.folder / "config.yaml", ["training.max_steps=7"])
    run = train(longer, run.folder, resume=True)
    assert run.result is not None
    assert run.result["steps"] == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1 / 0", "ZeroDivisionError: division by zero"), ("def", "SyntaxError")],
)
def test_code_that_fails_is_named(text: str, said: str, unit: Path, tmp_path: Path) -> None:
    unit.write_text(text)
    with pytest.raises(UserError, match=rf"scaled\.py.*{said}"):
        train(tiny(tmp_path, f"code={unit}"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_unit_that_nothing_defines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.attention\.kind: .*found 'aditive'.*'additive'"):
        train(tiny(tmp_path, "model.attention=aditive"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_minimum_risk_goes_on_from_a_trained_run(tmp_path: Path) -> None:
    config = tiny(tmp_path, *BY_HEART, "training.max_steps=40")
    trained = train(config, tmp_path / "trained")
    settings = [
        *("training.objective=minimum-risk", "training.objective.samples=4"),
        *("training.objective.alpha=0.5", "training.max_steps=30", "training.validate_every=30"),
        *(f"data.train={config.data.train}", f"data.valid={config.data.valid}"),
        *("batching.sentences=4", "training.samples=0", f"init={trained.folder}"),
    ]
    run = train(load_config(None, settings), tmp_path / "risk")
    assert run.result is not None
    assert trained.result is not None
    assert run.result["chrf"] >= trained.result["chrf"]


def test_a_student_learns_from_an_ensemble_and_is_resumed_with_it(tmp_path: Path) -> None:
    teachers = [
        train(tiny(tmp_path, *BY_HEART, "training.max_steps=40", f"seed={seed}"), tmp_path / name)
        for seed, name in ((1, "a"), (2, "b"))
    ]
    folders = ", ".join(str(teacher.folder) for teacher in teachers)
    taught = [
        *(*BY_HEART, "model.decoder.size=12", "training.objective=distillation"),
        *(f"training.objective.teachers=[{folders}]", "training.objective.weight=0.7"),
    ]
    first = tiny(tmp_path, *taught, "training.max_steps=20")
    train(first, tmp_path / "student")
    run = train(tiny(tmp_path, *taught, "training.max_steps=80"), tmp_path / "student", resume=True)
    plain = train(tiny(tmp_path, *taught, "training.max_steps=80"), tmp_path / "at-once")
    assert run.result is not None
    assert plain.result is not None
    assert run.result["loss"] == plain.result["loss"] < 3


def test_teachers_that_cannot_teach_are_refused(tmp_path: Path) -> None:
    teacher = train(tiny(tmp_path, "tokenizer.vocab_size=30"), tmp_path / "teacher")
    cases = [
        (f"[{teacher.folder}]", "teacher: its tokenizers are not those of this training, so it"),
        (f"[{tmp_path / 'nobody'}]", "nobody: no such run"),
        ("[]", r"training\.objective\.teachers: .*at least 1 item"),
        (f"{teacher.folder}", r"training\.objective\.teachers: .*list"),
        (None, r"training\.objective\.teachers: Field required"),
    ]
    for value, message in cases:
        taught = [] if value is None else [f"training.objective.teachers={value}"]
        with pytest.raises(UserError, match=message):
            train(tiny(tmp_path, "training.objective=distillation", *taught), tmp_path / "student")
    assert not (tmp_path / "student").exists()


NAMED = """
from seq2seq.model.attention import ATTENTIONS
class Mine(ATTENTIONS["{base}"]):
    pass
ATTENTIONS["mine"] = Mine
"""


def test_the_code_of_a_teacher_does_not_replace_the_student_s(tmp_path: Path) -> None:
    for name, base in (("teacher", "dot"), ("student", "general")):
        (tmp_path / f"{name}.py").write_text(NAMED.format(base=base))
    short = ("model.attention=mine", "training.max_steps=2", "model.decoder.size=16")
    teacher = tiny(tmp_path, f"code={tmp_path / 'teacher.py'}", *short)
    train(teacher, tmp_path / "teacher")
    taught = ("training.objective=distillation", "training.objective.teachers=[teacher]")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        student = tiny(tmp_path, f"code={tmp_path / 'student.py'}", *short, *taught)
    run = train(student, tmp_path / "taught")
    both = load(tmp_path / "teacher", run.folder).models
    units = [type(model.decoder.units["source"]).__mro__[1] for model in both]
    assert units == [ATTENTIONS["dot"], ATTENTIONS["general"]]
    del ATTENTIONS["mine"]


def test_a_teacher_that_changed_is_told_of_and_a_run_can_not_teach_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    teacher = train(tiny(tmp_path, "training.max_steps=2"), tmp_path / "teacher")
    taught = [f"training.objective.teachers=[{teacher.folder}]", "training.objective=distillation"]
    train(tiny(tmp_path, *taught, "training.max_steps=2"), tmp_path / "run")
    train(tiny(tmp_path, "training.max_steps=4"), tmp_path / "teacher", resume=True)
    train(tiny(tmp_path, *taught, "training.max_steps=4"), tmp_path / "run", resume=True)
    assert "not the weights that taught before step 2" in caplog.text
    own = [f"training.objective.teachers=[{tmp_path / 'run'}]", "training.objective=distillation"]
    with pytest.raises(UserError, match="run can't teach itself"):
        train(tiny(tmp_path, *own, "training.max_steps=6"), tmp_path / "run", resume=True)


def test_a_run_that_averages_the_best_from_now_on_knows_those_that_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = tiny(tmp_path, *EVERY, "training.average=3", "training.max_steps=5")
    judged([9, 8, 2, 4, 3, 9], newest, tmp_path, monkeypatch)
    config = tiny(tmp_path, *EVERY, "training.average=3", "training.average_of=best")
    run = judged([7, 7, 7, 7, 1], config, tmp_path, monkeypatch, resume=True)
    assert run.checkpoint("average").state["average_of"] == ["00000003", "00000004", "00000005"]


def test_the_best_are_ranked_by_the_figure_that_training_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(tmp_path, *EVERY, "training.metric=bleu", "training.keep=9")
    losses = (5, 2, 3, 1, 9, 8, 7, 6, 4)
    blind = [Validation(loss, 90 - loss, 0, bleu_tells=False) for loss in losses]
    run = judged([one._replace(bleu=one.loss) for one in blind], config, tmp_path, monkeypatch)
    assert [saved.step for saved in best_checkpoints(run, 3)] == [4, 2, 3]


UNTYPED = """
from __future__ import annotations
from typing import TYPE_CHECKING
from seq2seq.kinds import OPTIMIZERS
import torch
if TYPE_CHECKING:
    from torch import Tensor
def untyped(parameters, lr, *, momentum=0.5):
    return torch.optim.SGD(parameters, lr, momentum=momentum)
def strange(parameters, lr, *, module: torch.nn.Module = None):
    return torch.optim.SGD(parameters, lr)
def hidden(parameters, lr, *, tensor: Tensor = None):
    return torch.optim.SGD(parameters, lr)
OPTIMIZERS.update(untyped=untyped, strange=strange, hidden=hidden)
"""


def test_options_of_a_users_part_without_a_type_that_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(UNTYPED)
    own = f"code={tmp_path / 'own.py'}"
    settings = [own, "training.optimizer.kind=untyped", "training.optimizer.momentum=0.1"]
    assert train(tiny(tmp_path, *settings), tmp_path / "run").result is not None
    for kind, message in (
        ("strange", r"training\.optimizer: an option of kind strange has a type that no setting"),
        ("hidden", r"hidden: the type of an argument cannot be told: NameError: .*Tensor"),
    ):
        with pytest.raises(UserError, match=message):
            train(tiny(tmp_path, own, f"training.optimizer.kind={kind}"), tmp_path / "other")
        assert not (tmp_path / "other").exists()
    for name in ("untyped", "strange", "hidden"):
        del OPTIMIZERS[name]


@pytest.mark.parametrize(
    ("objective", "setting"),
    [
        ("minimum-risk", "training.label_smoothing=0.2"),
        ("minimum-risk", "training.teacher_forcing=linear"),
        ("distillation", "training.teacher_forcing=linear"),
    ],
)
def test_what_an_objective_does_not_take_is_refused(objective: str, setting: str) -> None:
    with pytest.raises(UserError, match=rf"has no effect: training\.objective is {objective}"):
        load_config(None, [f"training.objective={objective}", setting])


def test_minimum_risk_does_not_train_hard_attention_and_says_so(tmp_path: Path) -> None:
    config = tiny(tmp_path, "training.objective=minimum-risk", "model.attention.addressing=hard")
    with pytest.raises(UserError, match="minimum-risk draws translations, but not where hard"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_consistency_without_dropout_is_refused(tmp_path: Path) -> None:
    config = tiny(tmp_path, "training.objective.consistency=1")
    with pytest.raises(UserError, match="the two passes are the same"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
