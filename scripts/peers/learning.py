"""How long a run took to reach a validation BLEU, from its metrics.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from seq2seq.errors import UserError

LEVELS = (10, 20, 30, 40, 45, 50)


def minutes_to(lines: Iterable[str], levels: Sequence[int] = LEVELS) -> list[float | None]:
    """Return the minutes of training and validation until each level; None if never reached."""
    valid = [record for record in map(json.loads, lines) if record["kind"] == "valid"]
    return [
        next((record["seconds"] / 60 for record in valid if record["bleu"] >= level), None)
        for level in levels
    ]


def render_learning(runs: Sequence[Path]) -> str:
    """Return a Markdown table: a row a run, the minutes to each level; UserError without runs."""
    if not runs:
        raise UserError("learning: name finished runs with --runs")
    heads = ["minutes to validation BLEU", *map(str, LEVELS)]
    rows = [heads, ["---"] * len(heads)]
    for run in runs:
        try:
            lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
        except OSError as error:
            raise UserError(f"{run}: expected a run directory: {error.strerror}") from None
        found = minutes_to(lines)
        rows.append([run.name, *("-" if time is None else f"{time:.1f}" for time in found)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
