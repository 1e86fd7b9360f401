"""Comparing for real: tiny recipes trained in processes of their own, runs, translations."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import seq2seq
from seq2seq.runs.run import Run
from tests.integration.conftest import Command

SHORT = ("training.max_steps=8", "training.validate_every=4", "training.patience=null")


def test_recipes_are_trained_measured_and_held_against_the_first(
    world: Path, command: Command
) -> None:
    arguments = [
        *("compare", "tiny.yaml", "--unit", "general", "--unit", "additive", "--seeds", "2"),
        *("--jobs", "2", "--samples", "20", "--alignments", "test.align", *SHORT),
    ]
    status, out, err = command(*arguments)
    assert (status, err.count("validation loss")) == (0, 4), err
    head, _, general, additive, *_ = out.splitlines()
    assert head.startswith("| system | seeds | BLEU | chrF | AER % | entropy, nats | parameters |")
    assert general.startswith("| general | 2 | ")
    assert general.endswith("| baseline | baseline |")
    assert additive.startswith("| additive | 2 | ")
    into = world / "runs/compare"
    page = (into / "comparison.md").read_text("utf-8")
    assert "## additive, seed 1 against general, seed 1" in page
    rows = list(csv.DictReader((into / "comparison.csv").open()))
    assert [(row["system"], row["seed"]) for row in rows] == [
        ("general", "1"),
        ("general", "2"),
        ("additive", "1"),
        ("additive", "2"),
    ]
    assert all(float(row["memory_bytes"]) > 10**8 for row in rows)
    # Once more nothing is trained or translated, and nothing differs.
    again = command(*arguments)
    assert (again.status, again.out) == (0, out)
    assert "translating" not in again.err
    assert "to be trained" not in again.err
    # Other settings in the same folder are refused: its models are not what is asked for.
    other = command(*arguments, "model.dropout=0.1")
    assert other.status == 2
    assert "general-1: was trained with model.dropout 0.0, and now it is 0.1; give " in other.err
    # A model that changed is measured again.
    (into / "general-1" / "result.json").unlink()
    assert "general, seed 1: translating" in command(*arguments).err


def _runs(out: str) -> list[dict[str, Any]]:
    return [run for system in json.loads(out)["systems"] for run in system["runs"]]


def test_bleu_counts_the_tokens_that_the_run_says(world: Path, command: Command) -> None:
    shutil.copytree(world / "runs/tiny", world / "runs/chars")
    config = world / "runs/chars/config.yaml"
    lines = config.read_text("utf-8").replace("tokenize: auto", "tokenize: char").splitlines()
    config.write_text("\n".join(lines[1:-1]))  # without its checksum
    found = command("-q", "evaluate", "-m", "runs/chars", "--json")
    assert found.status == 0, found.err
    evaluated = json.loads(found.out)
    loaded = seq2seq.evaluate(seq2seq.load("runs/chars"), ["a cat"], ["un chat"], bootstrap=0)
    assert loaded.tokenize == "char"  # as of the run
    status, out, err = command("compare", "runs/chars", "runs/tiny", "--samples", "20")
    assert (status, "tokens char." in out) == (0, True), err
    assert "char for (chars, seed 1) and auto for (tiny, seed 1): BLEU counts" in err
    assert f"| chars | {evaluated['scores'][0]['value']:.2f} [" in out


def test_runs_are_compared_as_they_are(world: Path, command: Command) -> None:
    settings = ("--run", "runs/other", "training.max_steps=4", "training.validate_every=4")
    assert command("train", "-c", "tiny.yaml", *settings).status == 0
    ours = ("compare", "runs/tiny", "other", "--samples", "20", "--json")
    status, out, err = command(*ours)
    assert status == 0, err
    found = json.loads(out)
    assert [system["name"] for system in found["systems"]] == ["tiny", "other"]
    tiny, other = _runs(out)
    assert tiny["exposure_chrf"] is None
    evaluated = command("-q", "evaluate", "-m", "runs/tiny", "--exposure", "--json").out
    exposed = {
        run["system"]: run["exposure_chrf"] for run in _runs(command(*ours, "--exposure").out)
    }
    assert exposed["tiny"] == json.loads(evaluated)["exposure"]["chrf_gap"]
    assert tiny["bleu"] > 90 > other["bleu"]
    assert found["systems"][1]["differences"]["worse"]
    assert not (world / "runs/compare").exists()
    assert command(*ours, "--baseline", "other").status == 0


def test_files_of_translations_are_compared(world: Path, command: Command) -> None:
    lines = (world / "test.fr").read_text().splitlines()
    (world / "a.txt").write_text("".join(f"{line}\n" for line in lines))
    (world / "b.txt").write_text("".join(f"{line.replace('chat', 'chien')}\n" for line in lines))
    arguments = ("compare", "a.txt", "b.txt", "--reference", "test.fr", "--samples", "20")
    status, out, err = command(*arguments, "--source", "test.en", "--details")
    assert status == 0, err
    assert "| a.txt | 100.00 [100.00, 100.00] |" in out
    assert "| words of the source | sentences |" in out
    assert "The sentences that lost most:" in out
    assert "words of the source" not in command(*arguments, "--details").out


def test_a_picture_is_drawn(world: Path, command: Command) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra: plots")
    arguments = ("compare", "test.fr", "valid.fr", "--reference", "test.fr", "--samples", "10")
    assert command(*arguments, "--plot", "bleu.svg").status == 0
    assert "test.fr" in (world / "bleu.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.fr", "a.fr: no such configuration file"),
        ("test.fr", "compare: files of translations need --reference FILE"),
        ("test.fr --reference train.fr", "train.fr: expected 10 lines, one for each of test.fr, "),
        ("test.fr train.fr --reference valid.fr", "train.fr: expected 10 lines, one for each of "),
        ("tiny --baseline tin", "--baseline tin: expected one of tiny (did you mean 'tiny'?)"),
        ("tiny --plot x.gif", "x.gif: expected a name that ends in .png, .svg or .pdf"),
        ("tiny --source test.en", "compare: --source goes with files of translations alone"),
        ("tiny model.dropout=0", "compare: settings and --unit, --vary, --seeds are for recipes"),
        ("tiny --seeds 2", "compare: settings and --unit, --vary, --seeds are for recipes"),
        ("tiny.yaml seed=5", "seed: --seeds says which there are, or --vary seed=[5]"),
        ("tiny.yaml --vary seed=[1] --vary seed=[2]", "--vary seed: given twice; one list holds"),
        ("tiny.yaml --alignments none.align", "none.align: "),
        ("test.fr --reference test.fr --alignments x", "compare: --alignments needs a model"),
        ("test.fr --reference test.fr --exposure", "compare: --exposure needs a model"),
        ("tiny valid.fr train.fr", "train.fr: expected 10 lines, one for each of "),
        ("tiny --jobs 2", "compare: --jobs is for recipes, and none is trained here"),
        ("tiny.yaml --vary model.dropout", "--vary model.dropout: expected KEY=[VALUE, VALUE]"),
        ("tiny.yaml --unit dto", "override 'model.attention=\"dto\"': model.attention.kind"),
        ("tiny.yaml demo", "demo, seed 1: data.test is "),
        ("tiny.yaml data.valid=vaild", "tiny, seed 1: {world}/vaild.en"),
        ("tiny.yaml --unit dot", "dot, seed 1: model.attention.kind dot needs decoder and "),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    arguments: str, message: str, world: Path, command: Command
) -> None:
    message = message.replace("{world}", str(world))
    status, out, err = command("-q", "compare", *arguments.split(), "--samples", "10")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_training_that_fails_is_named_and_the_others_are_done(
    world: Path, command: Command
) -> None:
    (world / "runs/compare/general-1").mkdir(parents=True)
    (world / "runs/compare/general-1/config.yaml").write_text("seed: 1\n")
    arguments = ("compare", "tiny.yaml", "--unit", "general", "--unit", "additive", "--seeds", "1")
    status, _, err = command(*arguments, *SHORT)
    assert status == 2
    assert "error: general, seed 1: its training failed: " in err
    assert (world / "runs/compare/additive-1/result.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_comparison_that_is_stopped_goes_on(
    number: signal.Signals, world: Path, command: Command
) -> None:
    arguments = [
        *("compare", "tiny.yaml", "--seeds", "1", "--samples", "10"),
        *("training.max_steps=2000", "training.validate_every=5"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "seq2seq", *arguments],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    metrics = world / "runs/compare/tiny-1/metrics.jsonl"
    end = time.monotonic() + 60
    while not metrics.exists() and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "stopping 1 trainings; the same command goes on with them" in err
    assert "saved; --resume goes on" in (world / "runs/compare/tiny-1/train.log").read_text()
    arguments = [each.replace("2000", "10") for each in arguments]
    (world / "runs/compare/tiny-1/train.log").write_text("")
    status, _, err = command(*arguments)
    assert status == 0, err
    assert "resumed at step" in (world / "runs/compare/tiny-1/train.log").read_text()


def test_a_recipe_is_not_taken_for_a_run_of_its_name(world: Path, command: Command) -> None:
    (world / "runs/tiny").rename(world / "runs/demo")
    message = command("-q", "compare", "demo", "--unit", "dto").err
    assert "model.attention.kind" in message
    assert command("compare", "runs/demo").status == 0


def test_each_training_has_a_recipe_of_its_own_whatever_its_name(
    world: Path, command: Command
) -> None:
    arguments = ("compare", "tiny.yaml", "--vary", "model.dropout=[0.1, 0.3]", "--seeds", "2")
    status, out, err = command(*arguments, "--jobs", "2", "--samples", "10", *SHORT)
    assert status == 0, err
    assert [line.split(" | ")[0] for line in out.splitlines()[2:4]] == [
        "| dropout 0.1",
        "| dropout 0.3",
    ]
    runs = [Run.open(path.parent) for path in (world / "runs/compare").glob("*/config.yaml")]
    found = sorted((run.config.model.dropout, run.config.seed) for run in runs)
    assert found == [(0.1, 1), (0.1, 2), (0.3, 1), (0.3, 2)]


def test_into_is_for_the_tables_of_runs_too(world: Path, command: Command) -> None:
    assert command("compare", "tiny", "--into", "tables").status == 0
    assert (world / "tables/comparison.csv").read_text().startswith("system,seed,bleu,")
    assert "translating" not in command("compare", "tiny", "--into", "tables").err
