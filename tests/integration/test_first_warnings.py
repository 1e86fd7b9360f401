"""What `train` says before hours go into a corpus that can't give what is hoped for."""

import logging
from pathlib import Path

import pytest

from seq2seq import pipeline
from seq2seq.data.prepare import LEAKED, prepare
from tests.integration.tiny import EIGHT, tiny, write_corpus

MANY = [(f"cat {a} sees dog {b}", f"chat {a} voit chien {b}") for a in range(25) for b in range(41)]


def warnings_of(log: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in log.records if r.levelno == logging.WARNING]


def test_a_corpus_of_some_pairs_is_said_to_be_small(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny(tmp_path, f"data.valid={write_corpus(tmp_path, 'v', [('a cat', 'un chat')])}")
    pipeline.train(config, tmp_path / "run")
    (warning,) = warnings_of(caplog)
    assert warning.startswith("only 8 training pairs: ")
    assert "only 8 training pairs" in (tmp_path / "run/train.log").read_text("utf-8")


def test_a_validation_set_that_is_trained_on_is_counted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [("an ox", "un bœuf"), *EIGHT[:3], ("a cow", "une vache")]
    valid = write_corpus(tmp_path, "some", pairs)
    config = tiny(tmp_path, f"data.valid={valid}", "tokenizer.vocab_size=60", pairs=MANY)
    prepared = prepare(config)
    assert prepared.summary.valid.noted == {}
    leaky = tiny(tmp_path, "tokenizer.vocab_size=60", pairs=MANY)
    noted = prepare(leaky).summary.valid.noted
    assert noted == {LEAKED: len(MANY)}
    for _ in range(2):  # prepared before, it is said all the same
        caplog.clear()
        pipeline.train(
            tiny(
                tmp_path,
                f"data.valid={write_corpus(tmp_path, 'mixed', [*MANY[:2], *pairs])}",
                "tokenizer.vocab_size=60",
                "training.max_steps=1",
                pairs=MANY,
            ),
            tmp_path / f"run{_}",
        )
        (warning,) = warnings_of(caplog)
        assert warning.startswith("2 of 7 validation pairs are training pairs too")


def test_a_run_that_goes_on_does_not_say_it_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.train(tiny(tmp_path), tmp_path / "run")
    assert len(warnings_of(caplog)) == 2
    caplog.clear()
    pipeline.train(tiny(tmp_path, "training.max_steps=7"), tmp_path / "run", resume=True)
    assert warnings_of(caplog) == []
