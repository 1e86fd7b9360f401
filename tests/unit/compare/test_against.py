"""Paired tests against sacreBLEU's own command, and where systems differ against counts by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.compare.differences import Seen, count_words, find_differences
from seq2seq.compare.significance import paired_tests

REFERENCES = [f"le chat numéro {n} dort dans la maison" for n in range(30)]
BASELINE = [f"le chat numéro {n} dort" for n in range(30)]
SYSTEM = [f"le chat numéro {n} dort dans la {'maison' if n % 3 else 'rue'}" for n in range(30)]


@pytest.mark.parametrize(("flag", "number"), [("bs", 0), ("ar", 1)])
def test_p_values_are_those_of_sacrebleus_command(flag: str, number: int, tmp_path: Path) -> None:
    files = {}
    for name, lines in {"ref": REFERENCES, "base": BASELINE, "other": SYSTEM}.items():
        files[name] = tmp_path / name
        files[name].write_text("\n".join(lines) + "\n", "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sacrebleu", files["ref"], "-i", files["base"], files["other"]),
            *("-m", "bleu", f"--paired-{flag}", f"--paired-{flag}-n", "200", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"SACREBLEU_SEED": "12345", "PATH": ""},
    )
    theirs = json.loads(done.stdout)[1]["BLEU"]["p_value"]
    ours = paired_tests(BASELINE, SYSTEM, [REFERENCES], tokenize="13a", samples=200)
    assert ours[number] == pytest.approx(theirs, abs=1e-4)


def test_a_system_does_not_differ_from_itself() -> None:
    found = paired_tests(BASELINE, BASELINE, [REFERENCES], tokenize="13a", samples=50)
    assert min(found) > 0.01


def test_words_are_counted_by_how_often_they_were_seen() -> None:
    found = find_differences(
        ["a", "b"],
        ["le chat", "un chien"],
        ["le chat", "un oiseau"],
        [["le chat", "un oiseau rare"]],
        tokenize="13a",
        seen=Seen(
            {"le": 2000, "un": 2000, "chat": 5, "chien": 5, "oiseau": 1}, "the training text"
        ),
    )
    rows = {each.name: (each.size, each.baseline, each.system) for each in found.frequencies}
    assert rows["0"] == (1, 0.0, 0.0)  # rare
    assert rows["1"] == (1, 0.0, 100.0)  # oiseau
    # chat is right in both; chien of the baseline is one too many: 2 * 1 / (1 + 2)
    assert rows["5-9"] == pytest.approx((1, 200 / 3, 100.0))
    assert rows["1,000+"] == (2, 100.0, 100.0)


def test_examples_are_those_that_gained_and_lost_most() -> None:
    found = find_differences(
        ["one", "two", "three"],
        ["un chat", "deux chats", "trois"],
        ["un chat", "xx", "trois chats"],
        [["un chat", "deux chats", "trois chats"]],
        tokenize="13a",
        seen=Seen({}, "the references"),
        examples=1,
    )
    assert [example.source for example in found.better] == ["three"]
    assert [example.source for example in found.worse] == ["two"]
    assert found.better[0].gain > 0 > found.worse[0].gain


def test_without_sources_there_is_nothing_by_length() -> None:
    found = find_differences(
        [],
        ["un chat"],
        ["un chien"],
        [["un chat"]],
        tokenize="13a",
        seen=Seen(count_words(["un chat"]), "the references"),
    )
    assert found.lengths == []
    assert found.worse[0].source == ""
