"""The four systems: how each is told to train and to translate, and how its answer is read.

Each is as near to configs/bench/SETTING.yaml as its options come; docs/performance.md says what
differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, NamedTuple

import yaml

import seq2seq
from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.work import Work
from seq2seq.data.batching import plan_epoch
from seq2seq.errors import UserError

BATCH = 64  # sentences
MAX_LENGTH = 100  # target pieces of a translation
RECIPES = Path(__file__).parents[2] / "configs" / "bench"
_JOEYNMT = Path(__file__).with_name("joeynmt.yaml")


class Training(NamedTuple):
    """What is to be trained, into `folder`: a `part` of the work, `window` updates a log line."""

    setting: str
    part: str
    updates: int
    window: int
    seed: int
    folder: Path


class Search(NamedTuple):
    """How to translate; a beam of 1 is greedy search."""

    beam: int
    batch: int = BATCH


class Translated(NamedTuple):
    """What translating gave: output tokens, ends counted, and seconds without the start."""

    tokens: int
    seconds: float


@dataclass(frozen=True)
class System(ABC):
    """A system in an environment of its own under `home`, on `threads` of the processor."""

    home: Path
    work: Work
    threads: int

    name: ClassVar[str]
    package: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]

    def version(self) -> str:
        """Return the version of the package in the system's environment."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        command = [str(self._program("python")), "-c", code]
        try:
            return subprocess.check_output(command, text=True).strip()
        except (OSError, subprocess.CalledProcessError):
            raise UserError(
                f"{command[0]}: expected {self.package}, found none; scripts/bench_peers.sh "
                "installs it, --home says where"
            ) from None

    @abstractmethod
    def train(self, training: Training) -> Job:
        """Return the job that trains, its files written."""

    @abstractmethod
    def windows(self, training: Training, done: Done) -> list[Window]:
        """Return what the system says of the training's speed."""

    @abstractmethod
    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Return the job that translates a part, `test` or `one`, with what was trained."""

    @abstractmethod
    def translated(self, model: Training, done: Done) -> Translated:
        """Return what translating `test` gave."""

    def _environment(self, **others: str) -> dict[str, str]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        return {**threads, **others}

    def _program(self, name: str) -> Path:
        return self.home / f"{self.name}.venv" / "bin" / name


class Ours(System):
    """This project, by its own command line."""

    name = "seq2seq"
    package = "seq2seq"
    settings = ("additive", "general", "general-parallel")

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

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate the test by `bench translate`, which times decoding alone; else as a user."""
        words = ["bench", "translate", "--json", "--rounds", "1"]
        if part != "test":
            words = ["translate"]
        options = ("--model", model.folder, "--beam", str(search.beam))
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


class JoeyNMT(System):
    """JoeyNMT: https://github.com/joeynmt/joeynmt."""

    name = "joeynmt"
    package = "joeynmt"
    settings = ("additive", "general")

    def train(self, training: Training) -> Job:
        """Train by its YAML file."""
        path = self._write(training, beam=1, batch=BATCH)
        command = [self._program("python"), "-m", "joeynmt", "train", path, "--skip-test"]
        return Job(command, self._environment())

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read its log; a window has the mean number of tokens."""
        mean = fmean(self.work.target_lengths(training.part)) * BATCH
        return logs.joeynmt_windows(done.log.splitlines(), mean * training.window)

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it printed."""
        seconds = logs.joeynmt_seconds(done.log.splitlines())
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
        tree: dict[str, Any] = yaml.safe_load(_JOEYNMT.read_text("utf-8"))
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
        tree["training"] |= {"updates": training.updates, "logging_freq": training.window}
        tree["testing"] |= {"beam_size": beam, "batch_size": batch}
        attention = {"additive": "bahdanau", "general": "luong"}[training.setting]
        tree["model"]["decoder"]["attention"] = attention
        return tree

    def _side(self, language: str) -> dict[str, Any]:
        return {
            "lang": language,
            "level": "word",  # the files are in pieces already
            "max_length": 100,
            "lowercase": False,
            "normalize": False,
            "voc_file": str(self.work.folder / "vocab.joeynmt"),
        }


