"""`seq2seq train CORPUS`: a corpus alone becomes a recipe and a trained run."""

import json
import random
from pathlib import Path

import pytest
import yaml

from seq2seq.config import load_config
from seq2seq.data.split import words_alone
from tests.integration.conftest import Command, french, sentence

SMALL = (  # in place of what a corpus of this size would get
    "model.embedding=16",
    "model.encoder.size=16",
    "model.decoder.size=24",
    "model.attention.size=16",
    "training.max_steps=25",
    "training.samples=0",
    "training.device=cpu",
    "training.threads=1",
    "training.precision=fp32",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_TRIED", "_MEASURED"):
        monkeypatch.setattr(f"seq2seq.planning.pace.{name}", 0.01)


@pytest.fixture
def table(world: Path) -> Path:
    """400 different pairs in one file, ten of them twice."""
    draw = random.Random(5)
    sentences = list(dict.fromkeys(sentence(draw) for _ in range(2000)))[:400]
    pairs = [f"{text}\t{french(text)}\n" for text in [*sentences, *sentences[:10]]]
    (world / "mine.tsv").write_text("".join(pairs))
    return world / "mine.tsv"


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def test_a_table_alone_is_split_planned_trained_and_translated_with(
    world: Path, table: Path, command: Command
) -> None:
    done = command("train", "mine.tsv", "--source", "en", "--target", "fr", *SMALL)
    assert (done.status, done.out) == (0, "runs/mine\n")
    run = world / "runs/mine"
    splits = {name: lines(run / f"corpus/{name}.en") for name in ("train", "valid", "test")}
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 320,
        "valid": 40,
        "test": 40,
    }
    for side in ("en", "fr"):
        alike = [{words_alone(t) for t in lines(run / f"corpus/{name}.{side}")} for name in splits]
        assert len(set.union(*alike)) == sum(map(len, alike))
    assert "left out: 10 repeated" in done.err
    assert "no sentence is in two of them" in done.err
    assert "recipe: runs/mine/recipe.yaml" in done.err
    assert "time: 25 updates" in done.err
    config = load_config(run / "config.yaml")
    assert config.training.max_steps == 25
    assert config.data.test == str(run / "corpus/test")
    scored = command("-q", "evaluate", "-m", "runs/mine", "--bootstrap", "0", "--json")
    assert json.loads(scored.out)["test_set"] == str(run / "corpus/test")
    assert command("-q", "translate", "-m", "runs/mine", "the cat sees a dog").status == 0


def test_the_recipe_says_why_and_trains_again_as_it_stands(
    world: Path, table: Path, command: Command
) -> None:
    assert command("train", "mine.tsv", "--run", "runs/a", *SMALL).status == 0
    text = (world / "runs/a/recipe.yaml").read_text("utf-8")
    assert text.startswith("# Planned by `seq2seq train mine.tsv model.embedding=16")
    tree = yaml.safe_load(text)
    assert tree["extends"] == "base.yaml"
    assert tree["data"]["train"] == "corpus/train"
    assert tree["training"]["schedule"]["kind"] == "cosine"
    for key in ("vocab_size:", "dropout:", "max_steps:"):
        (line,) = (line for line in text.splitlines() if key in line)
        assert "  # " in line
    again = command("train", "-c", "runs/a/recipe.yaml", "--run", "runs/b", *SMALL)
    assert again.status == 0
    weights = "last/model.safetensors"
    assert (world / "runs/a" / weights).read_bytes() == (world / "runs/b" / weights).read_bytes()


def test_a_run_that_is_renamed_goes_on_and_finds_its_test_set(
    world: Path, table: Path, command: Command
) -> None:
    command("train", "mine.tsv", *SMALL)
    (world / "runs/mine").rename(world / "runs/first")

    assert command("evaluate", "--run", "runs/first", "--bootstrap", "0").status == 0
    resumed = command("train", "--resume", "--run", "runs/first", "training.max_steps=26")
    assert (resumed.status, resumed.out) == (0, "runs/first\n")


def test_settings_over_the_plan_are_said_where_the_plan_is(
    world: Path, table: Path, command: Command
) -> None:
    table.rename(world / "it's mine.tsv")
    status, _, err = command("train", "it's mine.tsv", *SMALL)

    assert status == 0
    assert "your settings, instead of the planned ones: model.embedding=16" in err
    head = (world / "runs/it's mine/recipe.yaml").read_text("utf-8").splitlines()[:2]
    assert """train 'it'"'"'s mine.tsv' model.embedding=16""" in head[0]
    assert "not in this file: model.embedding=16" in head[1]


