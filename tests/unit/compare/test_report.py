"""Tables of comparisons that are made up."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from seq2seq.compare.comparison import Comparison
from seq2seq.compare.conditions import Conditions
from seq2seq.compare.differences import Differences, Example, Range
from seq2seq.compare.measuring import Measured
from seq2seq.compare.report import interval
from seq2seq.compare.results import SystemResult
from seq2seq.compare.significance import PValues
from seq2seq.evaluation.held_out import HeldOut


def measured(system: str, seed: int | None, bleu: float) -> Measured:
    return Measured(
        system=system,
        seed=seed,
        bleu=bleu,
        bleu_interval=(bleu - 1, bleu + 1),
        chrf=70.0,
        moses_bleu=None,
        aer_percent=11.25,
        entropy_nats=None,
        exposure_chrf=None,
        parameters=1234567,
        tokens_per_second=None,
        minutes=6.0,
        memory_bytes=500_000_000,
        hypotheses=["je t'aime"],
    )


DIFFERENCES = Differences(
    [Range("0-5", 3, 40.0, 39.999)],
    [Range("0", 2, 10.0, 20.0)],
    "the training text",
    [Example("I love you", "je t'aime", "je", "je t'aime", 50.0)],
    [],
)


def comparison(*seeds: int) -> Comparison:
    held_out = HeldOut(["I love you"], [["je t'aime"]], "test")
    p_values = [PValues(0.01, 0.02) for _ in seeds]
    return Comparison(
        [
            SystemResult("a|b", [measured("a|b", seed, 90.0 + seed) for seed in seeds], [], None),
            SystemResult("c", [measured("c", seed, 91.0) for seed in seeds], p_values, DIFFERENCES),
        ],
        Conditions(held_out, "fr"),
        "13a",
    )


def test_a_table_has_only_columns_that_somebody_has() -> None:
    head, _, first, second, *notes = comparison(1, 2).render_table().splitlines()
    assert head == (
        "| system | seeds | BLEU | chrF | AER % | parameters | minutes | memory, GB | p, bootstrap "
        "| p, randomisation |"
    )
    assert first.startswith("| a\\|b | 2 | 91.50 ± 6.35 | 70.00 ± 0.00 | 11.2 ± 0.0 | 1,234,567 |")
    assert first.endswith("| baseline | baseline |")
    assert second.endswith("| 0.0100, 0.0100 | 0.0200, 0.0200 |")
    assert any("Student" in note for note in notes)


def test_of_one_seed_the_interval_is_that_of_the_sentences() -> None:
    table = str(comparison(1))
    assert "| 91.00 [90.00, 92.00] |" in table
    assert "bootstrap" in table
    assert "seeds" not in table.splitlines()[0]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([5.0], "5.00"),
        ([1.0, 3.0], "2.00 ± 12.71"),
        ([1.0, 2.0, 3.0], "2.00 ± 2.48"),
        ([0.0, 2.0] * 100, "1.00 ± 0.14"),
    ],
)
def test_an_interval_of_a_mean_is_students(values: list[float], text: str) -> None:
    assert interval(values, 2) == text


def test_rows_have_all_figures(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison(1, 2).render_csv())))
    assert [(row["system"], row["seed"], row["bleu"]) for row in rows] == [
        ("a|b", "1", "91.0"),
        ("a|b", "2", "92.0"),
        ("c", "1", "91.0"),
        ("c", "2", "91.0"),
    ]
    assert rows[0]["entropy_nats"] == ""
    assert (rows[0]["bleu_lowest"], rows[0]["bleu_highest"]) == ("90.0", "92.0")


def test_differences_are_told_with_their_sign_and_no_minus_nothing() -> None:
    text = comparison(1).render_differences()
    assert text.startswith("## c against a|b")
    assert "| 0-5 | 3 | 40.00 | 40.00 | +0.00 |" in text
    assert "| 0 | 2 | 10.00 | 20.00 | +10.00 |" in text
    assert "- c (+50.0 chrF): je t'aime" in text
    assert "lost most" not in text
