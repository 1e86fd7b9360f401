"""Train every system's recipe on the bundled corpus, some seeds each, and print what they reached.

    python scripts/compare_systems.py --seeds 1 2 3 --systems transformer ntm
    python scripts/compare_systems.py --table                # of what has been trained so far

The recipes are those of configs/systems, and the demo's beside them. Each trained model is a line
of docs/results/systems.jsonl; one that is there is not trained again, so that a stopped comparison
goes on. Speed is measured apart, with nothing beside it, all systems by turns:

    python scripts/compare_systems.py --speed
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import seq2seq
from seq2seq.config import Config

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# E402: what follows is found only when the root is on the path.
from scripts.trained import Row, Rows, example, interval, measure_speed, scored  # noqa: E402

RESULTS = Rows(ROOT / "docs" / "results" / "systems.jsonl")
SPEEDS = ROOT / "docs" / "results" / "systems_speed.json"
RECIPES = {
    "demo": ROOT / "configs" / "demo.yaml",
    **{path.stem: path for path in sorted((ROOT / "configs" / "systems").glob("*.yaml"))},
}
FIGURES = {"bleu": ("BLEU", 1), "aer": ("AER %", 1), "entropy": ("entropy, nats", 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--systems", nargs="+", choices=RECIPES, default=list(RECIPES), metavar="NAME"
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "systems")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--speed", action="store_true", help="only measure how fast they train")
    options = parser.parse_args()
    if options.speed:
        speeds = measure_speed({name: system_config(name, 1) for name in options.systems})
        SPEEDS.write_text(json.dumps(speeds, indent=1) + "\n", "utf-8")
    elif not options.table:
        for seed in options.seeds:
            for name in options.systems:
                if (name, seed) not in {(row["system"], row["seed"]) for row in RESULTS.read()}:
                    RESULTS.append(train_system(name, seed, options.runs))
    print(render())


def train_system(name: str, seed: int, runs: Path) -> Row:
    """Train a system by its recipe; return what it reached."""
    found = scored(system_config(name, seed), runs / f"{name}-{seed}")
    return {"system": name, "seed": seed, **found}


def system_config(name: str, seed: int) -> Config:
    return seq2seq.load_config(RECIPES[name], [f"seed={seed}", "training.threads=1"])


def render() -> str:
    """Return a Markdown table: a row a system, means over its seeds with their 95 % intervals."""
    speeds = json.loads(SPEEDS.read_text("utf-8")) if SPEEDS.exists() else {}
    heads: Sequence[str] = ("system", "seeds", *(title for title, _ in FIGURES.values()))
    heads = (*heads, "je t'aime", "its matrix", "parameters", "target tokens/s", "CPU minutes")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    rows = RESULTS.read()
    for name in RECIPES:
        own = [row for row in rows if row["system"] == name]
        if own:
            lines.append(f"| {' | '.join(_cells(name, own, speeds))} |")
    return "\n".join(lines)


def _cells(name: str, rows: Sequence[Row], speeds: dict[str, Any]) -> list[str]:
    said = sum(row["translation"] == "je t'aime" for row in rows)
    return [
        name,
        str(len(rows)),
        *(interval([row[key] for row in rows], digits) for key, (_, digits) in FIGURES.items()),
        f"{said} of {len(rows)}",
        example(rows),
        f"{rows[0]['parameters'][1]:,}",
        f"{speeds[name]:,.0f}" if name in speeds else "-",
        interval([row["cpu_minutes"] for row in rows], 1),
    ]


if __name__ == "__main__":
    main()