class OpenNMT(System):
    """OpenNMT-py: https://github.com/OpenNMT/OpenNMT-py."""

    name = "opennmt"
    package = "OpenNMT-py"
    settings = ("additive", "general")

    def train(self, training: Training) -> Job:
        """Train by its program and a YAML file of the data."""
        training.folder.mkdir(parents=True, exist_ok=True)
        path = training.folder / "data.yaml"
        vocabulary = str(self.work.folder / "vocab.opennmt")
        work, part = self.work, training.part
        corpus = {
            "path_src": str(work.source_pieces(part)),
            "path_tgt": str(work.target_pieces(part)),
        }
        tree = {
            "save_data": str(training.folder / "samples"),
            "src_vocab": vocabulary,
            "tgt_vocab": vocabulary,
            "share_vocab": True,
            "overwrite": True,
            "data": {"corpus": corpus},
        }
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        attention = {"additive": "mlp", "general": "general"}[training.setting]
        options = {
            "encoder_type": "brnn",
            "decoder_type": "rnn",
            "rnn_type": "GRU",
            "word_vec_size": 256,
            "enc_layers": 1,
            "dec_layers": 1,
            "hidden_size": 512,  # of both directions of the encoder
            "global_attention": attention,
            "input_feed": 1,
            "dropout": 0.2,
            "optim": "adam",
            "learning_rate": 0.001,
            "max_grad_norm": 1,
            "batch_size": BATCH,
            "batch_type": "sents",
            "bucket_size": 100 * BATCH,
            "num_workers": 0,
            "train_steps": training.updates,
            "report_every": training.window,
            "valid_steps": 10**6,
            "save_checkpoint_steps": training.updates,
            "save_model": training.folder / "model",
            "seed": training.seed,
        }
        flags = [f"-{key}={value}" for key, value in options.items()]
        command = [self._program("onmt_train"), "-config", path, *flags]
        return Job([*command, "-share_embeddings", "-bridge"], self._environment())

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read its log."""
        return logs.opennmt_windows(_printed(done), training.window)

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it wrote."""
        lines = self._output(model).read_text("utf-8").splitlines()
        return Translated(logs.output_tokens(lines), logs.opennmt_seconds(_printed(done)))

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate a file of pieces to one beside the model."""
        options = {
            "model": model.folder / f"model_step_{model.updates}.pt",
            "src": self.work.source_pieces(part),
            "output": self._output(model),
            "beam_size": search.beam,
            "batch_size": search.batch,
            "batch_type": "sents",
            "max_length": MAX_LENGTH,
            "max_length_ratio": 3,
            "length_penalty": "avg",
        }
        flags = [f"-{key}={value}" for key, value in options.items()]
        # Its checkpoints are pickles, which torch no longer loads unless told to.
        environment = self._environment(TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
        return Job([self._program("onmt_translate"), *flags, "-report_time"], environment)

    def _output(self, model: Training) -> Path:
        return model.folder / "output.txt"


class Marian(System):
    """Marian, as the wheel pymarian has it: https://github.com/marian-nmt/marian-dev."""

    name = "marian"
    package = "pymarian"
    settings = ("additive",)

    def train(self, training: Training) -> Job:
        """Train by its one command; its threads are workers, each with batches of its own."""
        training.folder.mkdir(parents=True, exist_ok=True)
        options = {
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
        return logs.marian_windows(_printed(done))

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it printed."""
        seconds = logs.marian_seconds(_printed(done))
        return Translated(logs.output_tokens(done.out.splitlines()), seconds)

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate lines of pieces to lines of pieces."""
        options = {
            "model": self._model(model),
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


SYSTEMS: dict[str, type[System]] = {
    system.name: system for system in (Ours, JoeyNMT, OpenNMT, Marian)
}


def _printed(done: Done) -> Iterator[str]:
    """All lines, wherever they were printed to."""
    yield from done.log.splitlines()
    yield from done.out.splitlines()
