"""The split of a corpus that a training is planned for: what is kept, and what is told."""

import json
import logging
from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.planning.held_out import split_corpus
from seq2seq.planning.recipe import Corpus
from seq2seq.planning.request import Request, open_corpus


def split(tmp_path: Path, pairs: list[tuple[str, str]], *overrides: str) -> Corpus:
    table = tmp_path / "a.tsv"
    table.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), "utf-8")
    request = Request((str(table),), "en", "fr", overrides=overrides)
    return split_corpus(request, open_corpus(request), tmp_path / "corpus", "corpus")


def test_all_translations_of_the_only_sentence_are_trained_on(tmp_path: Path) -> None:
    corpus = split(tmp_path, [("I love you.", f"je t'aime {n}") for n in range(40)])

    assert corpus.pairs == {"train": 40, "valid": 0, "test": 0}
    assert len((tmp_path / "corpus/train.fr").read_text("utf-8").splitlines()) == 40


def test_translations_of_held_out_sentences_that_are_left_out_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [(f"{n} cats", f"{n} {chats}") for n in range(20) for chats in ("chats", "matous")]

    with caplog.at_level(logging.INFO):
        corpus = split(tmp_path, pairs)

    left = corpus.pairs["valid"] + corpus.pairs["test"]  # the second translation of each
    assert left == len(pairs) - sum(corpus.pairs.values()) > 0
    assert f"{left} that share a sentence with a held-out pair" in caplog.text


def test_with_a_validation_set_of_ones_own_only_the_test_set_is_held_out(tmp_path: Path) -> None:
    pairs = [(f"{n} cats", f"{n} {chats}") for n in range(20) for chats in ("chats", "matous")]

    corpus = split(tmp_path, pairs, "data.valid=other")

    assert corpus.pairs["valid"] == 0
    assert corpus.pairs["train"] + 2 * corpus.pairs["test"] == len(pairs)


def test_one_file_for_both_languages_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.en"
    text.write_text("one\ntwo\n", "utf-8")

    with pytest.raises(UserError, match=r"a\.en: expected a file for each language"):
        open_corpus(Request((str(text), str(text))))


@pytest.mark.parametrize("minutes", [float("nan"), float("inf"), 0.0, -1.0])
def test_minutes_are_a_finite_number_above_0(minutes: float) -> None:
    with pytest.raises(UserError, match=r"--minutes: expected .* found"):
        Request(("a.tsv",), minutes=minutes)


@pytest.mark.parametrize("override", ["data.source=fr", "data={source: fr}"])
def test_a_language_that_is_said_twice_is_refused(override: str) -> None:
    with pytest.raises(UserError, match=r"--source de.*data\.source=fr"):
        Request(("a.tsv",), "de", "en", overrides=(override,))


def test_standard_input_is_no_corpus() -> None:
    with pytest.raises(UserError, match=r"standard input.*file"):
        open_corpus(Request(("-",)))


def test_a_missing_file_has_nothing_to_do_with_languages(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such file$"):
        open_corpus(Request((str(tmp_path / "missing.tsv"),)))


def test_two_runs_to_start_from_are_refused() -> None:
    with pytest.raises(UserError, match=r"give --init runs/a or init=runs/b, not both"):
        Request(("a.tsv",), init="runs/a", overrides=("init=runs/b",))


def test_each_translation_of_a_record_is_a_pair(tmp_path: Path) -> None:
    records = [{"en": f"{n} cats", "fr": [f"{n} chats", f"{n} matous"]} for n in range(20)]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    request = Request((str(file),), "en", "fr")

    corpus = split_corpus(request, open_corpus(request), tmp_path / "corpus", "corpus")

    held_out = corpus.pairs["valid"] + corpus.pairs["test"]
    assert corpus.pairs["train"] == 40 - 2 * held_out
