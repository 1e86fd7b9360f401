"""This project, beside the others."""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

import seq2seq
from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.system import RECIPES, Search, System, Training, Translated
from seq2seq.data.batching import plan_epoch


class Ours(System):
    """This project, by its own command line."""

    name = "seq2seq"
    package = "seq2seq"
    settings = ("additive", "general", "general-parallel", "transformer")

    def version(self) -> str:
        """Return the version of this checkout."""
        return seq2seq.__version__

    def train(self, training: Training) -> Job:
        """Train on the corpus; for the part `longest`, with a seed that begins with its batch."""
        seed = training.seed if training.part == "train" else self._seed_of_longest(training)
        command = self._command("train", "--config", RECIPES / f"{training.setting}.yaml")
        data = self.work.config.data
        return Job(
            [
                *(*command, "--run", training.folder),
                *(f"data.train={data.train}", f"data.valid={data.valid}", f"seed={seed}"),
                f"training.threads={self.threads}",
                f"training.max_steps={training.updates}",
                f"training.log_every={training.window}",
            ],
            self._environment(),
        )

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read the run's metrics.jsonl."""
        return logs.ours_windows((training.folder / "metrics.jsonl").open(encoding="utf-8"))

    def export(self, model: Training, folder: Path, form: str) -> Job:
        """Write the model in another format: `onnx` or `ctranslate2`."""
        command = self._command("export", model.folder, "-o", folder, "--format", form)
        return Job(command, self._environment())

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate the test by `bench translate`, which times decoding alone; else as a user."""
        words = ["bench", "translate", "--json", "--rounds", "1"]
        if part != "test":
            words = ["translate"]
        options: list[str | Path] = ["--model", model.folder, "--beam", str(search.beam)]
        if search.precision != "fp32":
            options += ["--precision", search.precision]
        text = self.work.text(part)
        return Job(self._command(*words, *options, "--input", text), self._environment())

    def translated(self, model: Training, done: Done) -> Translated:
        """Read the bench's own figures."""
        (beam,) = json.loads(done.out)["beams"]
        tokens = beam["target_tokens"]
        return Translated(tokens, tokens / beam["target_tokens_per_second"]["median"])

    def _command(self, *words: str | Path) -> list[str | Path]:
        return [sys.executable, "-m", "seq2seq", "-q", *words]

    def _seed_of_longest(self, training: Training) -> int:
        """The first seed whose first updates have the batch with the longest target in it."""
        config, dataset = self.work.config, self.work.prepared.train
        lengths = (dataset.source_lengths + config.tokenizer.source_end, dataset.target_lengths + 1)
        longest = int(lengths[1].argmax())
        return next(
            seed
            for seed in count(1)
            if any(
                longest in batch
                for batch in plan_epoch(*lengths, config.batching, seed=seed, epoch=0)[
                    : training.updates
                ]
            )
        )
