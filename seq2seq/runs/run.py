"""The run directory: everything that translating and resuming need.

config.yaml  tokenizer/  code/  data.json  train.log  metrics.jsonl  result.json (when finished)
checkpoints/00012000/  (see `checkpoint`)
best -> checkpoints/00012000   last -> checkpoints/00012000
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.config import Config, dump_config, load_dump
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError, did_you_mean
from seq2seq.extension import load_code
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.checkpoint import (
    Checkpoint,
    is_complete,
    remove_checkpoint,
    write_average,
    write_checkpoint,
)
from seq2seq.runs.files import read_json, write_json, write_text, writing
from seq2seq.runs.finding import is_run, run_folder

_SPLITS = ("train", "valid", "test")


class Run:
    """A run directory that exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = load_dump(folder / "config.yaml")

    def __repr__(self) -> str:
        """Return where it is, what it translates, and how far it came."""
        data, unit = self.config.data, self.config.model.attention.kind
        languages = f"{data.source} to {data.target}"
        return f"Run({str(self.folder)!r}, {languages}, {unit} attention, {self._stage()})"

    def __fspath__(self) -> str:
        """Return the directory, so that a run goes wherever its name does."""
        return str(self.folder)

    def _stage(self) -> str:
        """How far training came, of a directory that may be damaged."""
        try:
            result, saved = self.result, self.checkpoints()
        except UserError:
            return "damaged"
        if result is None:
            return f"unfinished at step {int(saved[-1].folder.name)}" if saved else "no checkpoint"
        figures = [f"{name} {result[name]:.3f}" for name in ("bleu", "loss") if name in result]
        return ", ".join([f"finished at step {result.get('steps')}", *figures])

    @classmethod
    def create(
        cls, folder: Path, config: Config, tokenizers: Tokenizers, data: Mapping[str, object]
    ) -> Run:
        """Create the directory with configuration, tokenizers, user code and data hashes."""
        cls.check_free(folder)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            tokenizers.save(folder / "tokenizer")
            _copy_code(config.code, folder / "code")
            write_json(folder / "data.json", data)
            # The configuration comes last: a directory that has one is a run.
            _write_config(config, folder)
        return cls(folder)

    @staticmethod
    def check_free(folder: Path) -> None:
        """Raise UserError if no new run can be made at `folder`."""
        if is_run(folder):
            raise UserError(
                f"{folder}: already holds a run; resume it with --resume, or start another one "
                "with --run DIR"
            )
        if folder.exists() and not folder.is_dir():
            raise UserError(
                f"{folder}: cannot hold the run, because it is a file; give a folder with --run DIR"
            )

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Return the run at `folder` or runs/`folder`; UserError if there is none."""
        folder = run_folder(folder)
        if not folder.is_dir():
            runs = [path.parent.name for path in folder.parent.glob("*/config.yaml")]
            raise UserError(f"{folder}: no such run directory{did_you_mean(folder.name, runs)}")
        if not is_run(folder):
            raise UserError(f"{folder}: not a run directory (it has no config.yaml)")
        return cls(folder)

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.folder.resolve().name

    @property
    def tokenizers(self) -> Tokenizers:
        """The tokenizers that the model was trained with."""
        load_code([self.folder / file for file in self.config.code])  # which may read sources
        return Tokenizers.load(self.folder / "tokenizer")

    @property
    def data(self) -> dict[str, Any]:
        """What the model is trained on: hashes and counts of each corpus."""
        return read_json(self.folder / "data.json")

    @property
    def source_scripts(self) -> list[str]:
        """The scripts in which training sources are written; empty if the run does not say."""
        known = (self.folder / "data.json").exists()
        return list(self.data.get("scripts", [])) if known else []

    @property
    def metrics(self) -> Path:
        """One JSON object a line: every logged window and every validation."""
        return self.folder / "metrics.jsonl"

    @property
    def result(self) -> dict[str, Any] | None:
        """How training ended; None as long as it has not."""
        path = self.folder / "result.json"
        return read_json(path) if path.exists() else None

    def checkpoints(self) -> list[Checkpoint]:
        """Return the numbered checkpoints, oldest first."""
        folders = sorted((self.folder / "checkpoints").glob("[0-9]*"))
        return [Checkpoint(folder) for folder in folders if is_complete(folder)]

    def checkpoint(self, name: str = "best") -> Checkpoint:
        """Return the checkpoint called `best`, `last`, `average`, or by its step."""
        folder = self.folder / name
        if name not in ("best", "last"):
            folder = self.folder / "checkpoints" / (name.zfill(8) if name.isdigit() else name)
        if not is_complete(folder):
            named = [name for name in ("best", "last") if is_complete(self.folder / name)]
            known = [*named, *(c.folder.name for c in self.checkpoints())]
            raise UserError(
                f"{self.folder}: no checkpoint {name!r}; expected one of {', '.join(known)}"
                if self.checkpoints()
                else f"{self.folder}: the run has no checkpoint yet; train it with --resume"
            )
        return Checkpoint(folder)

    def load_model(self, checkpoint: str = "best") -> Seq2Seq:
        """Return the model with the weights of a checkpoint, on the CPU, ready to translate."""
        model = self.build_model(initialise=False)
        self.checkpoint(checkpoint).load_into(model)
        return model.eval()

    def build_model(self, *, initialise: bool = True) -> Seq2Seq:
        """Return the untrained model; `initialise=False` where weights will be loaded."""
        load_code([self.folder / file for file in self.config.code])
        return Seq2Seq(self.config.model, *self.tokenizers.sizes, initialise=initialise)

    def save(
        self, step: int, model: Seq2Seq, tensors: Mapping[str, Any], state: Mapping[str, Any]
    ) -> Checkpoint:
        """Write a checkpoint and point `last` at it."""
        folder = self.folder / "checkpoints" / f"{step:08d}"
        write_checkpoint(folder, model, tensors, state)
        self.point("last", folder.name)
        return Checkpoint(folder)

    def save_average(self, checkpoints: Sequence[Checkpoint]) -> Checkpoint:
        """Write the mean of the checkpoints' weights as the checkpoint `average`."""
        folder = self.folder / "checkpoints" / "average"
        write_average(folder, checkpoints)
        return Checkpoint(folder)

    def point(self, link: str, checkpoint: str) -> None:
        """Make the link `best` or `last` point at a checkpoint, in one step."""
        part = self.folder / f".{link}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(Path("checkpoints") / checkpoint)
        part.replace(self.folder / link)

    def prune(self, steps: Collection[int]) -> None:
        """Remove the numbered checkpoints, except those of `steps` and those that links name.

        Checkpoints that a killed process left incomplete are removed too.
        """
        kept = {f"{step:08d}" for step in steps}
        kept |= {Path(os.readlink(link)).name for link in self._links()}
        for pattern in ("[0-9]*", ".[0-9]*.part"):
            for folder in (self.folder / "checkpoints").glob(pattern):
                if folder.name not in kept:
                    remove_checkpoint(folder)

    def log_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        with writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def rewind_metrics(self, step: int) -> None:
        """Drop the lines past `step`, which a run resumed there will write again."""
        if self.metrics.exists():
            lines = self.metrics.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _is_whole(line) and json.loads(line)["step"] <= step]
            write_text(self.metrics, "".join(f"{line}\n" for line in kept))

    def continue_with(self, config: Config) -> None:
        """Write the settings that the run is resumed with; it is no longer finished."""
        self.config = config.model_copy(update={"code": self.config.code})
        _write_config(self.config, self.folder)
        (self.folder / "result.json").unlink(missing_ok=True)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write how training ended."""
        write_json(self.folder / "result.json", result)

    def _links(self) -> list[Path]:
        links = [self.folder / name for name in ("best", "last")]
        return [link for link in links if link.is_symlink()]


def _copy_code(files: Sequence[str], folder: Path) -> None:
    """Copy the user's code into the run, so that the run is complete in itself."""
    names = [Path(file).name for file in files]
    if len(set(names)) < len(names):
        raise UserError(f"code: expected files with different names, found {', '.join(names)}")
    for file in files:
        folder.mkdir(exist_ok=True)
        try:
            shutil.copy(file, folder)
        except FileNotFoundError:
            raise UserError(f"code: no such file: {file}") from None


def _write_config(config: Config, folder: Path) -> None:
    """Write config.yaml, which names the run's own copies of the code."""
    code = [f"code/{Path(file).name}" for file in config.code]
    own = {split: _within(getattr(config.data, split), folder) for split in _SPLITS}
    data = config.data.model_copy(update=own)
    text = dump_config(config.model_copy(update={"code": code, "data": data}))
    write_text(folder / "config.yaml", text)


def _within(corpus: Any, folder: Path) -> Any:
    """The path of a corpus, relative if it is in the run's folder, so that the run may move."""
    if isinstance(corpus, list):
        return [_within(item, folder) for item in corpus]
    if not isinstance(corpus, str) or not Path(corpus).is_relative_to(folder.resolve()):
        return corpus
    return Path(corpus).relative_to(folder.resolve()).as_posix()


def _is_whole(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")
