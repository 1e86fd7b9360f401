"""`seq2seq attention`: units of one's own, checked and listed from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq.conformance.laws import LAWS
from seq2seq.kinds import ADDRESSINGS, ATTENTIONS, CELLS
from tests.integration.conftest import Command

BROKEN = '''
from seq2seq.model.attention import ADDRESSINGS, Addressing
from seq2seq.model.attention.contract import Addressed


class Doubled(Addressing):
    """Twice the softmax over everything."""

    def forward(self, scores_BHTS, query_BTQ, memory, state):
        return Addressed(2 * scores_BHTS.softmax(-1))


ADDRESSINGS["doubled"] = Doubled
'''


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What a file registers is forgotten after the test."""
    tables = ATTENTIONS, ADDRESSINGS, CELLS
    before = [set(table) for table in tables]
    yield
    for table, names in zip(tables, before, strict=True):
        for name in set(table) - names:
            del table[name]


def example() -> str:
    """The file that CONTRIBUTING.md shows."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# my_units\.py\n.*?)```", text, re.DOTALL)
    return str(code)


def test_the_example_of_the_manual_passes_every_law(world: Path, command: Command) -> None:
    (world / "my_units.py").write_text(example())
    arguments = ["attention", "check", "my_units.py", "model.attention.size=8", "--quick"]
    status, out, err = command(*arguments)
    laws = [f"  PASS  {law.__name__.replace('_', ' ')}" for law in LAWS]
    assert (status, out.splitlines(), err) == (0, ["bilinear", *laws, "all passed"], "")


def test_what_fails_is_told_and_gives_status_1(
    world: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [law for law in LAWS if "sum_to_one" in law.__name__ or "padding" in law.__name__]
    monkeypatch.setattr("seq2seq.conformance.check.LAWS", kept)
    (world / "broken.py").write_text(BROKEN)
    status, out, _ = command("attention", "check", "broken.py", "--quick")
    assert status == 1
    first, *verdicts, last = out.splitlines()
    assert (first, last) == ("doubled (addressing, over general)", "FAILED: doubled")
    assert [line[:8] for line in verdicts] == ["  FAIL  "] * 2
    status, out, _ = command("attention", "check", "--unit", "doubled", "--quick", "--json")
    found = json.loads(out)
    assert (status, found["passed"], len(found["units"])) == (1, False, 1)
    unit = found["units"][0]
    assert unit["attention"] == {"kind": "general", "addressing": {"kind": "doubled"}}
    assert [law["passed"] for law in unit["laws"]] == [False, False]
    assert all(law["reason"] for law in unit["laws"])
    assert unit["toys"] == []


def test_a_toy_that_is_not_learnt_fails_only_if_strict(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.conformance.check.LAWS", ())
    monkeypatch.setattr("seq2seq.conformance.toys.UPDATES", 2)
    status, out, _ = command("attention", "check", "--unit", "none")
    assert status == 0
    lines = out.splitlines()
    assert (lines[0], lines[-1]) == ("none", "all passed")
    for line, task in zip(lines[1:-1], ("copy", "reverse", "sort"), strict=True):
        assert re.fullmatch(rf"  MISS  {task} +accuracy +[\d.]+%  alignment none", line)
    assert command("attention", "check", "--unit", "none", "--strict").status == 1


def test_list_shows_every_unit_with_its_options(command: Command) -> None:
    status, out, _ = command("attention", "list")
    assert status == 0
    names = {line.split()[0] for line in out.splitlines() if re.match(r"  \S", line)}
    assert names == {*ATTENTIONS, *ADDRESSINGS}
    assert "size=null heads=4" in out
    listed = json.loads(command("attention", "list", "--json").out)
    units = {entry["name"]: entry for entry in listed["model.attention.kind"]}
    assert units["location"]["options"] == {"positions": 101}
    assert units["general"]["summary"] == "score(s, h) = s . W h."
    addressings = {entry["name"] for entry in listed["model.attention.addressing.kind"]}
    assert addressings == set(ADDRESSINGS)


# --- other parts than units -----------------------------------------------------------------------

CELL = '''
from torch import nn
from seq2seq.kinds import CELLS
from seq2seq.model.contract import Cell


class Leaky(Cell):
    """h' = tanh(W x + decay h)."""

    def __init__(self, input_size, size, *, decay: float = 0.5):
        super().__init__(input_size, size)
        self.project = nn.Linear(input_size, size)
        self.decay = decay

    def step(self, input_BG, state):
        return (self.project(input_BG) + self.decay * state).tanh()


CELLS["leaky"] = Leaky
'''


def test_a_cell_of_ones_own_is_held_to_the_laws_in_every_decoder(
    world: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [law for law in LAWS if "is_its_steps" in law.__name__ or "reordered" in law.__name__]
    monkeypatch.setattr("seq2seq.conformance.check.LAWS", kept)
    (world / "leaky.py").write_text(CELL)
    decay = ("model.decoder.cell.decay=0.9", "model.encoder.cell.decay=0.9")
    status, out, err = command("check", "leaky.py", *decay, "--quick")
    laws = [f"  PASS  {law.__name__.replace('_', ' ')}" for law in kept]
    assert (status, out.splitlines(), err) == (0, ["leaky (cell)", *laws, "all passed"], "")
    status, _, err = command("check", "--cell", "leaky", "model.decoder.size=3", "--quick")
    assert (status, "expected model.decoder.cell.KEY=VALUE" in err) == (2, True)


def test_parts_of_the_package_are_checked_by_name(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [law for law in LAWS if "order_of_sentences" in law.__name__]
    monkeypatch.setattr("seq2seq.conformance.check.LAWS", kept)
    names = ["--cell", "lstm", "--encoder", "recurrent", "--decoder", "stacked", "--unit", "ntm"]
    found = json.loads(command("check", *names, "--quick", "--json").out)
    assert [(unit["name"], unit["part"]) for unit in found["units"]] == [
        ("ntm", "addressing"), ("lstm", "cell"), ("recurrent", "encoder"), ("stacked", "decoder")
    ]  # fmt: skip
    assert found["passed"]
    status, _, err = command("check", "--cell", "lsmt")
    assert status == 2
    kinds = ", ".join(CELLS)
    assert err.startswith(f"error: --cell: expected one of {kinds}, found 'lsmt' (did you mean")
