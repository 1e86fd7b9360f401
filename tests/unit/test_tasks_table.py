"""The table of the made tasks: what its rows are made of, and that the page shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import fast_weights, tasks
from seq2seq.config import Config, load_config
from seq2seq.data.make import CORPORA
from seq2seq.model.model import Seq2Seq


def row(recipe: str, seed: int, learnt: int | None, **exact: float) -> dict[str, object]:
    return {
        "recipe": recipe,
        "task": "copy",
        "seed": seed,
        "parameters": 1234,
        "examples": 24000,
        "minutes": 1.0,
        "learnt": learnt,
        "exact": {split.replace("_", "-"): share for split, share in exact.items()},
    }


def test_a_row_has_the_medians_of_the_seeds_and_marks_where_answers_hold() -> None:
    rows = [
        row("copy", 1, 4000, test=100.0, test_40=95.0, test_120=1.0),
        row("copy", 2, 8000, test=99.0, test_40=91.0, test_120=0.0),
        row("copy", 3, None, test=70.0, test_40=20.0, test_120=0.0),
    ]
    *_, last = tasks.render(rows).splitlines()
    assert last == (
        "| `copy` | 3 | 1,234 | 24,000 | 6,000 (2 of 3) | 99.0 | **40: 91.0**; 120: 0.0 |"
    )


def test_a_task_is_learnt_at_the_first_validation_with_nearly_all_lines_right(
    tmp_path: Path,
) -> None:
    shares = [12.0, 98.9, 99.0, 97.0]
    records = [
        {"kind": "valid", "step": 10 * n, "exact": share} for n, share in enumerate(shares, 1)
    ]
    lines = [json.dumps(record) for record in [{"kind": "train", "step": 5}, *records]]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    config = Config.model_validate({"batching": {"sentences": 16}, "training": {"accumulate": 2}})
    assert tasks.learnt(config, tmp_path) == 30 * 16 * 2
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines[:3]))
    assert tasks.learnt(config, tmp_path) is None


def test_test_sets_come_in_the_order_of_their_lengths() -> None:
    splits = ["test-120", "test-repeats-20", "test-40", "test", "test-repeats-15"]
    assert sorted(splits, key=tasks.in_order) == [
        "test",
        "test-40",
        "test-120",
        "test-repeats-15",
        "test-repeats-20",
    ]


RECIPES = sorted(file.stem for file in tasks.RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_makes_a_model_and_reads_a_corpus_that_can_be_made(recipe: str) -> None:
    config = load_config(tasks.RECIPES / f"{recipe}.yaml")
    Seq2Seq(config.model, 9, 9)
    assert recipe == "common" or Path(str(config.data.train)).parent.name in CORPORA


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_page_names_every_recipe(recipe: str) -> None:
    assert recipe == "common" or f"`{recipe}`" in tasks.PAGE.read_text("utf-8")


def test_the_page_shows_what_was_measured() -> None:
    assert tasks.render(tasks.read_rows()) in tasks.PAGE.read_text("utf-8")


def test_the_page_shows_what_fast_weights_hold() -> None:
    found = json.loads(fast_weights.RESULTS.read_text("utf-8"))
    assert fast_weights.render(found) in tasks.PAGE.read_text("utf-8")


def test_one_key_holds_its_value_until_the_sum_rule_adds_another() -> None:
    assert fast_weights.share_right("sum", 1, 1) == fast_weights.share_right("delta", 1, 1) == 100
    assert fast_weights.share_right("delta", 1, 2) == 100
    assert fast_weights.share_right("sum", 1, 2) < 90
