"""How Marian does the work."""

from __future__ import annotations

from pathlib import Path

from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.system import BATCH, Search, System, Training, Translated


class Marian(System):
    """Marian, as the wheel pymarian has it: https://github.com/marian-nmt/marian-dev."""

    name = "marian"
    package = "pymarian"
    settings = ("additive", "transformer")

    def train(self, training: Training) -> Job:
        """Train by its one command; its threads are workers, each with batches of its own."""
        training.folder.mkdir(parents=True, exist_ok=True)
        options = {
            **_network(training.setting),
            "cost-type": "ce-mean-words",
            "optimizer": "adam",
            "learn-rate": 0.001,
            "clip-norm": 1,
            "mini-batch": BATCH,
            "max-length": 100,
            "after-batches": training.updates,
            "disp-freq": training.window,
            "workspace": 1000,
            "seed": training.seed,
            "model": self._model(training),
        }
        flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        command = [self._program("pymarian"), *flags, "--tied-embeddings-all", "--overwrite"]
        work, part = self.work, training.part
        corpus = ("-t", work.source_pieces(part), work.target_pieces(part))
        return Job([*command, *corpus, *self._shared()], self._one())

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read its log."""
        return logs.marian_windows(done.lines)

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it printed."""
        seconds = logs.marian_seconds(done.lines)
        return Translated(logs.output_tokens(done.out.splitlines()), seconds)

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate lines of pieces to lines of pieces."""
        options = {
            "models": self._model(model),
            "beam-size": search.beam,
            "normalize": 1,
            "mini-batch": search.batch,
            "maxi-batch": 100,
            "maxi-batch-sort": "src",
            "workspace": 1000,
        }
        flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        command = [self._program("pymarian"), "decode", *flags, "--quiet-translation"]
        return Job([*command, *self._shared()], self._one(), self.work.source_pieces(part))

    def _model(self, training: Training) -> Path:
        return training.folder / "model.npz"

    def _shared(self) -> list[str | Path]:
        vocabulary = self.work.folder / "vocab.marian.yml"
        return ["-v", vocabulary, vocabulary, "--cpu-threads", str(self.threads)]

    def _one(self) -> dict[str, str]:
        """Each of its workers computes with one thread."""
        return {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _network(setting: str) -> dict[str, str | int | float]:
    """What chooses the network."""
    if setting == "transformer":
        return {
            "type": "transformer",
            "enc-depth": 3,
            "dec-depth": 3,
            "dim-emb": 256,
            "transformer-heads": 4,
            "transformer-dim-ffn": 1024,
            "transformer-preprocess": "n",
            "transformer-postprocess": "da",
            "transformer-postprocess-top": "n",
            "transformer-dropout": 0.2,
        }
    return {
        "type": "s2s",
        "enc-type": "bidirectional",
        "enc-cell": "gru",
        "dec-cell": "gru",
        "enc-depth": 1,
        "dec-depth": 1,
        "enc-cell-depth": 1,
        "dec-cell-base-depth": 2,  # two GRUs with the attention between them: it has no less
        "dim-emb": 256,
        "dim-rnn": 512,
        "dropout-rnn": 0.2,
    }
