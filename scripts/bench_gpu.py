"""How fast a GPU trains and translates, and how long it takes to a validation BLEU, in one command.

    python scripts/bench_gpu.py                                    # the bundled corpus
    python scripts/bench_gpu.py --config multi30k --run runs/gpu   # a recipe whose corpus is there
    python scripts/bench_gpu.py --device cpu --small               # shows that it runs, no more

Speeds are those of `seq2seq bench`, each combination in a process of its own, and the fraction of
the limit is that of the device's own matrix products. Then a run is trained as the recipe says.
What was found goes to docs/results/gpu.json. KEY=VALUE changes the recipe, e.g.
data.train=corpora/laws.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "gpu.json"

PRECISIONS = ("fp32", "bf16")
TOKENS = (2_000, 8_000, 32_000)  # target tokens a batch, padding counted
SMALL = ("training.max_steps=20", "training.validate_every=10", "training.schedule.warmup=0")
REACHED = 0.95  # of the best BLEU


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", default="demo", help="recipe, bundled or a file")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--run", type=Path, help="keep the run here, instead of removing it")
    parser.add_argument("--small", action="store_true", help="a few updates of everything")
    parser.add_argument("--results", type=Path, help="[default: docs/results/gpu.json]")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    options = parser.parse_args()
    if options.small and not options.results:
        parser.error("--small is no measurement: name another file with --results")
    settings = [f"training.device={options.device}", *options.overrides]
    found: dict[str, Any] = {
        "config": options.config,
        "overrides": options.overrides,
        "training": [],
    }
    for more in combinations(small=options.small):
        row = bench_train(options.config, [*settings, *more], small=options.small)
        tell(training_row(row))  # at once: who has the device for some minutes keeps what there is
        found["training"].append(row)
    with TemporaryDirectory(prefix="seq2seq_gpu_") as spare:
        run = options.run or Path(spare) / "run"
        small = SMALL if options.small else ()
        found["validations"] = train(options.config, [*settings, *small], run)
        tell(reached(found["validations"]))
        found["translating"] = bench_translate(run, options.device, small=options.small)
    results = options.results or RESULTS
    results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(render(found))


def combinations(*, small: bool) -> list[list[str]]:
    sizes = (400,) if small else TOKENS
    return [
        [f"training.precision={precision}", f"batching.tokens={tokens}"]
        for precision, tokens in product(PRECISIONS, sizes)
    ]


def bench_train(config: str, settings: list[str], *, small: bool) -> dict[str, Any]:
    """The figures of `seq2seq bench train`, and the settings that they are of."""
    effort = ["--updates", "3", "--warmup", "1", "--rounds", "1"] if small else []
    found = command("bench", "train", "--json", *effort, "--config", config, *settings)
    return {"settings": settings, **json.loads(found)}


def train(config: str, settings: list[str], run: Path) -> list[dict[str, Any]]:
    """Train a run; step, seconds (validation counted), loss and BLEU of each validation."""
    command("train", "--config", config, "--run", str(run), *settings)
    records = map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines())
    return [record for record in records if record["kind"] == "valid"]


def bench_translate(run: Path, device: str, *, small: bool) -> dict[str, Any]:
    """The figures of `seq2seq bench translate` on the run's test set."""
    effort = ["--limit", "20", "--rounds", "1"] if small else []
    text = command("bench", "translate", "--json", *effort, "--model", str(run), "--device", device)
    found: dict[str, Any] = json.loads(text)
    return found


def command(*arguments: str) -> str:
    """Run `seq2seq` and return what it prints; its messages go where ours go."""
    tell(" ".join(("seq2seq", *arguments)))
    whole = [sys.executable, "-m", "seq2seq", "--quiet", *arguments]
    done = subprocess.run(whole, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    return done.stdout


# --- telling --------------------------------------------------------------------------------------


def tell(line: str) -> None:
    """Say what is going on, beside the results."""
    print(line, file=sys.stderr, flush=True)


def render(found: dict[str, Any]) -> str:
    """Return Markdown tables."""
    machine = found["training"][0]["machine"]
    lines = [
        f"{machine['device']}, torch {machine['torch_version']}, recipe {found['config']}",
        "",
        "| training | target tokens/s | of its products | of a square product | device GB |",
        "|---|---:|---:|---:|---:|",
        *map(training_row, found["training"]),
        "",
        "| translating | target tokens/s | sentences/s | one alone, ms |",
        "|---|---:|---:|---:|",
        *map(translating_row, found["translating"]["beams"]),
        "",
        reached(found["validations"]),
    ]
    return "\n".join(lines)


def training_row(row: dict[str, Any]) -> str:
    chosen = dict(setting.split("=", 1) for setting in row["settings"])
    limits = [row["limits"][name]["fraction"]["median"] for name in ("products", "square")]
    memory = row["memory"]["device"]
    cells = [
        f"{chosen['training.precision']}, {int(chosen['batching.tokens']):,} a batch",
        f"{row['target_tokens_per_second']['median']:,.0f}",
        *(f"{fraction:.1%}" for fraction in limits),
        "-" if memory is None else f"{memory / 1e9:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def translating_row(beam: dict[str, Any]) -> str:
    cells = [
        f"beam {beam['beam']}",
        f"{beam['target_tokens_per_second']['median']:,.0f}",
        f"{beam['sentences_per_second']['median']:,.1f}",
        f"{1000 * beam['latency']['median']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def reached(validations: list[dict[str, Any]]) -> str:
    """Say when the best validation BLEU was reached, and when nearly."""
    best = max(validations, key=lambda record: (record["bleu"], -record["loss"]))
    near = next(record for record in validations if record["bleu"] >= REACHED * best["bleu"])
    return "validation BLEU " + ", ".join(
        f"{record['bleu']:.1f} after {record['seconds']:.0f} s (step {record['step']:,})"
        for record in (near, best)
    )


if __name__ == "__main__":
    main()