def test_a_run_is_found_again_and_goes_on_as_it_was_planned(
    world: Path, table: Path, command: Command
) -> None:
    assert command("train", "mine.tsv", *SMALL).status == 0
    recipe = (world / "runs/mine/recipe.yaml").read_bytes()
    taken = command("train", "mine.tsv", *SMALL)
    assert (taken.status, taken.out) == (2, "")
    assert "runs/mine: already holds a run; resume it with --resume" in taken.err
    went_on = command("train", "mine.tsv", "--resume", "training.max_steps=27")
    assert (went_on.status, went_on.out) == (0, "runs/mine\n")
    assert "resumed at step 25" in went_on.err
    assert (world / "runs/mine/recipe.yaml").read_bytes() == recipe
    with table.open("a") as file:
        file.write("a dog\tun chien\n")
    other = command("train", "mine.tsv", "--resume", "training.max_steps=29")
    assert other.status == 2
    assert "mine.tsv is not the corpus that it began with" in other.err


def test_a_resume_of_nothing_starts(world: Path, table: Path, command: Command) -> None:
    assert command("train", "mine.tsv", "--resume", *SMALL).status == 0
    assert (world / "runs/mine/recipe.yaml").exists()


def test_two_files_tell_their_languages(world: Path, command: Command) -> None:
    done = command("train", "train.en", "train.fr", "--run", "runs/two", *SMALL)
    assert done.status == 0
    assert "from en to fr" in done.err
    assert (world / "runs/two/corpus/valid.fr").exists()
    assert load_config(world / "runs/two/config.yaml").data.target == "fr"


