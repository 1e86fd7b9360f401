"""What feeding back, recurrent attention and the fast path cost or save in training, side by side.

    seq2seq data get multi30k
    python scripts/bench_steps.py                 # the table of docs/performance.md
    python scripts/bench_steps.py --threads 1 --rounds 5 --updates 4

All kinds of step by turns, the same batches for each, so that what else the machine does meets
them alike; a ratio is of one round.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from seq2seq.bench.machine import Machine, set_threads
from seq2seq.bench.spread import Spread
from seq2seq.bench.stopwatch import Stopwatch
from seq2seq.bench.updates import Updates
from seq2seq.config import load_config
from seq2seq.data.prepare import prepare
from seq2seq.kernels.deferred import readable
from seq2seq.model.decoders.bahdanau import Bahdanau
from seq2seq.model.model import Seq2Seq

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "steps.json"

LUONG = ["model.decoder.kind=luong", "model.attention=general"]
STEPS: dict[str, list[str]] = {
    "additive, before the cell": [],
    "... by the readable path": [],
    "... step by step": [],
    "... teacher forcing 0.5": ["training.teacher_forcing.start=0.5"],
    "... between two cells": ["model.decoder.kind=conditional"],
    "... location-aware": ["model.attention=location-aware"],
    "... coverage": ["model.attention=coverage"],
    "cosine, ntm, before the cell": ["model.attention={kind: cosine, addressing: ntm}"],
    "general, input feeding": [*LUONG, "model.decoder.input_feeding=true"],
    "general, whole sequences": LUONG,
}
"""The settings of each; the first is what the others are compared with."""

WAYS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "... by the readable path": readable,
    "... step by step": lambda: patch.object(Bahdanau, "fused_loop", False),
}
"""What turns faster ways off, all of them or the last."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=8, help="a round")
    parser.add_argument("--table", action="store_true", help="only print what was found last")
    options = parser.parse_args()
    if not options.table:
        found = measure(options.threads, options.rounds, options.updates)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(render(json.loads(RESULTS.read_text(encoding="utf-8"))))


def measure(threads: int, rounds: int, updates: int) -> dict[str, Any]:
    """Return the machine, and of each kind of step the target tokens a second of each round."""
    set_threads(threads)
    machine = Machine.now(torch.device("cpu"), "fp32")
    work = {name: build(settings) for name, settings in STEPS.items()}
    speeds: dict[str, list[float]] = {name: [] for name in STEPS}
    for number in range(rounds + 1):  # the first is not counted
        for name, each in work.items():
            with WAYS.get(name, nullcontext)():
                speed = run(each, updates)
            if number:
                speeds[name].append(round(speed, 1))
    return {"machine": machine.as_dict(), "updates": updates, "speeds": speeds}


def build(settings: Sequence[str]) -> Updates:
    config = load_config(ROOT / "configs" / "bench" / "additive.yaml", list(settings))
    torch.manual_seed(config.seed)
    prepared = prepare(config)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    return Updates(config, prepared, model, torch.device("cpu"))


def run(work: Updates, updates: int) -> float:
    """Target tokens a second of so many updates."""
    work.rewind()
    started = time.perf_counter()
    tally = work.make(updates, Stopwatch(work.device))
    return tally.target_tokens / (time.perf_counter() - started)


def render(found: dict[str, Any]) -> str:
    """Return a Markdown table."""
    speeds = found["speeds"]
    plain = speeds[next(iter(STEPS))]
    lines = ["| step | target tokens/s | times as long as the first |", "|---|---|---|"]
    for name, own in speeds.items():
        ratios = Spread.of(one / each for one, each in zip(plain, own, strict=True))
        lines.append(f"| {name} | {Spread.of(own).render(',.0f')} | {ratios.render('.2f')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
