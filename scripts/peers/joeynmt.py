"""How JoeyNMT does the work."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.system import BATCH, Search, System, Training, Translated

_SETTINGS = Path(__file__).with_name("joeynmt.yaml")


class JoeyNMT(System):
    """JoeyNMT: https://github.com/joeynmt/joeynmt."""

    name = "joeynmt"
    package = "joeynmt"
    settings = ("additive", "general", "transformer")

    def train(self, training: Training) -> Job:
        """Train by its YAML file."""
        path = self._write(training, beam=1, batch=BATCH)
        command = [self._program("python"), "-m", "joeynmt", "train", path, "--skip-test"]
        return Job(command, self._environment())

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read its log; a window has the mean number of tokens."""
        mean = fmean(self.work.target_lengths(training.part)) * BATCH
        return logs.joeynmt_windows(done.lines, mean * training.window)

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it printed."""
        seconds = logs.joeynmt_seconds(done.lines)
        return Translated(logs.output_tokens(done.out.splitlines()), seconds)

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate lines of pieces to lines of pieces."""
        path = self._write(model, beam=search.beam, batch=search.batch)
        command = [self._program("python"), "-m", "joeynmt", "translate", path]
        return Job(command, self._environment(), self.work.source_pieces(part))

    def _write(self, training: Training, *, beam: int, batch: int) -> Path:
        path = training.folder.with_suffix(f".beam{beam}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        tree = self._configuration(training, beam, batch)
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        return path

    def _configuration(self, training: Training, beam: int, batch: int) -> dict[str, Any]:
        """Its YAML file's tree, with what changes from run to run."""
        tree: dict[str, Any] = yaml.safe_load(_SETTINGS.read_text("utf-8"))
        work = self.work
        tree |= {
            "name": training.folder.name,
            "model_dir": str(training.folder),
            "random_seed": training.seed,
        }
        tree["data"] |= {
            "train": str(work.folder / training.part),
            "dev": str(work.folder / "few"),
            "src": self._side(work.source),
            "trg": self._side(work.target),
        }
        tree["training"] |= {
            "updates": training.updates,
            "logging_freq": training.window,
            "validation_freq": 10_000 * training.window,  # never; it must be divisible
        }
        tree["testing"] |= {"beam_size": beam, "batch_size": batch}
        tree["model"] = self._network(tree.pop("models"), training.setting)
        return tree

    def _network(self, models: dict[str, Any], setting: str) -> dict[str, Any]:
        if setting == "transformer":
            return models["transformer"]
        model: dict[str, Any] = models["recurrent"]
        attention = {"additive": "bahdanau", "general": "luong"}[setting]
        model["decoder"]["attention"] = attention
        return model

    def _side(self, language: str) -> dict[str, Any]:
        return {
            "lang": language,
            "level": "word",  # the files are in pieces already
            "max_length": 100,
            "lowercase": False,
            "normalize": False,
            "voc_file": str(self.work.folder / "vocab.joeynmt"),
        }
