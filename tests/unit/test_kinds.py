"""Lists of kinds that people read name what the tables name: no more, no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from seq2seq.compare.members import UNIT, parse_vary
from seq2seq.config import AttentionConfig, Config, UnitConfig
from seq2seq.kinds import ADDRESSINGS, ATTENTIONS, DECODERS

ROOT = Path(__file__).parents[2]
BASE = (ROOT / "configs/base.yaml").read_text("utf-8").splitlines()
ATTENTION_PAGE = (ROOT / "docs/attention.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def choices(part: Any, key: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each setting that takes one of several names, and these names."""
    if isinstance(part, UnitConfig):
        yield f"{key}.kind", tuple(part.table)
    for name, field in type(part).model_fields.items():
        value, inner = getattr(part, name), f"{key}.{name}".lstrip(".")
        if get_origin(field.annotation) is Literal:
            yield inner, get_args(field.annotation)
        elif hasattr(type(value), "model_fields"):
            yield from choices(value, inner)


SETTINGS = dict(choices(Config()))


def comment_of(key: str) -> str:
    """The comment beside a setting in base.yaml, with the lines on which it continues."""
    path: list[str] = []
    comments: list[str] = []
    for line in BASE:
        if match := re.match(r"( *)(\w+):", line):
            path[len(match[1]) // 2 :] = [match[2]]
        if ".".join(path) == key:
            comments.append(line.partition("#")[2].strip())
    assert comments, f"configs/base.yaml has no {key}"
    return " ".join(comments)


def listed(comment: str) -> list[str]:
    """The names in `a | b (a note) | c; a sentence`."""
    without_notes = re.sub(r"\([^)]*\)", "", comment).partition(";")[0]
    return [name.strip() for name in without_notes.split("|")]


@pytest.mark.parametrize("key", SETTINGS)
def test_the_base_recipe_lists_the_values_of(key: str) -> None:
    assert sorted(listed(comment_of(key))) == sorted(SETTINGS[key])


def rows(heading: str) -> set[str]:
    """The names in the first column of the table below a heading of docs/attention.md."""
    section = ATTENTION_PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_page_of_units_has_a_row_for_each() -> None:
    assert rows("Scores") == set(ATTENTIONS)
    assert rows("Addressings") == set(ADDRESSINGS)
    decoders = {row.partition("model.decoder.kind=")[2] for row in rows("Where the unit stands")}
    assert decoders - {""} == set(DECODERS)


def test_the_readme_counts_scores_and_addressings() -> None:
    scores, addressings = (len(set(table.values())) for table in (ATTENTIONS, ADDRESSINGS))
    words = NUMBERS.split()
    assert f"{words[scores]} scores and {words[addressings]} addressings" in README


def test_the_comparison_of_units_trains_each() -> None:
    command = re.search(r"<!-- command -->(.*)<!-- /command -->", ATTENTION_PAGE, re.DOTALL)
    assert command
    key, units = parse_vary(re.sub(r"\s+", " ", command[1].split('"')[1]))
    assert key == UNIT
    compared = [AttentionConfig.model_validate(unit) for unit in units]
    assert {ATTENTIONS[unit.kind] for unit in compared} == set(ATTENTIONS.values())
    assert {unit.addressing.kind for unit in compared} == set(ADDRESSINGS)
