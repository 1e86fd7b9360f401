"""A checkpoint: weights, what the trainer needs to go on from them, and how they are written.

    checkpoints/00012000/  model.safetensors  trainer.pt  state.json (written last)

It is written under a temporary name, flushed to the disk and renamed, so that one which has its
name is whole. state.json has the sha256 of the others, which are checked where they are loaded.
Nothing is pickled but tensors and plain values.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from seq2seq.errors import DamagedError, UserError
from seq2seq.machine.disk import flush, writing
from seq2seq.machine.input import check_file
from seq2seq.machine.sealed import Sums, check_files, read_sealed_json, sums_of
from seq2seq.model.model import Seq2Seq, current_names
from seq2seq.runs.files import first_line, write_json
from seq2seq.runs.finding import is_complete
from seq2seq.runs.tensors import save_tensors, save_weights, why_not_finite, why_unlike

_WEIGHTS, _TENSORS, _STATE = "model.safetensors", "trainer.pt", "state.json"
_FILES = "files"
"""The key in the state under which the sha256 of the other files stand."""


class Checkpoint:
    """One complete checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def step(self) -> int:
        """The updates before it, of a numbered one."""
        return int(self.folder.name)

    @property
    def state(self) -> dict[str, Any]:
        """The plain values of the trainer's state."""
        state = self._read_state()
        state.pop(_FILES, None)
        return state

    def check(self) -> None:
        """Raise DamagedError unless all files are as they were written."""
        check_files(self.folder, self.sums)

    def is_whole(self) -> bool:
        """Return whether all files are as they were written."""
        try:
            self.check()
        except DamagedError:
            return False
        return True

    def _read_state(self) -> dict[str, Any]:
        return read_sealed_json(self.folder / _STATE)

    @property
    def sums(self) -> Sums:
        """The checksums of the files; none in a checkpoint of an older version."""
        sums = self._read_state().get(_FILES, {})
        if not isinstance(sums, dict):
            raise DamagedError(f"{self.folder / _STATE}: damaged: {_FILES!r} is not an object")
        return sums

    def trainer_tensors(self) -> dict[str, Any]:
        """Return the optimiser's and the random generators' state."""
        path = self.folder / _TENSORS
        check_file(path)
        if path.exists():
            check_files(self.folder, self.sums, _TENSORS)
        try:
            tensors: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise UserError(
                f"{path}: missing; training cannot be resumed from this checkpoint"
            ) from None
        except Exception as error:  # a damaged zip or pickle raises almost anything
            raise DamagedError(f"{path}: damaged: {first_line(error)}") from None
        if not isinstance(tensors, dict) or not isinstance(tensors.get("optimizer"), dict):
            raise DamagedError(f"{path}: damaged: not the state of a training")
        return tensors

    def load_into(self, model: Seq2Seq) -> None:
        """Give `model` the weights saved here."""
        # safetensors' own `load_model` refuses weights that lie in one buffer, as cuDNN's do.
        weights = self.weights()
        if reason := why_unlike(weights, own_tensors(model)):
            raise UserError(
                f"{self.folder / _WEIGHTS}: does not fit the model of config.yaml: {reason}"
            )
        model.load_state_dict(weights, strict=False)  # the second names of tied ones lack

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights saved here, by name; tied ones once. All are finite."""
        path = self.folder / _WEIGHTS
        check_file(path)
        check_files(self.folder, self.sums, _WEIGHTS)
        try:
            weights = current_names(load_file(path))
        except FileNotFoundError:
            raise DamagedError(f"{path}: missing") from None
        except SafetensorError as error:
            raise DamagedError(f"{path}: damaged: {first_line(error)}") from None
        if reason := why_not_finite(weights):
            raise UserError(f"{path}: cannot be used: {reason}; take another checkpoint")
        return weights


def write_checkpoint(
    folder: Path, model: Seq2Seq, tensors: Mapping[str, Any], state: Mapping[str, Any]
) -> None:
    """Write the checkpoint `folder`.

    One that is there has the same weights, and only its state is new: a validation was made up for.
    """
    old = Checkpoint(folder)
    if is_complete(folder) and old.is_whole() and old.sums:
        write_json(folder / _STATE, {**state, _FILES: old.sums})
        return
    with _new_folder(folder, state) as part:
        save_weights(own_tensors(model), part / _WEIGHTS)
        save_tensors(dict(tensors), part / _TENSORS)


def write_average(folder: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Write the checkpoint `folder`, its weights the mean of the weights of `checkpoints`."""
    names = [checkpoint.folder.name for checkpoint in checkpoints]
    old = Checkpoint(folder)
    if is_complete(folder) and old.is_whole() and old.state == {"average_of": names}:
        return
    first = checkpoints[0].weights()
    sums = {name: tensor.double() for name, tensor in first.items()}
    for checkpoint in checkpoints[1:]:
        weights = checkpoint.weights()
        if reason := why_unlike(weights, first):
            raise UserError(
                f"{checkpoint.folder / _WEIGHTS}: cannot be averaged with "
                f"{checkpoints[0].folder}: {reason}"
            )
        for name, tensor in weights.items():
            sums[name] += tensor
    means = {name: (total / len(checkpoints)).to(first[name]) for name, total in sums.items()}
    with _new_folder(folder, {"average_of": names}) as part:
        save_weights(means, part / _WEIGHTS)


def copy_weights(checkpoint: Checkpoint, folder: Path) -> None:
    """Write the checkpoint `folder` with the weights of another, which cannot be resumed from."""
    checkpoint.check()
    with _new_folder(folder, checkpoint.state) as part:
        shutil.copy(checkpoint.folder / _WEIGHTS, part / _WEIGHTS)


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint, its state first: without it, a half-removed one doesn't count."""
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(folder)


@contextmanager
def _new_folder(folder: Path, state: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a folder to fill, which then becomes `folder`; removed if it isn't completed."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with writing(folder):
            part.mkdir(parents=True)
            yield part
            _install(part, folder, state)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _install(part: Path, folder: Path, state: Mapping[str, Any]) -> None:
    """Complete a checkpoint with its state and give it its name."""
    files = sorted(part.iterdir())
    for file in files:
        flush(file)
    sums = sums_of(part, (file.name for file in files))
    write_json(part / _STATE, {**state, _FILES: sums})
    # safetensors makes its file readable for the owner only; some file systems have no modes.
    with suppress(OSError):
        shutil.copymode(part / _STATE, part / _WEIGHTS)
    flush(part)
    if folder.exists():  # damaged, or of an older version
        was = folder.with_name(f".{folder.name}.was.part")
        shutil.rmtree(was, ignore_errors=True)
        folder.replace(was)
        part.replace(folder)
        shutil.rmtree(was, ignore_errors=True)
    else:
        part.replace(folder)
    flush(folder.parent)


def own_tensors(model: Seq2Seq) -> dict[str, torch.Tensor]:
    """The model's tensors, a tied one once.

    safetensors' own `save_model` does this too, but adds the other names in an order that differs
    from process to process, and equal weights should be equal files.
    """
    once = {name for name, _ in (*model.named_parameters(), *model.named_buffers())}
    return {name: tensor for name, tensor in model.state_dict().items() if name in once}