def test_languages_and_columns_need_not_be_said_again(
    world: Path, table: Path, command: Command
) -> None:
    rows = (f"{line}\t{line[::-1]}" for line in table.read_text("utf-8").splitlines())
    (world / "odd.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    said = ("--source", "en", "--target", "fr", "data.columns=[1,2]")
    assert command("train", "odd.tsv", *said, *SMALL).status == 0
    again = ("train", "odd.tsv", "--resume", "training.max_steps=26")
    assert command(*again, "--target", "de").status == 2
    other = command(*again, "data.columns=[2,1]")
    assert other.status == 2
    assert "cannot change data.columns from [1, 2] to [2, 1]" in other.err
    assert command(*again, "--target", "fr").status == 0
    assert command("train", "odd.tsv", "--resume", "training.max_steps=27").status == 0


def test_a_validation_set_of_one_s_own_is_used_and_none_is_held_out(
    world: Path, table: Path, command: Command
) -> None:
    said = ("--source", "en", "--target", "fr", "data.valid=valid")
    assert command("train", "mine.tsv", *said, *SMALL).status == 0
    run = world / "runs/mine"
    assert load_config(run / "config.yaml").data.valid == str(world / "valid")
    assert len(lines(run / "corpus/train.en")) == 360
    assert lines(run / "corpus/valid.en") == []


def test_one_pair_is_a_corpus_too(world: Path, command: Command) -> None:
    (world / "one.tsv").write_text("I love you\tje t'aime\n")
    done = command("train", "one.tsv", "--source", "en", "--target", "fr", *SMALL)
    assert done.status == 0
    assert "1 to train on, 0 to validate on, 0 to test on; too small to hold pairs out" in done.err
    assert "1 of 1 validation pairs are training pairs too" in done.err


def test_a_cell_of_several_lines_is_one_sentence(world: Path, command: Command) -> None:
    (world / "cr.tsv").write_bytes(b"the\rcat\tle chat\nno\tnon\n")
    assert command("train", "cr.tsv", "--source", "en", "--target", "no", *SMALL).status == 0
    assert lines(world / "runs/cr/corpus/train.en") == ["the cat", "no"]
    assert load_config(world / "runs/cr/recipe.yaml").data.target == "no"


def test_init_writes_the_recipe_alone_and_it_trains(
    world: Path, table: Path, command: Command
) -> None:
    done = command("init", "mine.tsv", "--source", "en", "--target", "fr")
    assert (done.status, done.out) == (0, "mine.yaml\n")
    assert not (world / "runs/mine").exists()
    assert len(lines(world / "corpora/mine/train.en")) == 320
    config = load_config(world / "mine.yaml")
    assert config.data.train == str(world / "corpora/mine/train")
    again = command("init", "mine.tsv")
    assert (again.status, again.out) == (2, "")
    assert "mine.yaml: exists already; give another file with --output" in again.err
    (world / "other.tsv").write_text((world / "mine.tsv").read_text("utf-8").replace("a", "o"))
    other = command("init", "other.tsv", "-o", "mine.yml")  # whose folder would be the same
    assert "corpora/mine: cannot write the split corpus to this folder" in other.err
    trained = command("train", "-c", "mine.yaml", *SMALL)
    assert (trained.status, trained.out) == (0, "runs/mine\n")
    assert not list(world.glob(".*.draft"))


def test_a_run_may_be_started_from_in_the_same_breath(
    world: Path, table: Path, command: Command
) -> None:
    few = ("training.max_steps=3", "training.samples=0")
    done = command("train", "mine.tsv", "--init", "tiny", *few)
    assert done.status == 0
    assert "starts from" in done.err
    recipe = yaml.safe_load((world / "runs/mine/recipe.yaml").read_text("utf-8"))
    assert recipe["init"] == "../tiny"
    again = ("train", "mine.tsv", "--resume", "training.max_steps=4", "--init")
    assert command(*again, "mine").status == 2
    assert command(*again, "tiny").status == 0
    assert not {"model", "tokenizer"} & recipe.keys()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("foo=1", "override 'foo=1': unknown key 'foo'"),
        ("training.max_steps=x", "training.max_steps: expected integer, found 'x'"),
        ("model.attention.kind=nope", "model.attention.kind: expected one of"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_the_corpus_is_split(
    setting: str, told: str, world: Path, table: Path, command: Command
) -> None:
    status, _, err = command("train", "mine.tsv", "--minutes", "5", setting)
    assert (status, err.count("\n")) == (2, 1)
    assert told in err
    assert not (world / "runs/mine").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.tsv"], "nowhere.tsv: no such file"),
        (["demo"], "demo: no such corpus; to train the bundled recipe, give --config demo"),
        (["tiny.yaml"], "tiny.yaml: expected a corpus, found a conf"),
        (["model.dropout"], "'model.dropout': expected key=value, for example model.dropout=0.3"),
        (["train"], "train: expected the languages of its files (train.align, train"),
        (["mine.tsv", "--source", "en", "--target", "en"], "expected two languages, found 'en' tw"),
        (["mine.tsv", "--source", "../en"], "expected a language code such as fr or pt-BR"),
        (["mine.tsv", "--minutes", "0"], "--minutes: expected a number above 0, found 0"),
        (["mine.tsv", "--minutes", "0.001"], "--minutes: the time left after planning is "),
        (["mine.tsv", "data.train=train"], "data.train: the corpus is already given as mine.tsv"),
        (["mine.tsv", "-c", "tiny.yaml"], "'mine.tsv': expected key=value"),
        (["-c", "tiny.yaml", "--minutes", "3"], "--minutes needs a CORPUS; with "
         "a configuration, set training.max_minutes=3"),
        (["-c", "tiny.yaml", "--source", "en"], "--source needs a CORPUS"),
        (["mine.tsv", "--init", "runs/none"], "runs/none: no such run directory"),
        (["mine.tsv", "--run", "runs/tiny", "--resume"], "runs/tiny: cannot be resumed from a "),
        (["."], ".: expected a corpus, found a folder"),
        (["empty.tsv"], "empty.tsv: expected sentence pairs, found "),
        ([], "train: expected a corpus (corpus.tsv), a configuration (--config demo), or a run"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_told_in_a_line_and_leaves_no_run(
    arguments: list[str], told: str, world: Path, table: Path, command: Command
) -> None:
    (world / "empty.tsv").write_text(" \t \n")
    before = sorted(path.name for path in (world / "runs").glob("*/config.yaml"))
    status, out, err = command("-q", "train", *arguments)
    # A corpus that no test before has prepared is warned of.
    (error,) = (line for line in err.splitlines() if not line.startswith("tokenizer.vocab_size"))
    assert (status, out) == (2, "")
    assert error.startswith("error: ")
    assert told in error
    assert sorted(path.name for path in (world / "runs").glob("*/config.yaml")) == before
