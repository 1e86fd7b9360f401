"""Proof that a killed training, resumed, is the training that was not killed.

A recipe is trained twice by `seq2seq train` in processes of their own: straight, and killed by
SIGKILL at random moments of random updates, each time to be resumed. Then all that the two runs
left is compared, to the bit; only times and memory may differ.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seq2seq.config import Config, dump_config
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.run import Run

MEASURED = ("seconds", "target_tokens_per_second", "peak_memory")
"""The figures that may differ."""

_POLL = 0.002  # seconds between two looks at the run
_LATER = 0.1  # seconds after an update within which a kill comes


class Proof(NamedTuple):
    """What was compared, and where two runs differ."""

    kills: list[int]
    """The last update before each kill, as metrics.jsonl has it."""
    compared: dict[str, int]
    """How many things of a kind were compared."""
    differences: list[str]
    """One line each; empty if all is the same."""


def prove(config: Config, folder: Path, *, kills: int, seed: int, processes: int = 1) -> Proof:
    """Train `config` in folder/straight and in folder/killed, and compare the two runs.

    Every update is logged, so that moments can be chosen by updates. Raises UserError if the
    training can't be done at all.
    """
    steps = config.training.max_steps
    if steps is None:
        raise UserError("verify-resume: expected training.max_steps, found null; give a number")
    logged = config.training.model_copy(update={"log_every": 1, "samples": 0})
    recipe = folder / "recipe.yaml"
    with writing(recipe):
        folder.mkdir(parents=True, exist_ok=True)
        recipe.write_text(dump_config(config.model_copy(update={"training": logged})), "utf-8")
    for name in ("straight", "killed"):
        Run.check_free(folder / name)
    straight, killed = folder / "straight", folder / "killed"
    _train(recipe, straight, processes).wait_or_raise()
    draws = random.Random(seed)
    targets = sorted(draws.randint(1, steps) for _ in range(kills))
    hit = [_kill_at(_train(recipe, killed, processes), killed, step, draws) for step in targets]
    _train(recipe, killed, processes).wait_or_raise()
    compared, differences = compare(Run.open(straight), Run.open(killed))
    return Proof([step for step in hit if step is not None], compared, differences)


def compare(one: Run, other: Run) -> tuple[dict[str, int], list[str]]:
    """Return what two runs were compared by, and where they differ apart from times and memory."""
    compared = dict.fromkeys(("checkpoints", "tensors", "metrics"), 0)
    found: list[str] = []
    records = [[_unmeasured(record) for record in run.read_metrics()] for run in (one, other)]
    compared["metrics"] = len(records[0])
    found += _unequal("metrics.jsonl: number of lines", *map(len, records))
    for number, lines in enumerate(zip(*records, strict=False), 1):
        found += _unequal(f"metrics.jsonl:{number}", *lines)
    found += _unequal("result.json", *(_unmeasured(run.result or {}) for run in (one, other)))
    saved = [{each.folder.name: each for each in run.checkpoints()} for run in (one, other)]
    found += _unequal("checkpoints", *(list(each) for each in saved))
    for name in ("best", "last"):
        found += _unequal(name, *(run.checkpoint(name).folder.name for run in (one, other)))
    for name in saved[0].keys() & saved[1].keys():
        compared["checkpoints"] += 1
        pair = saved[0][name], saved[1][name]
        found += _unequal(f"{name}/state.json", *(_unmeasured(each.state) for each in pair))
        trees = [dict(_tensors(each)) for each in pair]
        found += _unequal(f"{name}: names of tensors", *(sorted(tree) for tree in trees))
        for key in trees[0].keys() & trees[1].keys():
            compared["tensors"] += 1
            if not _same(trees[0][key], trees[1][key]):
                found.append(f"{name}: {key} differs")
    return compared, found


def _tensors(checkpoint: Checkpoint) -> Iterator[tuple[str, Any]]:
    """Weights, moments of the optimiser, states of random generators, and plain values."""
    yield from checkpoint.weights().items()
    yield from _leaves("trainer", checkpoint.trainer_tensors())


def _leaves(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict | list | tuple):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, part in items:
            yield from _leaves(f"{name}.{key}", part)
    else:
        yield name, tree


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(one == other)


def _unmeasured(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmeasured(part) for key, part in value.items() if key not in MEASURED}
    return value


def _unequal(name: str, one: Any, other: Any) -> list[str]:
    return [] if one == other else [f"{name}: {one} and {other}"]


# --- processes ------------------------------------------------------------------------------------


class _Training:
    """A process that trains, or goes on with training, the recipe."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill it and all that it started, which may have sessions of their own."""
        for pid in [self._process.pid, *_descendants(self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def wait_or_raise(self) -> None:
        if self._process.wait():
            lines = self._log.read_text("utf-8", errors="replace").strip().splitlines()
            raise UserError(f"training failed: {lines[-1] if lines else 'it said nothing'}")


def _train(recipe: Path, run: Path, processes: int) -> _Training:
    command = [sys.executable, "-m", "seq2seq", "train", "--config", str(recipe), "--resume"]
    command += ["--run", str(run)]
    command += ["--processes", str(processes)] if processes > 1 else []
    return _Training(command, run.with_name(f"{run.name}.log"))


def _kill_at(training: _Training, run: Path, step: int, draws: random.Random) -> int | None:
    """Kill it some moments after an update; return the last update, or None if it ended first."""
    metrics = run / "metrics.jsonl"
    before = _changed(metrics)
    while not training.ended:
        if _changed(metrics) != before and _last_step(metrics) >= step:
            break
        time.sleep(_POLL)
    time.sleep(draws.random() * _LATER)
    if training.ended:
        training.wait_or_raise()
        return None
    training.kill()
    return _last_step(metrics)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _last_step(metrics: Path) -> int:
    """The step of the last whole line."""
    end = metrics.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2]
    _, found, rest = end.partition(b'"step": ')
    return int(rest.partition(b",")[0]) if found else 0


def _descendants(pid: int) -> list[int]:
    """The processes that came of one, where the system tells of them by files (Linux)."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_descendants(child)]
    return found
