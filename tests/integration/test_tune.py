"""`seq2seq tune`: beam and length penalty chosen by validation, and written where they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq.config import DecodingConfig
from seq2seq.evaluation.tuning import Tried, best_of, chosen
from seq2seq.runs.run import Run
from tests.integration.conftest import Command

FEW = ("--beam", "1", "--beam", "3", "--length-penalty", "0.5", "--length-penalty", "1")


def test_each_way_of_searching_is_tried_on_the_validation_set(command: Command) -> None:
    status, out, _ = command("tune", *FEW)
    assert status == 0
    head, names, *rows, best = out.splitlines()
    assert head.endswith("valid: 10 sentences, BLEU of 13a tokens")
    assert names.split() == ["beam", "length", "penalty", "BLEU", "chrF", "exact"]
    assert [row.split()[:2] for row in rows] == [["1", "-"], ["3", "0.5"], ["3", "1"]]
    assert best == "best by bleu: decoding.beam=1 decoding.length_penalty=1"


def test_the_best_is_what_evaluate_finds_with_it(command: Command) -> None:
    found = json.loads(command("tune", *FEW, "--json", "--metric", "chrf").out)
    best = found["best"]
    settings = ("--data", "valid", "--beam", str(best["beam"]), "--json")
    scores = json.loads(command("evaluate", *settings).out)["scores"]
    assert scores[0]["value"] == pytest.approx(best["bleu"], abs=0.01)


def test_what_is_written_holds_from_now_on(world: Path, command: Command) -> None:
    run = world / "runs/tiny"
    before = Run.open(run)
    arguments = ("tune", "--run", "runs/tiny", "--beam", "3", "--length-penalty", "0.5", "--write")
    status, out, _ = command(*arguments)
    assert (status, "best by bleu" in out) == (0, True)
    after = Run.open(run)
    assert (after.config.decoding.beam, after.config.decoding.length_penalty) == (3, 0.5)
    assert after.result == before.result  # it is as finished as before
    assert command("translate", "the cat sees a dog").status == 0


def test_of_equals_the_better_translations_are_taken() -> None:
    tried = [Tried(1, 1.0, 0.0, 10.0, 0.0), Tried(3, 1.0, 5.0, 31.0, 0.0)]
    assert best_of(tried, "exact") == tried[1]
    assert best_of([tried[0], tried[0]._replace(beam=3)], "exact").beam == 1


def test_only_what_was_tried_is_changed() -> None:
    options = DecodingConfig(beam=5, n_best=3, min_length=2, unknown="translate")
    best = Tried(4, 0.6, 1.0, 2.0, 3.0)
    expected = options.model_copy(update={"beam": 4, "length_penalty": 0.6})
    assert chosen(options, best) == expected
    assert chosen(options, best._replace(beam=2)).n_best == 2
    sampling = DecodingConfig(sample=True, temperature=0.5, top_k=4, n_best=2, max_length=9)
    assert chosen(sampling, best) == DecodingConfig(
        beam=4, length_penalty=0.6, n_best=2, max_length=9
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--beam 0", "beam: expected greater than or equal to 1, found 0"),
        ("--length-penalty 11", "length_penalty: expected less than or equal to 10, found 11"),
        ("--metric blue", "--metric: expected one of bleu, chrf, exact, found 'blue'"),
        ("--data nowhere", "nowhere.en"),
    ],
)
def test_what_cannot_be_tried_is_refused_at_once(
    arguments: str, message: str, command: Command
) -> None:
    status, out, err = command("-q", "tune", *arguments.split())
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line
