"""`init: RUN`: a run that goes on from another's weights and tokenizer, with other data."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch

from seq2seq import pipeline
from seq2seq.config import differences, load_config
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.run import Run
from tests.integration.conftest import Command
from tests.integration.tiny import EIGHT, tiny, write_corpus

OTHER = [("the dog sleeps here", "le chien dort ici"), ("a cat eats", "un chat mange")]


@pytest.fixture
def first(tmp_path: Path) -> Run:
    """A run to start from."""
    return pipeline.train(tiny(tmp_path / "first"), tmp_path / "runs/first")


def tuning(folder: Path, first: Run, *overrides: str, base: str = "base.yaml") -> Path:
    """A configuration as a person would write it: what it starts from, and its own data."""
    for name in ("train", "valid"):
        write_corpus(folder, name, OTHER)
    path = folder / "tune.yaml"
    path.write_text(
        f"extends: {base}\ninit: {first.folder}\n"
        "data: {train: train, valid: valid}\n"
        "training: {max_steps: 2, validate_every: 1, samples: 0, device: cpu,\n"
        "           optimizer: {lr: 1.0e-12}}\n"
        "decoding: {beam: 1}\n" + "".join(f"{line}\n" for line in overrides)
    )
    return path


def test_the_weights_the_tokenizer_and_the_model_are_the_run_s(tmp_path: Path, first: Run) -> None:
    config = load_config(tuning(tmp_path, first))
    tuned = pipeline.train(config, tmp_path / "runs/tuned")
    assert tuned.config.model == first.config.model
    assert tuned.config.tokenizer == first.config.tokenizer
    assert tuned.tokenizers.source.model == first.tokenizers.source.model
    was, now = first.checkpoint("best").weights(), tuned.checkpoint("last").weights()
    assert was.keys() == now.keys()
    for name in was:  # two updates at a rate of 1e-12
        torch.testing.assert_close(now[name], was[name], atol=1e-8, rtol=0)


def test_before_the_first_update_the_weights_are_the_run_s_exactly(
    tmp_path: Path, first: Run
) -> None:
    model = Seq2Seq(first.config.model, *first.tokenizers.sizes)
    pipeline.load_init(model, first.folder)
    for name, weight in first.load_model("best").state_dict().items():
        assert torch.equal(model.state_dict()[name], weight)


def test_text_is_cut_by_the_run_s_tokenizer_and_kept_apart_in_the_cache(
    tmp_path: Path, first: Run
) -> None:
    config = load_config(tuning(tmp_path, first))
    alone = config.model_copy(update={"init": None, "tokenizer": first.config.tokenizer})
    given = prepare(pipeline.with_init(config), cache=tmp_path / "cache")
    learnt = prepare(alone, cache=tmp_path / "cache")
    assert given.folder != learnt.folder
    assert given.tokenizers.source.model == first.tokenizers.source.model
    assert given.tokenizers.source.model != learnt.tokenizers.source.model
    ids, _ = given.train[0]
    assert ids.tolist() == first.tokenizers.source.encode(OTHER[0][0])


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("model: {embedding: 16}", r"model\.embedding: was 8 in .*first and can't be 16"),
        ("model: {decoder: luong}", r"model\.decoder\.kind: was 'bahdanau' .* can't be 'luong'"),
        ("tokenizer: {vocab_size: 50}", r"tokenizer\.vocab_size: was 90 .* can't be 50"),
        ("model: {embedding: 256}", r"model\.embedding: was 8 .* can't be 256"),  # the default
    ],
)
def test_a_model_that_is_said_otherwise_is_refused(
    setting: str, told: str, tmp_path: Path, first: Run
) -> None:
    config = load_config(tuning(tmp_path, first, setting))
    with pytest.raises(UserError, match=told):
        pipeline.train(config, tmp_path / "runs/tuned")
    assert not (tmp_path / "runs/tuned").exists()


def test_what_no_weight_depends_on_may_be_another(tmp_path: Path) -> None:
    cell = "{kind: dnc, slots: %d, width: 2, reads: 1}"
    one = tiny(tmp_path / "first", f"model.encoder.cell={cell % 3}", "model.dropout=0.1")
    first = pipeline.train(one, tmp_path / "runs/first")
    more = f"model: {{dropout: 0.3, encoder: {{cell: {cell % 9}}}}}"
    tuned = pipeline.train(load_config(tuning(tmp_path, first, more)), tmp_path / "runs/tuned")
    assert tuned.config.model.dropout == 0.3
    changed = [key for key, _, _ in differences(first.config, tuned.config) if "model." in key]
    assert changed == ["model.dropout", "model.encoder.cell.slots"]
    was, now = first.checkpoint("best").weights(), tuned.checkpoint("last").weights()
    for name in was:
        torch.testing.assert_close(now[name], was[name], atol=1e-8, rtol=0)


def test_an_option_that_is_not_given_has_its_default(tmp_path: Path) -> None:
    one = tiny(tmp_path / "first", "model.encoder.cell={kind: ntm, slots: 3}")
    first = pipeline.train(one, tmp_path / "runs/first")
    cell = "model: {encoder: {cell: {kind: ntm, width: %d}}}"
    assert pipeline.with_init(load_config(tuning(tmp_path, first, cell % 20))).init is not None
    with pytest.raises(UserError, match=r"cell\.width: was 20 in .* and can't be 7 "):
        pipeline.with_init(load_config(tuning(tmp_path, first, cell % 7)))


def test_an_option_of_the_run_s_kind_asks_for_the_kind(tmp_path: Path, first: Run) -> None:
    with pytest.raises(UserError, match=r"unknown option .* name it too: model\.encoder\.cell"):
        load_config(tuning(tmp_path, first), ["model.encoder.cell.slots=4"])


def test_a_model_that_is_said_alike_is_not_refused(tmp_path: Path, first: Run) -> None:
    config = load_config(tuning(tmp_path, first, "model: {embedding: 8}"))
    assert pipeline.with_init(config).model == first.config.model


def test_a_tuned_run_stands_alone_and_goes_on_without_its_first_run(
    tmp_path: Path, first: Run, caplog: pytest.LogCaptureFixture
) -> None:
    path = tuning(tmp_path, first)
    pipeline.train(load_config(path), tmp_path / "runs/tuned")
    shutil.rmtree(first.folder)
    caplog.clear()
    caplog.set_level(logging.INFO)
    went_on = pipeline.train(
        load_config(path, ["training.max_steps=3"]), tmp_path / "runs/tuned", resume=True
    )
    assert went_on.result is not None
    assert went_on.result["steps"] == 3
    named = load_config(tmp_path / "runs/tuned/config.yaml", ["training.max_steps=4"])
    assert pipeline.train(named, tmp_path / "runs/tuned", resume=True).result["steps"] == 4  # type: ignore[index]
    assert "starts from" not in caplog.text
    Run.open(tmp_path / "runs/tuned").load_model()


def test_the_languages_are_the_run_s_unless_they_are_said(tmp_path: Path) -> None:
    german = tiny(tmp_path / "g", "data.target=de", f"data.train={_german(tmp_path, 'train')}",
                  f"data.valid={_german(tmp_path, 'valid')}")  # fmt: skip
    first = pipeline.train(german, tmp_path / "runs/german")
    config = pipeline.with_init(load_config(tuning(tmp_path, first)))
    assert (config.data.source, config.data.target) == ("en", "de")
    said = load_config(tuning(tmp_path, first), ["data.target=fr"])
    assert pipeline.with_init(said).data.target == "fr"


def _german(folder: Path, name: str) -> str:
    for side, language in enumerate(("en", "de")):
        text = "".join(f"{pair[side]}\n" for pair in EIGHT)
        (folder / f"{name}.{language}").write_text(text, encoding="utf-8")
    return str(folder / name)


def test_what_is_no_run_is_refused_by_its_name(tmp_path: Path) -> None:
    config = tiny(tmp_path, f"init={tmp_path / 'nowhere'}")
    with pytest.raises(UserError, match="nowhere: no such run directory"):
        pipeline.train(config, tmp_path / "run")


def test_train_takes_the_run_on_the_command_line(world: Path, command: Command) -> None:
    (world / "few.tsv").write_text("the cat sees a dog\tle chat voit un chien\n" * 3)
    (world / "mine.yaml").write_text(
        "data: {train: few.tsv, valid: few.tsv}\n"
        "training: {max_steps: 2, samples: 0, optimizer: {lr: 1.0e-9}}"
    )
    done = command("train", "-c", "mine.yaml", "--init", "runs/tiny")
    assert (done.status, done.out) == (0, "runs/mine\n")
    assert "starts from" in done.err
    assert json.loads((world / "runs/mine/result.json").read_text())["steps"] == 2
    tuned, first = (
        command("-q", "translate", "-m", run, "the cat sees a dog", "a bird likes the small cat")
        for run in ("runs/mine", "runs/tiny")
    )
    assert tuned == first
    shown = command("config", "check", "-c", "mine.yaml", "init=runs/tiny")
    assert shown.status == 0
    assert shown.out in done.err


def test_a_run_in_other_languages_is_told_of(
    tmp_path: Path, first: Run, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(tuning(tmp_path, first), ["data.source=fr", "data.target=en"])
    swapped = {"train": ["train.fr", "train.en"], "valid": ["valid.fr", "valid.en"]}
    paths = {split: [str(tmp_path / file) for file in files] for split, files in swapped.items()}
    config = config.model_copy(update={"data": config.data.model_copy(update=paths)})

    with caplog.at_level("WARNING"):
        pipeline.train(config, tmp_path / "swapped")

    assert "translates en to fr, and this run fr to en" in caplog.text


def test_what_is_named_wrongly_is_told_in_plain_words(world: Path, command: Command) -> None:
    device = command("-q", "translate", "-m", "runs/tiny", "--device", "gpu", "a cat")
    assert device.err == "error: device: expected auto, cpu, cuda or cuda:1, found 'gpu'\n"
    unit = command("attention", "check", "general")
    assert (
        unit.err == "error: general: no such file; to check a built-in unit, give --unit general\n"
    )


def test_a_run_to_start_from_that_is_none_is_refused_before_the_corpus_is_split(
    world: Path, command: Command
) -> None:
    (world / "mine.tsv").write_text("a cat\tun chat\n" * 9)
    status, _, err = command("train", "mine.tsv", "--init", "runs/nowhere")

    assert (status, err.count("\n")) == (2, 1)
    assert "runs/nowhere: no such run directory" in err
    assert not (world / "runs/mine").exists()
