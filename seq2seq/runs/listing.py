"""A list of runs, also of broken ones, made without torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from seq2seq.config import AttentionConfig, load_dump
from seq2seq.errors import UserError
from seq2seq.machine.input import check_folder
from seq2seq.machine.sealed import read_sealed_json
from seq2seq.runs.finding import is_run, named_checkpoint, read_result

_PARTS = (
    "config.yaml",
    "checkpoints",
    "data.json",
    "train.log",
)  # a folder that has one of them is or was a run


@dataclass(frozen=True)
class RunSummary:
    """One run directory; None is what is not known (yet).

    `state` is `finished`, `unfinished`, or the reason why the directory is broken;
    `changed` is a time in seconds since 1970, `size` is in bytes, `loss` in nats a target token.
    """

    folder: str
    state: str
    languages: str | None = None
    attention: str | None = None
    steps: int | None = None
    bleu: float | None = None
    loss: float | None = None
    changed: float = 0.0
    size: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def list_runs(folder: Path) -> list[RunSummary]:
    """Return the runs under `folder`, or the one that it is, the newest first."""
    check_folder(folder)
    folders = [folder] if is_run(folder) else sorted(folder.iterdir())
    runs = [_summary(each) for each in folders if any((each / part).exists() for part in _PARTS)]
    return sorted(runs, key=lambda run: -run.changed)


def render_runs(runs: list[RunSummary]) -> str:
    """Return a table for a person."""
    head = ("run", "languages", "attention", "BLEU", "loss", "steps", "size", "changed", "state")
    rows = [head, *(tuple(_cells(run)) for run in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = range(head.index("BLEU"), head.index("changed"))
    lines = (
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _cells(run: RunSummary) -> Iterator[str]:
    yield run.folder
    yield run.languages or "-"
    yield run.attention or "-"
    yield "-" if run.bleu is None else f"{run.bleu:.2f}"
    yield "-" if run.loss is None else f"{run.loss:.3f}"
    yield "-" if run.steps is None else f"{run.steps:,}"
    yield f"{run.size / 1e6:,.1f} MB"
    yield datetime.fromtimestamp(run.changed).strftime("%Y-%m-%d %H:%M")
    yield run.state


def _summary(folder: Path) -> RunSummary:
    changed, size = _measured(folder)
    state, found = "unfinished", dict[str, Any]()
    try:
        found = _described(folder)
        state = found.pop("state")
    except UserError as error:
        state = str(error)
    except OSError as error:
        state = f"{error.filename}: {error.strerror}"
    except (KeyError, TypeError, AttributeError):
        state = f"{folder}: damaged: its checkpoint or result.json was not written by training"
    return RunSummary(str(folder), state, changed=changed, size=size, **found)


def _described(folder: Path) -> dict[str, Any]:
    if not is_run(folder):
        raise UserError("not a run directory (it has no config.yaml)")
    config = load_dump(folder / "config.yaml")
    found = {
        "languages": f"{config.data.source}-{config.data.target}",
        "attention": _unit(config.model.attention),
    }
    if (result := read_result(folder)) is not None:
        steps, metrics, state = result["steps"], result, "finished"
    elif last := named_checkpoint(folder, "last"):
        progress = read_sealed_json(last / "state.json")
        steps, metrics, state = progress["step"], progress["best_metrics"], "unfinished"
    else:
        steps, metrics, state = None, {}, "unfinished, no checkpoint yet"
    for figure in (steps, metrics.get("bleu"), metrics.get("loss")):
        if not isinstance(figure, int | float | None):
            raise TypeError(figure)
    return {
        **found,
        "state": state,
        "steps": steps,
        "bleu": metrics.get("bleu"),
        "loss": metrics.get("loss"),
    }


def _unit(config: AttentionConfig) -> str:
    addressing = config.addressing.kind
    return config.kind if addressing == "softmax" else f"{config.kind}, {addressing}"


def _measured(folder: Path) -> tuple[float, int]:
    """The time of the last change in the folder, and its size in bytes; links are not followed."""
    changed, size = folder.lstat().st_mtime, 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                status = (Path(place) / name).lstat()
            except FileNotFoundError:  # a training run is at work on it
                continue
            changed, size = max(changed, status.st_mtime), size + status.st_size
    return changed, size
