"""Lines of results: a stopped comparison goes on, and a ratio is of one round."""

from pathlib import Path
from typing import Any

import pytest

from scripts.peers.results import Contest, Results, render
from seq2seq.errors import UserError

GENERAL = Contest("training", "general", "joeynmt", 64)


def setup(**changes: Any) -> dict[str, Any]:
    numbers = {"updates": 20, "window": 5, "learnt": 150, "sentences": 512, "threads": 2}
    return {
        "machine": {"processor": "Abacus", "instructions": "AVX2", "cores": 2},
        "versions": {"seq2seq": "0.1.0", "joeynmt": "2.3.0"},
        "numbers": {**numbers, **changes},
    }


def figures(ours: float, parallel: float, theirs: float) -> dict[str, dict[str, float]]:
    speeds = {
        "seq2seq general": ours,
        "seq2seq general-parallel": parallel,
        "joeynmt general": theirs,
    }
    return {
        name: {"tokens_per_second": speed, "peak_memory": 1.5e9} for name, speed in speeds.items()
    }


def test_what_was_measured_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    results = Results(tmp_path / "peers.jsonl")
    results.begin(setup())
    results.add(GENERAL, 1, figures(200, 400, 100))
    again = Results(tmp_path / "peers.jsonl")
    again.begin(setup())
    assert again.has(GENERAL, 1)
    assert not again.has(GENERAL, 2)
    assert not again.has(GENERAL._replace(what="memory"), 1)
    assert again.figures(GENERAL) == [figures(200, 400, 100)]


def test_figures_of_another_setup_are_not_mixed_in(tmp_path: Path) -> None:
    Results(tmp_path / "peers.jsonl").begin(setup())
    with pytest.raises(UserError, match=r"peers.jsonl: measured with numbers .*; move the file"):
        Results(tmp_path / "peers.jsonl").begin(setup(updates=30))


def test_a_table_has_medians_ranges_and_ratios_within_rounds(tmp_path: Path) -> None:
    results = Results(tmp_path / "peers.jsonl")
    results.begin(setup())
    results.add(GENERAL, 1, figures(200, 400, 100))
    results.add(GENERAL, 2, figures(100, 300, 25))  # a slow minute: 4 times in it, 2 in the other
    results.add(GENERAL, 3, figures(300, 600, 100))
    rows = [line for line in render(results).splitlines() if line.startswith("|")]
    assert [row.split(" | ")[:4] for row in rows[2:]] == [
        ["| seq2seq, general", "200 [100, 300]", "", ""],
        ["| seq2seq, general, no input feeding", "400 [300, 600]", "", ""],
        ["| JoeyNMT, general", "100 [25, 100]", "3.00 [2.00, 4.00]", "6.00 [4.00, 12.00]"],
    ]
    assert rows[4].endswith("| 1.50 |  |")


def test_a_system_that_took_part_in_the_start_alone_has_a_row_of_its_own(tmp_path: Path) -> None:
    results = Results(tmp_path / "peers.jsonl")
    results.begin(setup())
    marian = Contest("translating", "additive", "marian", 64)
    speeds = ("greedy_tokens_per_second", "beam_tokens_per_second", "greedy_length", "beam_length")
    both = ("seq2seq additive", "marian additive")
    results.add(marian, 1, {name: dict.fromkeys(speeds, 10.0) for name in both})
    start = {"seq2seq additive": 2.5, "seq2seq additive-exported": 0.7, "marian additive": 1.1}
    measured = {name: {"seconds": seconds} for name, seconds in start.items()}
    results.add(marian._replace(what="start"), 1, measured)
    rows = [line for line in render(results).splitlines() if line.startswith("|")]
    assert [(row.split(" | ")[0], row.split(" | ")[-1]) for row in rows[2:]] == [
        ("| seq2seq, additive", "2.5 |"),
        ("| seq2seq, additive, exported", "0.7 |"),
        ("| Marian, additive", "1.1 |"),
    ]


def test_a_table_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was measured yet"):
        render(Results(tmp_path / "peers.jsonl"))
