"""What trained models reached on the bundled corpus: a line each of a file, and tables of them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import torch

import seq2seq
from seq2seq.compare.report import interval as mean_and_interval
from seq2seq.config import Config
from seq2seq.data.batching import Batches
from seq2seq.data.corpus import find_corpus
from seq2seq.data.prepare import prepare
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.word_attention import Aligning
from seq2seq.model.model import Seq2Seq
from seq2seq.training.objective import Likelihood
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.update import Update

ROOT = Path(__file__).parents[1]
EXAMPLE = ("I love you", "je t'aime")
_PLACES = [(0, 0), (1, 2), (2, 1)]  # je -> I, t' -> you, aime -> love

Row = dict[str, Any]


class Rows:
    """The lines of a file, one for each trained model."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Row]:
        """Return all lines; none if there is no file yet."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def append(self, row: Row) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def scored(config: Config, folder: Path) -> Row:
    """Train by `config` into `folder`, unless that is done; return what the model reaches.

    `cpu_minutes` are those of the training and its validations, if they were all of this process.
    """
    started = None if folder.exists() else time.process_time()
    if not (folder / "result.json").exists():
        run = seq2seq.train(config, folder, resume=True)
        if run.result is None:
            sys.exit(f"{folder}: stopped; the same command goes on")
    used = None if started is None else round((time.process_time() - started) / 60, 1)
    translator = seq2seq.load(folder, device="cpu")
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
        "cpu_minutes": used,
    }


def parameters(model: Seq2Seq) -> list[int]:
    """Return the number of parameters of the decoder's attention units, and of the whole model."""
    parts = (torch.nn.ModuleList(model.decoder.units.values()), model)
    return [sum(p.numel() for p in part.parameters()) for part in parts]


def measure_speed(configs: Mapping[str, Config], rounds: int = 6) -> dict[str, float]:
    """Return target tokens a second in training, one thread: medians of rounds of 20 updates.

    Rounds of all by turns, so that what else the machine does meets them alike; the first is not
    counted.
    """
    torch.set_num_threads(1)
    updates = {name: _training_updates(config) for name, config in configs.items()}
    speeds: dict[str, list[float]] = {name: [] for name in configs}
    for _ in range(rounds):
        for name, update in updates.items():
            started = time.perf_counter()
            tokens = sum(next(update) for _ in range(20))
            speeds[name].append(tokens / (time.perf_counter() - started))
    return {name: round(median(values[1:]), 1) for name, values in speeds.items()}


def _training_updates(config: Config) -> Iterator[int]:
    """Yield the number of target tokens of one update after another."""
    prepared = prepare(config)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    optimizer = build_optimizer(config.training.optimizer, model)
    update = Update(Likelihood(model), optimizer, clip=1.0)
    source_end = config.tokenizer.source_end
    batches = Batches(prepared.train, config.batching, source_end=source_end, seed=1)
    fixed = [share.batches for share in islice(batches, 20)]  # the same ones in every round
    for batch in cycle(fixed):
        yield sum(loss.weight for loss in update(batch))


def interval(values: Sequence[float | None], digits: int) -> str:
    """Return the mean with its 95 % interval, of those that are there."""
    numbers = [value for value in values if value is not None]
    return mean_and_interval(numbers, digits) if numbers else "-"


def example(rows: Sequence[Row]) -> str:
    """Return the three weights of the article's matrix, each the median over seeds."""
    matrices = [row["example"] for row in rows if row["example"]]
    if not matrices:
        return "-"
    medians = [sorted(m[i][j] for m in matrices)[len(matrices) // 2] for i, j in _PLACES]
    right = sum(all(max(m[i]) == m[i][j] for i, j in _PLACES) for m in matrices)
    shares = f" ({right} of {len(matrices)} seeds)" if right < len(matrices) else ""
    return ", ".join(f"{value:.2f}" for value in medians) + shares
