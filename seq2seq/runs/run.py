"""The run directory: everything that translating and resuming need.

    config.yaml  tokenizer/  code/  data.json  train.log  metrics.jsonl  result.json (when finished)
    checkpoints/00012000/  model.safetensors  trainer.pt  state.json (written last)
    best -> checkpoints/00012000   last -> checkpoints/00012000

A checkpoint is written under a temporary name, flushed to the disk and renamed: a checkpoint with
its final name is complete. Only tensors and plain values are pickled.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from seq2seq.config import Config, dump_config, load_dump
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError, did_you_mean
from seq2seq.extension import load_code
from seq2seq.machine.disk import flush
from seq2seq.model.model import Seq2Seq

AVERAGE = "average"


_SPLITS = ("train", "valid", "test")


class Checkpoint:
    """One complete checkpoint: weights, and what the trainer needs to go on from them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def state(self) -> dict[str, Any]:
        """The plain values of the trainer's state."""
        return _read_json(self.folder / "state.json")

    def trainer_tensors(self) -> dict[str, Any]:
        """Return the optimiser's and the random generators' state."""
        path = self.folder / "trainer.pt"
        try:
            tensors: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise UserError(
                f"{path}: missing; training cannot be resumed from this checkpoint"
            ) from None
        except Exception as error:  # a damaged zip or pickle raises almost anything
            raise UserError(f"{path}: damaged: {_first_line(error)}") from None
        return tensors

    def load_into(self, model: Seq2Seq) -> None:
        """Give `model` the weights saved here."""
        # safetensors' own `load_model` refuses weights that lie in one buffer, as cuDNN's do.
        path, weights = self.folder / "model.safetensors", self.weights()
        expected = set(_own_tensors(model))
        try:
            if unknown := sorted(expected ^ set(weights)):
                side = "only the model" if unknown[0] in expected else "only the file"
                raise RuntimeError(f"{side} has {unknown[0]}")
            model.load_state_dict(weights, strict=False)  # the second names of tied ones lack
        except RuntimeError as error:
            raise UserError(
                f"{path}: does not fit the model of config.yaml: {_first_line(error)}"
            ) from None

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights saved here, by name; tied ones once."""
        path = self.folder / "model.safetensors"
        with _reading(path):
            return load_file(path)


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
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            tokenizers.save(folder / "tokenizer")
            _copy_code(config.code, folder / "code")
            _write_json(folder / "data.json", data)
            # The configuration comes last: a directory that has one is a run.
            _write_config(config, folder)
        return cls(folder)

    @staticmethod
    def check_free(folder: Path) -> None:
        """Raise UserError if no new run can be made at `folder`."""
        if (folder / "config.yaml").exists():
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
        folder = called(folder)
        if not folder.is_dir():
            runs = [path.parent.name for path in folder.parent.glob("*/config.yaml")]
            raise UserError(f"{folder}: no such run directory{did_you_mean(folder.name, runs)}")
        if not (folder / "config.yaml").is_file():
            raise UserError(f"{folder}: not a run directory (it has no config.yaml)")
        return cls(folder)

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.folder.resolve().name

    @property
    def tokenizers(self) -> Tokenizers:
        """The tokenizers that the model was trained with."""
        return Tokenizers.load(self.folder / "tokenizer")

    @property
    def data(self) -> dict[str, Any]:
        """What the model is trained on: hashes and counts of each corpus."""
        return _read_json(self.folder / "data.json")

    @property
    def metrics(self) -> Path:
        """One JSON object a line: every logged window and every validation."""
        return self.folder / "metrics.jsonl"

    @property
    def result(self) -> dict[str, Any] | None:
        """How training ended; None as long as it has not."""
        path = self.folder / "result.json"
        return _read_json(path) if path.exists() else None

    def checkpoints(self) -> list[Checkpoint]:
        """Return the numbered checkpoints, oldest first."""
        folders = sorted((self.folder / "checkpoints").glob("[0-9]*"))
        return [Checkpoint(folder) for folder in folders if (folder / "state.json").exists()]

    def checkpoint(self, name: str = "best") -> Checkpoint:
        """Return the checkpoint called `best`, `last`, `average`, or by its step."""
        folder = self.folder / name
        if name not in ("best", "last"):
            folder = self.folder / "checkpoints" / (name.zfill(8) if name.isdigit() else name)
        if not (folder / "state.json").exists():
            named = [
                name for name in ("best", "last") if (self.folder / name / "state.json").exists()
            ]
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
        source, target = self.tokenizers
        return Seq2Seq(self.config.model, len(source), len(target), initialise=initialise)

    def save(
        self, step: int, model: Seq2Seq, tensors: Mapping[str, Any], state: Mapping[str, Any]
    ) -> Checkpoint:
        """Write a checkpoint and point `last` at it.

        If there is one of that step already, it has the same weights, and only its state is
        written: the validation that was missing has been made.
        """
        folder = self.folder / "checkpoints" / f"{step:08d}"
        if (folder / "state.json").exists():
            _write_json(folder / "state.json", state)
        else:
            with _new_checkpoint(folder, state) as part:
                save_file(_own_tensors(model), part / "model.safetensors")
                torch.save(dict(tensors), part / "trainer.pt")
        self.point("last", folder.name)
        return Checkpoint(folder)

    def save_average(self, checkpoints: Sequence[Checkpoint]) -> Checkpoint:
        """Write the mean of the checkpoints' weights as the checkpoint `average`."""
        first = checkpoints[0].weights()
        sums = {name: tensor.double() for name, tensor in first.items()}
        for checkpoint in checkpoints[1:]:
            for name, tensor in checkpoint.weights().items():
                sums[name] += tensor
        means = {name: (total / len(checkpoints)).to(first[name]) for name, total in sums.items()}
        folder = self.folder / "checkpoints" / AVERAGE
        names = [checkpoint.folder.name for checkpoint in checkpoints]
        with _new_checkpoint(folder, {"average_of": names}) as part:
            save_file(means, part / "model.safetensors")
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
                    _remove(folder)

    def log_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        with _writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def rewind_metrics(self, step: int) -> None:
        """Drop the lines past `step`, which a run resumed there will write again."""
        if self.metrics.exists():
            lines = self.metrics.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _is_whole(line) and json.loads(line)["step"] <= step]
            _write(self.metrics, "".join(f"{line}\n" for line in kept))

    def continue_with(self, config: Config) -> None:
        """Write the settings that the run is resumed with; it is no longer finished."""
        self.config = config.model_copy(update={"code": self.config.code})
        _write_config(self.config, self.folder)
        (self.folder / "result.json").unlink(missing_ok=True)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write how training ended."""
        _write_json(self.folder / "result.json", result)

    def _links(self) -> list[Path]:
        links = [self.folder / name for name in ("best", "last")]
        return [link for link in links if link.is_symlink()]


def called(folder: str | Path) -> Path:
    """Return `folder`, or runs/`folder` if only that is a run: `demo` may mean runs/demo."""
    folder, under = Path(folder), Path("runs") / folder
    here = (folder / "config.yaml").is_file()
    return under if not here and (under / "config.yaml").is_file() else folder


def find_run(folder: str | Path = "runs") -> Run:
    """Return the newest finished run under `folder`; UserError, naming the others, if none is."""
    folder = Path(folder)
    runs = [path.parent for path in folder.glob("*/config.yaml")]
    finished = [run for run in runs if (run / "result.json").exists()]
    if finished:
        return Run(max(finished, key=lambda run: (run / "result.json").stat().st_mtime))
    if runs:
        names = ", ".join(sorted(str(run) for run in runs))
        raise UserError(
            f"no finished run under {folder}/; choose an unfinished one with --run: {names}"
        )
    raise UserError(f"no run under {folder}/; train a model first, or name a run with --run DIR")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise UserError for a file of weights that is missing or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: missing") from None
    except SafetensorError as error:
        raise UserError(f"{path}: damaged: {_first_line(error)}") from None


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise UserError for what could not be written: a full disk, missing permission."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:  # RuntimeError: torch.save
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise UserError(f"{path}: cannot be written: {reason}") from None


@contextmanager
def _new_checkpoint(folder: Path, state: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a folder to fill, which then becomes `folder`; removed if it isn't completed."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with _writing(folder):
            part.mkdir(parents=True)
            yield part
            _install(part, folder, state)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _own_tensors(model: Seq2Seq) -> dict[str, torch.Tensor]:
    """The model's tensors, a tied one once.

    safetensors' own `save_model` does this too, but adds the other names in an order that differs
    from process to process, and equal weights should be equal files.
    """
    once = {name for name, _ in (*model.named_parameters(), *model.named_buffers())}
    return {name: tensor for name, tensor in model.state_dict().items() if name in once}


def _remove(folder: Path) -> None:
    """Remove a checkpoint, its state first: without it, a half-removed one doesn't count."""
    (folder / "state.json").unlink(missing_ok=True)
    shutil.rmtree(folder)


