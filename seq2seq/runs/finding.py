"""Which run and which checkpoint a name means, and which run is the newest; without torch."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from seq2seq.errors import DamagedError, UserError
from seq2seq.machine.sealed import read_sealed_json

CHECKPOINTS = "checkpoints"
NAMES = ("best", "last", "average")
"""What a checkpoint may be called. Which one it is stands in checkpoints/NAME.json. The links
`best` and `last` are a convenience: there are disks without links, and copies that follow them."""

STEP = re.compile(r"\d{8,}")
"""The name of a checkpoint: its step."""
AVERAGE = re.compile(r"average(-\d{8,}-\d+(-[0-9a-f]{8})?)?")


RUN_FILES = (
    *("config.yaml", "data.json", "result.json", "metrics.jsonl", "train.log", "tokenizer", "code"),
    *(CHECKPOINTS, *NAMES, "tensorboard"),
)
"""What a training writes to the directory of its run."""
RECIPE, SPLITS = PLANNED = "recipe.yaml", "corpus"
"""What its planning has written there before: the recipe, and the folder of the split corpus."""
UNFINISHED = ".unfinished"
"""A file in a folder that is being filled: what is there is ours, and may be written again."""


def run_file_at(path: Path) -> Path | None:
    """Return the run that `path` is, or lies in, a part of; None if it is of none.

    A folder of one's own may have a config.yaml too, but no data.json beside it.
    """
    real = Path(os.path.realpath(path))
    for folder in real.parents:
        own = real.relative_to(folder).parts[0] in RUN_FILES + PLANNED
        if own and is_run(folder) and (folder / "data.json").is_file():
            return folder
    return None


def is_run(folder: Path) -> bool:
    """Return whether `folder` is a run directory."""
    return (folder / "config.yaml").is_file()


def run_folder(name: str | Path) -> Path:
    """Return `name`, or runs/`name` if only that is a run: `demo` may mean runs/demo."""
    folder, under_runs = Path(name), Path("runs") / name
    return under_runs if not is_run(folder) and is_run(under_runs) else folder


def newest_run(folder: str | Path = "runs") -> Path:
    """Return the newest finished run under `folder`; UserError, naming the others, if none is."""
    folder = Path(folder)
    runs = [path.parent for path in folder.glob("*/config.yaml")]
    finished = [run for run in runs if (run / "result.json").exists()]
    if finished:
        return max(finished, key=lambda run: (run / "result.json").stat().st_mtime)
    if runs:
        names = ", ".join(sorted(map(str, runs)))
        raise UserError(
            f"no finished run under {folder}/; choose an unfinished one with --run: {names}"
        )
    raise UserError(f"no run under {folder}/; train a model first, or name a run with --run DIR")


def read_result(run: Path) -> dict[str, Any] | None:
    """Return how the training of a run ended; None as long as it has not, DamagedError if unsaid.

    Its figures are numbers; each may lack.
    """
    path = run / "result.json"
    if not path.exists():
        return None
    result = read_sealed_json(path)
    if result.get("peak_memory") is None:  # of a system that doesn't tell
        result.pop("peak_memory", None)
    for name in ("steps", "bleu", "chrf", "loss", "seconds", "peak_memory"):
        if not isinstance(result.get(name, 0), int | float):
            raise DamagedError(f"{path}: damaged: {name}: expected a number")
    return result


def is_complete(checkpoint: Path) -> bool:
    """Return whether a folder holds a checkpoint: its state is written last and removed first."""
    return (checkpoint / "state.json").exists()


def named_checkpoint(run: Path, name: str) -> Path | None:
    """Return the folder of the checkpoint of one of `NAMES`, if the run has one.

    Raises DamagedError if the file that says which is damaged.
    """
    path = name_file(run, name)
    if path.exists():
        found = read_sealed_json(path, required=True).get("checkpoint")
        if not isinstance(found, str) or not (STEP.fullmatch(found) or AVERAGE.fullmatch(found)):
            raise DamagedError(f"{path}: damaged: expected the name of a checkpoint")
        folder = run / CHECKPOINTS / found
    else:  # of an older version
        link = run / name if name != "average" else run / CHECKPOINTS / name
        folder = run / CHECKPOINTS / Path(os.readlink(link)).name if link.is_symlink() else link
    return folder if is_complete(folder) else None


def name_file(run: Path, name: str) -> Path:
    """Return the file that says which checkpoint is called `name`."""
    return run / CHECKPOINTS / f"{name}.json"
