"""docs/python.md, run from its first block to its last on a tiny run in the demo's place."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from seq2seq import api
from seq2seq.compare import members

PAGE = Path(__file__).parents[2] / "docs/python.md"
SHORT = {"training.max_steps": 2, "training.validate_every": 2}
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def demo(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`runs/demo` and the recipe `demo` are the tiny ones; its training is cut short."""
    monkeypatch.chdir(world)
    shutil.move("runs/tiny", "runs/demo")
    text = (world / "tiny.yaml").read_text("utf-8")
    Path("demo.yaml").write_text(text.replace("log_every: 50", "log_every: 5"), encoding="utf-8")
    for module in (api, members):
        monkeypatch.setattr(module, "find_recipe", lambda _: Path("demo.yaml"))


def test_every_block_runs_and_trackers_get_the_losses(
    demo: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trackers = {name: MagicMock() for name in ("wandb", "mlflow", "trackio")}
    for name, tracker in trackers.items():
        monkeypatch.setitem(sys.modules, name, tracker)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        shorter = block.replace('"training.max_steps": 1000', '"training.max_steps": 10')
        exec(shorter.replace("seeds=3", f"seeds=1, overrides={SHORT}"), names)
        names.setdefault("checked", []).append(block)
    assert len(names["checked"]) == PAGE.read_text("utf-8").count("```python")
    assert [record["kind"] for record in names["records"]] == ["train", "train", "valid"]
    assert len(names["losses"]) == 2
    (first, *_), (logged, *_) = (
        trackers["wandb"].init().__enter__().log.call_args_list,
        trackers["mlflow"].log_metrics.call_args_list,
    )
    assert first.args[0]["train/loss"] == pytest.approx(names["losses"][0])
    assert (logged.kwargs["step"], logged.args[0]["train/loss"]) == (5, names["losses"][0])
    told = [call.args[0] for call in trackers["trackio"].log.call_args_list]
    assert [sorted(record)[0].split("/")[0] for record in told] == ["train", "train", "valid"]
    assert all(isinstance(value, int | float) for record in told for value in record.values())
    assert "I love you  ->  " in capsys.readouterr().out