def _install(part: Path, folder: Path, state: Mapping[str, Any]) -> None:
    """Complete a checkpoint with its state and give it its name."""
    for file in part.iterdir():
        flush(file)
    _write_json(part / "state.json", state)
    # safetensors makes its file readable for the owner only; some file systems have no modes.
    with suppress(OSError):
        shutil.copymode(part / "state.json", part / "model.safetensors")
    flush(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    flush(folder.parent)


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
            raise UserError(f"code: no such file {file}") from None


def _write_config(config: Config, folder: Path) -> None:
    """Write config.yaml, which names the run's own copies of the code."""
    code = [f"code/{Path(file).name}" for file in config.code]
    own = {split: _within(getattr(config.data, split), folder) for split in _SPLITS}
    data = config.data.model_copy(update=own)
    _write(
        folder / "config.yaml", dump_config(config.model_copy(update={"code": code, "data": data}))
    )


def _within(corpus: Any, folder: Path) -> Any:
    """The path of a corpus, relative if it is in the run's folder, so that the run may move."""
    if isinstance(corpus, list):
        return [_within(item, folder) for item in corpus]
    if not isinstance(corpus, str) or not Path(corpus).is_relative_to(folder.resolve()):
        return corpus
    return Path(corpus).relative_to(folder.resolve()).as_posix()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: damaged: expected an object, found {type(value).__name__}")
    return value


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    flush(part)
    part.replace(path)


def _is_whole(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return " ".join(line.strip() for line in lines[:2]) if lines else type(error).__name__
