"""Alignments of real runs, one for each direction, through the command line."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path

import pytest

import seq2seq
from seq2seq.cli import main
from seq2seq.config import ModelConfig
from seq2seq.evaluation.alignment import AlignmentScore, score_alignment
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.gold import read_gold
from seq2seq.model.model import Seq2Seq
from tests.integration.conftest import Command, logging_restored


@pytest.fixture(scope="module")
def back(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from French to English, of the corpus that `trained` learnt."""
    run = tmp_path_factory.mktemp("back") / "run"
    arguments = ["--quiet", "train", "-c", str(trained / "tiny.yaml"), "--run", str(run)]
    turned = ["data.source=fr", "data.target=en", "training.max_steps=100"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(sys, "argv", ["seq2seq", *arguments, *turned])
        with logging_restored(), pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code
    return run


@pytest.fixture
def both(world: Path, back: Path) -> Path:
    """`world` with runs/back beside runs/tiny."""
    shutil.copytree(back, world / "runs/back", symlinks=True)
    return world


EVALUATE = ["-q", "evaluate", "-m", "runs/tiny", "--bootstrap", "0", "--beam", "1"]
ALIGN = [*EVALUATE, "--alignments", "test.align"]
BOTH = [*ALIGN, "--reverse-model", "runs/back"]
WAYS = ("", " backward", " union")


def test_both_directions_and_their_union_are_in_the_table_and_in_the_json(
    both: Path, command: Command
) -> None:
    arguments = [*BOTH, "--symmetrize", "union", "--threshold", "0.4"]
    found = json.loads(command(*arguments, "--json").out)
    scores = found["link_scores"]
    kinds = [f"{rule}{way}" for rule in ("argmax", "threshold=0.4") for way in WAYS]
    assert list(scores) == kinds
    assert scores["argmax"] == found["alignment"]["unshifted"]
    assert 0 < found["entropy"] < 2
    for rule in ("argmax", "threshold=0.4"):
        assert scores[f"{rule} union"]["recall"] >= scores[rule]["recall"]
        assert scores[f"{rule} union"]["recall"] >= scores[f"{rule} backward"]["recall"]
    lines = command(*arguments).out.splitlines()
    for name in kinds[1:]:
        assert f"{AlignmentScore(**scores[name])}  {name}" in lines
    assert f"attention entropy on the references: {found['entropy']:.3f} nats a word" in lines


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ([], "argmax"),
        (["--threshold", "0.3"], "threshold=0.3"),
        (["--reverse-model", "runs/back"], "argmax grow-diag-final"),
    ],
)
def test_the_links_that_are_written_score_as_was_printed(
    options: list[str], kind: str, both: Path, command: Command
) -> None:
    status, out, _ = command(*ALIGN, *options, "--json", "--output-alignments", "out.align")
    written = [links.sure for links in read_gold(both / "out.align", sentences=10)]
    score = score_alignment(written, read_gold(both / "test.align"))
    assert status == 0
    assert json.loads(out)["link_scores"][kind]["aer"] == score.aer


def test_links_are_written_without_gold_too(world: Path, command: Command) -> None:
    status, out, _ = command(*EVALUATE, "--output-alignments", "out.align")
    assert status == 0
    assert "AER" not in out
    assert len(read_gold(world / "out.align")) == 10


def test_gold_may_count_words_or_tokens(world: Path, command: Command) -> None:
    (world / "x.en").write_text("the cat, a dog\n")
    (world / "x.fr").write_text("le chat, un chien\n")
    (world / "words.align").write_text("0-0 1-1 2-2 3-3 4-4\n")
    (world / "tokens.align").write_text("0-0 1-1 2-2 3-3\n")

    def links(*options: str) -> int:
        status, out, _ = command(*EVALUATE, "--data", "x", "--json", "--alignments", *options)
        assert status == 0
        return int(json.loads(out)["alignment"]["unshifted"]["links"])

    assert links("words.align") <= 5
    assert links("tokens.align", "--tokenized") <= 4
    wrong = command(*EVALUATE, "--data", "x", "--alignments", "words.align", "--tokenized")
    assert "gold link 4-4 (from 0) lies outside its 4 source and 4 target words" in wrong.err
    assert "--tokenized" in wrong.err


def test_a_character_that_the_vocabulary_lacks_moves_no_word(world: Path, command: Command) -> None:
    (world / "x.en").write_text("the cæt sees\n")
    (world / "x.fr").write_text("le chæt voit\n")  # spelt ch ⁇ t, which would be three words
    (world / "x.align").write_text("0-0 1-1 2-2\n")
    arguments = [*EVALUATE, "--data", "x", "--json", "--alignments", "x.align"]
    found = json.loads(command(*arguments).out)
    assert found["alignment"]["unshifted"]["links"] <= 3
    (world / "x.align").write_text("2-3\n")
    assert "outside its 3 source and 3 target words" in command(*arguments).err


def test_a_model_without_attention_is_not_scored_and_says_so(
    world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (world / "one.align").write_text("0-0\n")
    translator = seq2seq.load(world / "runs/tiny")
    config = ModelConfig.model_validate({"attention": "none", "embedding": 4})
    translator.models = [Seq2Seq(config, *translator.tokenizers.sizes).eval()]
    with caplog.at_level(logging.WARNING, logger="seq2seq"):
        found = evaluate(translator, ["a"], [["b"]], alignments=world / "one.align", bootstrap=0)
    assert (found.alignment, found.link_scores, found.entropy) == (None, {}, None)
    assert "is ignored: the model has no attention" in caplog.text
