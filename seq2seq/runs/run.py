"""The run directory: everything that translating and resuming need.

config.yaml  tokenizer/  code/  data.json  train.log  metrics.jsonl  result.json (when finished)
checkpoints/00012000/  (see `checkpoint`)   checkpoints/best.json  checkpoints/last.json
best -> checkpoints/00012000   last -> checkpoints/00012000   (where the disk has links)

Each file has a checksum, which is checked when it is read: of its own, or in data.json (tokenizer
and code) and state.json (weights). train.log is for people, and is not read.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

from seq2seq.config import Config, DecodingConfig, dump_config, load_dump
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import DamagedError, UserError, did_you_mean
from seq2seq.extension import check_known, load_code, load_known_code, remember_code
from seq2seq.machine.disk import writing
from seq2seq.machine.input import check_folder
from seq2seq.machine.sealed import check_files, read_sealed_json, seal_text, sums_of
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.checkpoint import (
    Checkpoint,
    copy_weights,
    remove_checkpoint,
    write_average,
    write_checkpoint,
)
from seq2seq.runs.files import check_links, write_bytes, write_json, write_text
from seq2seq.runs.finding import (
    AVERAGE,
    CHECKPOINTS,
    NAMES,
    RUN_FILES,
    STEP,
    UNFINISHED,
    is_complete,
    is_run,
    name_file,
    named_checkpoint,
    read_result,
    run_folder,
)
from seq2seq.runs.metrics import damaged_or_whole, last_record, metrics_line, read_metrics

_SPLITS = ("train", "valid", "test")
_PARTS = ("tokenizer", "code")
_FILES = "files"
"""The key in data.json under which the sha256 of the files of these parts stand."""


_PART = re.compile(rf"\.({STEP.pattern}|{AVERAGE.pattern})(\.was)?\.part")
"""A checkpoint that is being written, or replaced."""


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
            return f"unfinished at step {saved[-1].step}" if saved else "no checkpoint"
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
            (folder / UNFINISHED).touch()
            tokenizers.save(folder / "tokenizer")
            remember_code(_copy_code(config.code, folder / "code"))
            files = sorted(path for part in _PARTS for path in (folder / part).rglob("*"))
            names = [path.relative_to(folder).as_posix() for path in files if path.is_file()]
            write_json(folder / "data.json", {**data, _FILES: sums_of(folder, names)})
            # The configuration comes last: a directory that has one is a run.
            _write_config(config, folder)
            (folder / UNFINISHED).unlink()
        return cls(folder)

    @staticmethod
    def check_free(folder: Path) -> None:
        """Raise UserError if no new run can be made at `folder`, or it would write over a file."""
        if is_run(folder):
            raise UserError(
                f"{folder}: already holds a run; resume it with --resume, or start another one "
                "with --run DIR"
            )
        theirs = [name for name in RUN_FILES if os.path.lexists(folder / name)]
        if theirs and not _was_begun(folder):
            raise UserError(
                f"{folder}: cannot hold the run, which would write over {folder / theirs[0]}; give "
                "another folder with --run DIR"
            )
        for path in (folder, *folder.parents):
            if path.is_dir():
                return
            if path.exists() or path.is_symlink():
                kind = "a file" if path.exists() else "a link that leads nowhere"
                raise UserError(
                    f"{folder}: cannot hold the run, because {path} is {kind}; give a folder with "
                    "--run DIR"
                )

    @classmethod
    def open(cls, folder: str | Path, *, trust_code: bool = False) -> Run:
        """Return the run at `folder` or runs/`folder`; UserError if there is none.

        With `trust_code` its own code runs, whoever wrote it; else only known code ever does.
        """
        folder = run_folder(folder)
        if folder.exists():
            check_folder(folder, "a run directory")
        else:
            runs = [path.parent.name for path in folder.parent.glob("*/config.yaml")]
            raise UserError(f"{folder}: no such run directory{did_you_mean(folder.name, runs)}")
        if not is_run(folder):
            raise UserError(f"{folder}: not a run directory (it has no config.yaml)")
        run = cls(folder)
        if trust_code and run.code:  # at once: who opens it again in this process need not be told
            run.check()
            load_code(run.code, level=logging.WARNING)
        return run

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.folder.resolve().name

    @property
    def code(self) -> list[Path]:
        """Its own code; UserError if config.yaml names a file that isn't in the directory."""
        home = self.folder.resolve()
        files = [Path(file) for file in self.config.code]  # links are resolved
        for file in files:
            if not file.is_relative_to(home):
                raise UserError(
                    f"{self.folder / 'config.yaml'}: code: {file} is not run, because it is "
                    "outside of the run; a run is trusted (--trust-code) with its own files only"
                )
        return files

    def load_code(self) -> None:
        """Run its code, once a process; UserError unless it is known or was trusted."""
        if files := self.code:
            check_known(files)  # first, as it says more of a stranger's than that it is damaged
            self.check()
            load_known_code(files)

    @property
    def tokenizers(self) -> Tokenizers:
        """The tokenizers that the model was trained with."""
        self.load_code()  # which may read sources
        self.check()
        return Tokenizers.load(self.folder / "tokenizer")

    @property
    def data(self) -> dict[str, Any]:
        """What the model is trained on: hashes and counts of each corpus."""
        return {key: value for key, value in self._read_data().items() if key != _FILES}

    def _read_data(self) -> dict[str, Any]:
        path = self.folder / "data.json"
        return read_sealed_json(path) if path.exists() else {}

    @property
    def source_scripts(self) -> list[str]:
        """The scripts in which training sources are written; empty if the run does not say."""
        found = self.data.get("scripts", [])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise DamagedError(
                f"{self.folder / 'data.json'}: damaged: scripts: expected a list of names, found "
                f"{found!r}"
            )
        return found

    @property
    def metrics(self) -> Path:
        """One JSON object a line: every logged window and every validation."""
        return self.folder / "metrics.jsonl"

    @property
    def result(self) -> dict[str, Any] | None:
        """How training ended; None as long as it has not."""
        return read_result(self.folder)

    def checkpoints(self) -> list[Checkpoint]:
        """Return the numbered checkpoints, oldest first."""
        found = [path for path in self._in_checkpoints() if STEP.fullmatch(path.name)]
        folders = sorted(filter(is_complete, found), key=lambda path: int(path.name))
        return list(map(Checkpoint, folders))

    def checkpoint(self, name: str = "best") -> Checkpoint:
        """Return the checkpoint called `best`, `last`, `average`, or by its step."""
        if name in NAMES:
            with self.offering("--checkpoint"):
                folder = named_checkpoint(self.folder, name)
        else:
            folder = self.folder / CHECKPOINTS / (name.zfill(8) if name.isdigit() else name)
            ours = STEP.fullmatch(folder.name) or AVERAGE.fullmatch(folder.name)
            folder = folder if ours and is_complete(folder) else None
        if folder is None:
            named = [name for name in NAMES if named_checkpoint(self.folder, name)]
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
        with self.offering("--checkpoint"):
            self.checkpoint(checkpoint).load_into(model)
        return model.eval()

    @contextmanager
    def offering(self, option: str) -> Iterator[None]:
        """Name the newest whole checkpoint in a DamagedError, and the option that takes it."""
        try:
            yield
        except DamagedError as error:
            if (text := str(error)).startswith(str(self.folder / CHECKPOINTS)):
                whole = [saved for saved in self.checkpoints() if saved.is_whole()]
                text += (
                    f"; the newest whole checkpoint is {whole[-1].folder.name}: {option} "
                    f"{whole[-1].step} takes it"
                    if whole
                    else "; no checkpoint of the run is whole"
                )
            raise UserError(text) from None

    def check(self) -> None:
        """Raise DamagedError unless tokenizers and code are as the run was given them."""
        sums = self._read_data().get(_FILES, {})
        if not isinstance(sums, dict):
            raise DamagedError(f"{self.folder / 'data.json'}: damaged: expected sums of files")
        check_files(self.folder, sums)

    def build_model(self, *, initialise: bool = True) -> Seq2Seq:
        """Return the untrained model; `initialise=False` where weights will be loaded."""
        self.load_code()
        return Seq2Seq(self.config.model, *self.tokenizers.sizes, initialise=initialise)

    def save(
        self, step: int, model: Seq2Seq, tensors: Mapping[str, Any], state: Mapping[str, Any]
    ) -> Checkpoint:
        """Write a checkpoint and point `last` at it."""
        folder = self.folder / CHECKPOINTS / f"{step:08d}"
        write_checkpoint(folder, model, tensors, state)
        self.point("last", folder.name)
        return Checkpoint(folder)

    def save_average(self, checkpoints: Sequence[Checkpoint]) -> Checkpoint:
        """Write the mean of the checkpoints' weights; it becomes the checkpoint `average`.

        Its folder is named after the last of them, their number and all their names, so that the
        average of others stays until the name points at the new one.
        """
        check_links(self.folder)
        names = [checkpoint.folder.name for checkpoint in checkpoints]
        new = f"average-{names[-1]}-{len(names)}-{crc32(' '.join(names).encode()):08x}"
        folder = self.folder / CHECKPOINTS / new
        write_average(folder, checkpoints)
        self.point("average", new)
        kept = self._named()
        for path in self._in_checkpoints():
            if AVERAGE.fullmatch(path.name) and path.name not in kept:
                remove_checkpoint(path)
        return Checkpoint(folder)

    def point(self, name: str, checkpoint: str) -> None:
        """Make `best`, `last` or `average` the name of a checkpoint, in one step."""
        with writing(name_file(self.folder, name)):
            write_json(name_file(self.folder, name), {"checkpoint": checkpoint})
        link = self.folder / name
        if name == "average" or (link.exists() and not link.is_symlink()):
            return  # a copy that followed links has a folder there
        part = self.folder / f".{name}.part"
        with suppress(OSError):  # there are disks without links
            part.unlink(missing_ok=True)
            part.symlink_to(Path(CHECKPOINTS) / checkpoint)
            part.replace(link)

    def prune(self, steps: Collection[int]) -> None:
        """Remove the numbered checkpoints, except those of `steps` and those that have a name.

        What a killed process left incomplete is removed too; a folder of any other name stays.
        """
        kept = {f"{step:08d}" for step in steps} | self._named()
        for path in self._in_checkpoints():
            if (STEP.fullmatch(path.name) and path.name not in kept) or _PART.fullmatch(path.name):
                remove_checkpoint(path)

    def set_aside(self, after: int) -> list[Path]:
        """Rename the checkpoints of later steps than `after`, which training will write again."""
        moved = []
        for path in (saved.folder for saved in self.checkpoints()):
            if int(path.name) > after:
                names = (path.with_name(f"{path.name}.aside-{n}") for n in count(1))
                moved.append(path.rename(next(name for name in names if not name.exists())))
        return moved

    def _in_checkpoints(self) -> list[Path]:
        folder = self.folder / CHECKPOINTS
        return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.exists() else []

    def _named(self) -> set[str]:
        """The folders of the checkpoints that have a name."""
        found = (named_checkpoint(self.folder, name) for name in NAMES)
        return {folder.name for folder in found if folder is not None}

    def log_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        with writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(metrics_line(record))

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the records of metrics.jsonl.

        DamagedError names a line that is not as written, or tells how many are lost.
        """
        records = read_metrics(self.metrics)
        last = named_checkpoint(self.folder, "last")
        expected = Checkpoint(last).state.get("records", 0) if last else 0
        if isinstance(expected, int) and len(records) < expected:
            raise DamagedError(
                f"{self.metrics}: damaged: expected at least {expected} lines, found {len(records)}"
            )
        return records

    def count_records(self) -> int:
        """Return the number of whole lines of metrics.jsonl."""
        return self.metrics.read_bytes().count(b"\n") if self.metrics.exists() else 0

    def last_record(self) -> dict[str, Any] | None:
        """Return the last whole record of metrics.jsonl, if there is one."""
        return last_record(self.metrics)

    def rewind_metrics(self, step: int, *, validated: bool = True) -> int:
        """Drop the lines past `step`, which a run resumed there will write again.

        Also the line of the validation of that step, unless the checkpoint knows that it was
        `validated`. A damaged line stays as it is, and a warning names it. Return how many stay.
        """
        if not self.metrics.exists():
            return 0
        kept = []
        for line, record in damaged_or_whole(self.metrics):
            again = record is not None and (
                record["step"] > step
                or (record["step"] == step and record["kind"] == "valid" and not validated)
            )
            kept += [] if again else [line]
        with writing(self.metrics):
            write_bytes(self.metrics, b"".join(kept))
        return len(kept)

    def write_slim(self, folder: Path, checkpoint: str = "best") -> None:
        """Write into an empty folder as much of the run as translating needs, one checkpoint."""
        check_links(self.folder)  # nothing is copied that isn't the run's
        saved = self.checkpoint(checkpoint)
        self.check()
        for name in (*_PARTS, "data.json", "result.json", "config.yaml"):
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, folder / name)
            elif (self.folder / name).exists():
                shutil.copy(self.folder / name, folder / name)
        name = saved.folder.resolve().name
        copy_weights(saved, folder / CHECKPOINTS / name)
        slim = Run(folder)
        slim.point("best", name)
        slim.point("last", name)

    def continue_with(self, config: Config) -> None:
        """Write the settings that the run is resumed with; it is no longer finished."""
        remember_code(self.code)
        self.config = config.model_copy(update={"code": self.config.code})
        with writing(self.folder / "config.yaml"):
            _write_config(self.config, self.folder)
            (self.folder / "result.json").unlink(missing_ok=True)

    def decode_by(self, decoding: DecodingConfig) -> None:
        """Have the run decode otherwise from now on."""
        check_links(self.folder)
        self.config = self.config.model_copy(update={"decoding": decoding})
        with writing(self.folder / "config.yaml"):
            _write_config(self.config, self.folder)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write how training ended."""
        with writing(self.folder / "result.json"):
            write_json(self.folder / "result.json", result)


def _was_begun(folder: Path) -> bool:
    """Whether what is in `folder` is of a run that was not completed when it was made."""
    if (folder / UNFINISHED).exists():
        return True
    data = folder / "data.json"
    try:
        return data.is_file() and _FILES in read_sealed_json(data)
    except UserError:
        return False


def _copy_code(files: Sequence[str], folder: Path) -> list[Path]:
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
    return [folder / name for name in names]


def _write_config(config: Config, folder: Path) -> None:
    """Write config.yaml, which names the run's own copies of the code."""
    code = [f"code/{Path(file).name}" for file in config.code]
    own = {split: _within(getattr(config.data, split), folder) for split in _SPLITS}
    data = config.data.model_copy(update=own)
    text = dump_config(config.model_copy(update={"code": code, "data": data}))
    write_text(folder / "config.yaml", seal_text(text))


def _within(corpus: Any, folder: Path) -> Any:
    """The path of a corpus, relative if it is in the run's folder, so that the run may move."""
    if isinstance(corpus, list):
        return [_within(item, folder) for item in corpus]
    if not isinstance(corpus, str) or not Path(corpus).is_relative_to(folder.resolve()):
        return corpus
    return Path(corpus).relative_to(folder.resolve()).as_posix()
