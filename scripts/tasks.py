"""Train the recipes of the made tasks, some seeds each, and print how far their answers hold.

    python scripts/tasks.py copy copy-ntm --seeds 1 2 3
    python scripts/tasks.py --table                      # of what has been trained so far

A recipe is `configs/tasks/NAME.yaml`; its corpus is made if it is not there. Each trained run is a
line of docs/results/tasks.jsonl; one that is there is not trained again, so a stopped script goes
on, and several processes may share the work. `--table` also writes the table into docs/tasks.md.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import seq2seq
from seq2seq.config import Config
from seq2seq.data.corpus import find_corpus
from seq2seq.data.make import CORPORA, make_corpus
from seq2seq.evaluation.scores import score_exact
from seq2seq.runs.run import Run

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "tasks.jsonl"
PAGE = ROOT / "docs" / "tasks.md"
RECIPES = ROOT / "configs" / "tasks"
MARK = "<!-- scripts/tasks.py -->"
LEARNT, HOLDS = 99.0, 90.0
"""Percent of the lines right: of validation, to be called learnt; of a longer test set."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="copy, copy-ntm ...")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "tasks")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--table", action="store_true", help="write the table into docs/tasks.md")
    options = parser.parse_args()
    for seed in options.seeds:
        for recipe in options.recipes:
            if (recipe, seed) not in {(row["recipe"], row["seed"]) for row in read_rows()}:
                append_row(train_recipe(recipe, seed, options.runs, options.overrides))
    table = render(read_rows())
    if options.table:
        before, _, after = PAGE.read_text("utf-8").split(MARK)
        PAGE.write_text(f"{before}{MARK}\n{table}\n{MARK}{after}", "utf-8")
    print(table)


def train_recipe(recipe: str, seed: int, runs: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Train a recipe; what it reached on each of its test sets, as plain values."""
    settings = [f"seed={seed}", "training.threads=1", *overrides]
    config = seq2seq.load_config(RECIPES / f"{recipe}.yaml", settings)
    corpus = corpus_of(config)
    folder = runs / f"{recipe}-{seed}"
    if not (folder / "result.json").exists():
        seq2seq.train(config, folder, resume=True)
    run = Run.open(folder)
    result = json.loads((run.folder / "result.json").read_text("utf-8"))
    translator = seq2seq.load(run.folder, device="cpu")
    return {
        "recipe": recipe,
        "task": corpus.name,
        "seed": seed,
        "parameters": sum(p.numel() for p in translator.models[0].parameters()),
        "examples": examples(config, result["steps"]),
        "minutes": round(result["seconds"] / 60, 1),
        "learnt": learnt(config, run.folder),
        "exact": {
            file.stem: share_right(translator, corpus / file.stem)
            for file in sorted(corpus.glob("test*.src"), key=lambda file: in_order(file.stem))
        },
    }


def corpus_of(config: Config) -> Path:
    """The folder of the recipe's corpus, which is made if it is not there."""
    folder = Path(str(config.data.train)).parent
    if not folder.exists():
        kind, task_options = CORPORA[folder.name]
        make_corpus(kind, folder.parent, **task_options)
    return folder


def share_right(translator: Any, prefix: Path) -> float:
    """Percent of a test set's lines that are right to the letter."""
    pairs = list(find_corpus(str(prefix), "src", "tgt").pairs())
    translations = translator.translate([pair.source for pair in pairs])
    texts = [translation.text for translation in translations]
    return round(score_exact(texts, [[pair.target for pair in pairs]]).value, 1)


def learnt(config: Config, folder: Path) -> int | None:
    """The examples seen before the first validation with nearly all lines right; None if none."""
    lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    steps = [
        record["step"]
        for record in map(json.loads, lines)
        if record["kind"] == "valid" and record["exact"] >= LEARNT
    ]
    return examples(config, min(steps)) if steps else None


def examples(config: Config, steps: int) -> int:
    assert config.batching.sentences is not None, "a recipe of a task sets the examples of a batch"
    return steps * config.batching.sentences * config.training.accumulate


def in_order(split: str) -> tuple[str, int]:
    """`test-20` before `test-120`."""
    found = re.search(r"-(\d+)$", split)
    return split.rstrip("-0123456789"), int(found[1]) if found else 0


def read_rows() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]


def append_row(row: dict[str, Any]) -> None:
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: a row a recipe, medians over its seeds."""
    titles = ("recipe", "seeds", "parameters", "examples", "learnt after", "right %", "beyond, %")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for recipe in sorted({row["recipe"]: None for row in rows}):
        own = [row for row in rows if row["recipe"] == recipe]
        shares = {split: median(row["exact"][split] for row in own) for split in own[0]["exact"]}
        cells = [
            f"`{recipe}`",
            str(len(own)),
            f"{own[0]['parameters']:,}",
            f"{max(row['examples'] for row in own):,}",
            when_learnt(own),
            f"{shares.pop('test'):.1f}",
            "; ".join(beyond(split, share) for split, share in shares.items()),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def when_learnt(rows: Sequence[Mapping[str, Any]]) -> str:
    """The median of the seeds that learnt, and how many did if not all."""
    known = [row["learnt"] for row in rows if row["learnt"] is not None]
    if not known:
        return "not"
    some = f" ({len(known)} of {len(rows)})" if len(known) < len(rows) else ""
    return f"{median(known):,.0f}{some}"


def beyond(split: str, share: float) -> str:
    """`40: 98.0`, in bold where it holds."""
    name = split.removeprefix("test-").replace("repeats-", "x")
    return f"**{name}: {share:.1f}**" if share >= HOLDS else f"{name}: {share:.1f}"


if __name__ == "__main__":
    main()
