"""The points of scripts/bench_growth.py, measured for real on a tiny corpus."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import scripts.bench_growth as growth
from seq2seq.bench.machine import Machine
from tests.integration.tiny import EIGHT, write_corpus

LANGUAGES = ["en", "fr"]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    sizes = {"SIZES": (10,), "LENGTHS": (4, 6), "LINES": (5,), "VALIDATION": 4}
    efforts = {"UPDATES": 2, "WARMUP": 1, "UPDATES_A_LENGTH": 1}
    for name, value in {**sizes, **efforts}.items():
        monkeypatch.setattr(growth, name, value)
    small = [each for each in growth.SETTINGS if "vocab_size" not in each and "threads" not in each]
    monkeypatch.setattr(growth, "SETTINGS", [*small, "tokenizer.vocab_size=90"])
    return write_corpus(tmp_path, "corpus", [*EIGHT, *(pair[::-1] for pair in EIGHT)])


def test_every_kind_of_point_gives_the_figures_that_are_told(corpus: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    assert growth.slice_corpus(corpus, LANGUAGES, work) == [10, 16]
    spec = (str(work / "16"), LANGUAGES, str(work / "cache"))
    rows = {"prepare": growth.prepare_point(*spec), "train": growth.train_point(*spec)}
    growth.select_lengths(growth.settings(str(work / "16"), LANGUAGES), work)
    rows["length"] = growth.length_point(str(work), 6)
    rows["lines"] = growth.lines_point(str(work), str(work / "5.lines"))
    assert len((work / "5.lines.out").read_text("utf-8").splitlines()) == 5
    for told in growth.TOLD:
        assert told.figure in rows[told.kind]
    points = [{"kind": kind, "x": x, **row} for kind, row in rows.items() for x in (1, 2)]
    machine = Machine.now(torch.device("cpu")).as_dict()
    table = growth.render({"machine": machine, "points": points})
    assert table.count("\n| ") == len(growth.TOLD) + 3  # and a head for each axis


def test_a_slice_is_spread_evenly(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.write_text("".join(f"{number}\n" for number in range(12)), "utf-8")
    growth.spread_lines(whole, 12, 3, part)
    assert part.read_text("utf-8").split() == ["3", "7", "11"]
    growth.spread_lines(whole, 12, 40, part)
    assert part.read_text("utf-8") == whole.read_text("utf-8")
