"""Which run a name means, and which one is the newest; without torch."""

from __future__ import annotations

from pathlib import Path

from seq2seq.errors import UserError


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
