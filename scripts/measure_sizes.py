"""What to expect of a corpus of 300, 3,000, 30,000 or 300,000 pairs: train on so many, and score.

    python scripts/measure_sizes.py --corpus corpora/tatoeba/train --test corpora/tatoeba/test \\
        --pairs 300 3000 30000 --minutes 30                # measure, one size after the other
    python scripts/measure_sizes.py --table                # into docs/first-hour.md

The pairs are a seeded choice of the corpus's lines, written to a table and given to `seq2seq train
TABLE`, as a user would. All sizes of a corpus translate the same test set; how much of its own
training pairs a model knows is told by as many of them. Each result is a line of
docs/results/sizes.jsonl: measured again, a size takes the place of its older result.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seq2seq.bench.machine import Machine
from seq2seq.data.corpus import find_corpus
from seq2seq.machine.device import find_device
from seq2seq.runs.run import Run

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "sizes.jsonl"
PAGE, MARK = ROOT / "docs" / "first-hour.md", "<!-- sizes -->"
SEED = 1
KNOWN = 200  # training pairs that a model is asked for
SENTENCES = ("I love you.", "Where is the station?", "My brother has never been to Paris.")
_TIME = re.compile(r"^time: ([\d,]+) updates \(([\d.]+) epochs.*\): about (.*)$", re.MULTILINE)
_SPLIT = re.compile(r"^split: ([\d,]+) to train on", re.MULTILINE)


def main() -> None:
    """Measure, or write the table of what was measured."""
    options = _parse()
    if options.table:
        text, table = PAGE.read_text("utf-8"), render(read_results())
        before, _, after = text.split(MARK)
        PAGE.write_text(f"{before}{MARK}\n{table}\n{MARK}{after}", encoding="utf-8")
        print(table)
        return
    for pairs in options.pairs:
        _keep(measure(options, pairs))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--corpus", help="prefix of the pairs to choose from")
    parser.add_argument("--test", help="prefix of the test set")
    parser.add_argument("--name", help="what the table calls the corpus; else its folder")
    parser.add_argument("--source", default="en")
    parser.add_argument("--target", default="fr")
    parser.add_argument("--pairs", type=int, nargs="+", default=[300, 3000])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--table", action="store_true", help="write the table and stop")
    options = parser.parse_args()
    if not options.table and not (options.corpus and options.test):
        parser.error("--corpus and --test say what to measure on")
    return options


# --- measuring -----------------------------------------------------------------------------------


def measure(options: argparse.Namespace, pairs: int) -> dict[str, Any]:
    """Train on so many pairs of the corpus, and return what came of it in plain values."""
    languages = (options.source, options.target)
    machine = Machine.now(find_device("cpu"), "fp32")
    with TemporaryDirectory() as folder:
        table, run = Path(folder) / f"{pairs}.tsv", Path(folder) / "run"
        _write_subset(options, pairs, table)
        said = ["train", str(table), "--run", str(run)]
        said += ["--source", languages[0], "--target", languages[1], "training.samples=0"]
        said += [] if options.minutes is None else ["--minutes", str(options.minutes)]
        started = time.perf_counter()
        log = _seq2seq(*said)
        seconds = time.perf_counter() - started
        result = Run.open(run).result or {}
        known = _write_known(run / "corpus", languages)
        return {
            "corpus": options.name or Path(options.corpus).parent.name,
            "pairs": pairs,
            "trained_on": _number(_SPLIT, log),
            "minutes_given": options.minutes,
            "seconds_planned": _planned(log),
            "seconds_trained": result.get("seconds"),
            "seconds_in_all": round(seconds, 1),
            "updates": result.get("steps"),
            "reason": result.get("reason"),
            "test": _scores(run, options.test),
            "known": _scores(run, str(known)),
            "translations": _translations(run, SENTENCES),
            "machine": machine.as_dict(),
        }


def _write_subset(options: argparse.Namespace, pairs: int, table: Path) -> None:
    """Write a seeded choice of the corpus; that of more pairs has all of the choice of fewer."""
    text = find_corpus(options.corpus, options.source, options.target)
    rows = [(pair.source, pair.target) for pair in text.pairs() if "\t" not in pair.source]
    if len(rows) < pairs:
        sys.exit(f"{options.corpus}: expected {pairs:,} pairs or more, found {len(rows):,}")
    random.Random(SEED).shuffle(rows)
    table.write_text("".join(f"{a}\t{b}\n" for a, b in rows[:pairs]), encoding="utf-8")


def _write_known(corpus: Path, languages: tuple[str, str]) -> Path:
    """Write the first training pairs to files of their own; return their prefix."""
    for language in languages:
        lines = (corpus / f"train.{language}").read_text("utf-8").split("\n")[:KNOWN]
        (corpus / f"known.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return corpus / "known"


def _seq2seq(*arguments: str, text: str = "") -> str:
    """Run the command; its standard output and, after it, standard error."""
    command = [sys.executable, "-m", "seq2seq", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout + done.stderr


def _scores(run: Path, data: str) -> dict[str, float]:
    out = _seq2seq("-q", "evaluate", "-m", str(run), "--data", data, "--json")
    return {
        value["name"]: round(value["value"], 2)
        for value in json.loads(out.splitlines()[0])["scores"]
        if value["name"] in ("BLEU", "chrF2")
    }


def _translations(run: Path, sentences: tuple[str, ...]) -> dict[str, str]:
    out = _seq2seq("-q", "translate", "-m", str(run), text="\n".join(sentences) + "\n")
    return dict(zip(sentences, out.splitlines(), strict=False))


def _number(pattern: re.Pattern[str], log: str) -> int:
    found = pattern.search(log)
    assert found, log
    return int(found[1].replace(",", ""))


def _planned(log: str) -> float:
    """The seconds that the plan said training would take, as precisely as it said."""
    found = _TIME.search(log)
    assert found, log
    number, unit = found[3].split()
    return float(number) * {"seconds": 1, "minutes": 60, "hours": 3600}[unit]


# --- telling -------------------------------------------------------------------------------------


def read_results() -> list[dict[str, Any]]:
    """Return what was measured, the smallest corpus first; nothing if nothing was."""
    if not RESULTS.exists():
        return []
    rows = [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]
    return sorted(rows, key=lambda row: (row["pairs"], row["corpus"]))


def _keep(row: dict[str, Any]) -> None:
    key = ("corpus", "pairs")
    rows = [old for old in read_results() if any(old[name] != row[name] for name in key)]
    lines = (json.dumps(each, ensure_ascii=False) for each in [*rows, row])
    RESULTS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(render([row]))


def render(rows: list[dict[str, Any]]) -> str:
    """Return the table of results, in Markdown, and a list of translations."""
    lines = [
        "| pairs | corpus | training, planned | training took | BLEU of new sentences | chrF "
        "| BLEU of its own |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['pairs']:,} | {row['corpus']} | {_minutes(row['seconds_planned'])} "
        f"| {_minutes(row['seconds_trained'])} | {row['test']['BLEU']:.1f} "
        f"| {row['test']['chrF2']:.1f} | {row['known']['BLEU']:.1f} |"
        for row in rows
    ]
    for sentence in SENTENCES:
        lines += ["", f"“{sentence}” becomes", ""]
        lines += [
            f"- with {r['pairs']:,}: {r['translations'][sentence] or '(nothing)'}" for r in rows
        ]
    return "\n".join(lines)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
