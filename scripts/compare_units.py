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
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch

import seq2seq
from seq2seq.config import Config
from seq2seq.data.batching import Batches
from seq2seq.data.corpus import find_corpus
from seq2seq.data.prepare import prepare
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.word_attention import Aligning
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.run import Run
from seq2seq.training.objective import Likelihood
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.update import Update

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "units.jsonl"
SPEEDS = ROOT / "docs" / "results" / "units_speed.json"
EXAMPLE = ("I love you", "je t'aime")

UNITS = {
    "dot": "dot",
    "general": "general",
    "additive": "additive",
    "additive, 128 units": {"kind": "additive", "size": 128},
    "qkv": "qkv",
    "multihead": "multihead",
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

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Half a 95 % interval of a mean of so many, in standard errors: Student's t."""

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
        SPEEDS.write_text(json.dumps(measure_speed(options.units), indent=1) + "\n", "utf-8")
    elif not options.table:
        for seed in options.seeds:
            for name in options.units:
                if (name, seed) not in {(row["unit"], row["seed"]) for row in read_rows()}:
                    append_row(train_unit(name, seed, options.runs, options.overrides))
    print(render_table(read_rows()))


def train_unit(name: str, seed: int, runs: Path, overrides: list[str]) -> dict[str, Any]:
    """Train one unit by the demo's recipe; what it reached, as plain values."""
    config = unit_config(name, seed, overrides)
    folder = runs / f"{name.replace(', ', '-')}-{seed}"
    if not (folder / "result.json").exists():
        seq2seq.train(config, folder, resume=True)
    run = Run.open(folder)
    translator = seq2seq.load(run.folder, device="cpu")
    pairs = list(find_corpus(str(ROOT / "data" / "test"), "en", "fr").pairs())
    found = evaluate(
        translator,
        [pair.source for pair in pairs],
        [[pair.target for pair in pairs]],
        tokenize=config.evaluation.tokenize,
        language=config.data.target,
        alignments=ROOT / "data" / "test.align",
        aligning=Aligning(),
        bootstrap=0,
    )
    return {
        "unit": name,
        "seed": seed,
        "bleu": round(found.scores[0].value, 2),
        "aer": round(100 * found.alignment.unshifted.aer, 2) if found.alignment else None,
        "entropy": round(found.entropy, 3) if found.entropy is not None else None,
        "parameters": parameters(translator.models[0]),
        "example": [
            [round(float(weight), 3) for weight in row]
            for row in translator.force([EXAMPLE])[0].attention
        ]
        if found.alignment
        else None,
        "translation": translator.translate([EXAMPLE[0]])[0].text,
    }


def unit_config(name: str, seed: int, overrides: Sequence[str] = ()) -> Config:
    settings = [f"model.attention={json.dumps(UNITS[name])}", f"seed={seed}", "training.threads=1"]
    return seq2seq.load_config(ROOT / "configs" / "demo.yaml", [*settings, *overrides])


def measure_speed(names: list[str], rounds: int = 6) -> dict[str, float]:
    """Target tokens a second in training, one thread: the median of rounds of 20 updates each.

    Rounds of all units by turns, so that what else the machine does meets them alike; the first is
    not counted.
    """
    torch.set_num_threads(1)
    updates = {name: training_updates(name) for name in names}
    speeds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, update in updates.items():
            started = time.perf_counter()
            tokens = sum(next(update) for _ in range(20))
            speeds[name].append(tokens / (time.perf_counter() - started))
    return {name: round(median(values[1:]), 1) for name, values in speeds.items()}


def training_updates(name: str) -> Iterator[int]:
    """Yield the number of target tokens of one update after another."""
    config = unit_config(name, 1)
    prepared = prepare(config)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    optimizer = build_optimizer(config.training.optimizer, model)
    update = Update(Likelihood(model), optimizer, clip=1.0)
    batches = Batches(prepared.train, config.batching, source_end=False, seed=1)
    fixed = [share.batches for share in islice(batches, 20)]  # the same ones in every round
    for batch in cycle(fixed):
        yield sum(loss.weight for loss in update(batch))


def parameters(model: Seq2Seq) -> list[int]:
    """The number of parameters of the attention unit, and of the whole model."""
    parts = (torch.nn.ModuleList(model.decoder.units.values()), model)
    return [sum(p.numel() for p in part.parameters()) for part in parts]


def read_rows() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]


def append_row(row: dict[str, Any]) -> None:
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


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


def interval(values: list[float | None], digits: int) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    text = f"{mean(numbers):,.{digits}f}"
    if len(numbers) < 2:
        return text
    half = STUDENT[len(numbers)] * stdev(numbers) / len(numbers) ** 0.5
    return f"{text} ± {half:,.{digits}f}"


def example(rows: list[dict[str, Any]]) -> str:
    """The three weights of the article's matrix, each the median over seeds."""
    places = [(0, 0), (1, 2), (2, 1)]
    matrices = [row["example"] for row in rows if row["example"]]
    if not matrices:
        return "-"
    medians = [sorted(m[i][j] for m in matrices)[len(matrices) // 2] for i, j in places]
    right = sum(all(max(m[i]) == m[i][j] for i, j in places) for m in matrices)
    shares = f" ({right} of {len(matrices)} seeds)" if right < len(matrices) else ""
    return ", ".join(f"{value:.2f}" for value in medians) + shares


if __name__ == "__main__":
    main()
