"""Train every attention unit on the bundled corpus, some seeds each, and print what came of them.

    python scripts/compare_units.py --seeds 1 2 3 --units additive general
    python scripts/compare_units.py --table                  # of what has been trained so far

Each trained unit is a line of docs/results/units.jsonl; one that is there is not trained again, so
a stopped comparison goes on, and several processes may share the work. Speed is measured apart,
with nothing beside it, all units by turns:

    python scripts/compare_units.py --speed
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
from scripts.trained import Rows, example, interval, measure_speed, scored  # noqa: E402

RESULTS = Rows(ROOT / "docs" / "results" / "units.jsonl")
SPEEDS = ROOT / "docs" / "results" / "units_speed.json"

UNITS = {
    "dot": "dot",
    "general": "general",
    "additive": "additive",
    "additive, 128 units": {"kind": "additive", "size": 128},
    "qkv": "qkv",
    "multihead": "multihead",
    "sigma-pi": "sigma-pi",
    "cosine": "cosine",
    "location": "location",
    "location-aware": "location-aware",
    "coverage": "coverage",
    "additive, sparsemax": {"kind": "additive", "size": 128, "addressing": "sparsemax"},
    "additive, entmax": {"kind": "additive", "size": 128, "addressing": "entmax"},
    "general, local-m": {"kind": "general", "addressing": "local-m"},
    "general, local-p": {"kind": "general", "addressing": "local-p"},
    "additive, hard": {"kind": "additive", "size": 128, "addressing": "hard"},
    "additive, gumbel": {"kind": "additive", "size": 128, "addressing": "gumbel"},
    "cosine, ntm": {"kind": "cosine", "addressing": "ntm"},
    "uniform": "uniform",
    "none": "none",
}

COLUMNS: dict[str, tuple[str, int]] = {
    "bleu": ("BLEU", 1),
    "aer": ("AER %", 1),
    "entropy": ("entropy, nats", 2),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--units", nargs="+", choices=UNITS, default=list(UNITS), metavar="UNIT")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "units")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--speed", action="store_true", help="only measure how fast they train")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    options = parser.parse_args()
    if options.speed:
        speeds = measure_speed({name: unit_config(name, 1) for name in options.units})
        SPEEDS.write_text(json.dumps(speeds, indent=1) + "\n", "utf-8")
    elif not options.table:
        for seed in options.seeds:
            for name in options.units:
                if (name, seed) not in {(row["unit"], row["seed"]) for row in RESULTS.read()}:
                    RESULTS.append(train_unit(name, seed, options.runs, options.overrides))
    print(render_table(RESULTS.read()))


def train_unit(name: str, seed: int, runs: Path, overrides: list[str]) -> dict[str, Any]:
    """Train one unit by the demo's recipe; what it reached, as plain values."""
    folder = runs / f"{name.replace(', ', '-')}-{seed}"
    return {"unit": name, "seed": seed, **scored(unit_config(name, seed, overrides), folder)}


def unit_config(name: str, seed: int, overrides: Sequence[str] = ()) -> Config:
    settings = [f"model.attention={json.dumps(UNITS[name])}", f"seed={seed}", "training.threads=1"]
    return seq2seq.load_config(ROOT / "configs" / "demo.yaml", [*settings, *overrides])


def render_table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: a row a unit, means over its seeds with their 95 % intervals."""
    names = ["unit", "seeds", *(title for title, _ in COLUMNS.values())]
    speeds = json.loads(SPEEDS.read_text("utf-8")) if SPEEDS.exists() else {}
    names += ["target tokens/s", "parameters (unit, all)", "je → I, t' → you, aime → love"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for unit in UNITS:
        own = [row for row in rows if row["unit"] == unit]
        if own:
            cells = [unit, str(len(own))]
            cells += [interval([row[key] for row in own], n) for key, (_, n) in COLUMNS.items()]
            cells.append(f"{speeds[unit]:,.0f}" if unit in speeds else "-")
            cells += [", ".join(f"{number:,}" for number in own[0]["parameters"]), example(own)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
