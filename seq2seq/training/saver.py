"""Checkpoints of a training: all that decides the next step is saved, and given back."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from seq2seq.data.batching import Share
from seq2seq.errors import DamagedError, UserError
from seq2seq.machine.disk import writing
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.checkpoint import Checkpoint, own_tensors
from seq2seq.runs.run import Run
from seq2seq.runs.tensors import save_tensors, why_not_finite
from seq2seq.training.distributed import ALONE, World
from seq2seq.training.progress import Progress
from seq2seq.training.skipping import Attempt
from seq2seq.training.trainer_state import named_tensors, why_unusable

logger = logging.getLogger(__name__)


class Saver:
    """Saves and loads the model, its optimiser, the random generators and the progress.

    Rank 0 writes. The generators of the other ranks are saved with its own.
    """

    def __init__(
        self,
        run: Run,
        model: Seq2Seq,
        optimizer: torch.optim.Optimizer,
        *,
        seed: int,
        world: World = ALONE,
        saved: Seq2Seq | None = None,
    ) -> None:
        """Give each rank random numbers of its own; rank 0 goes on with the present ones.

        `saved` is the model whose weights a checkpoint holds, by default `model`, which is trained:
        if it is another one, the weights that are trained stand among the trainer's tensors.
        """
        self._run, self._model, self._optimizer = run, model, optimizer
        self._saved = saved or model
        self._device = model.output.weight.device
        self._seed, self._world = seed, world
        if not world.leads:
            self._reseed(0)

    def save(self, progress: Progress) -> None:
        """Write a checkpoint; all ranks must call this, and rank 0 writes.

        Raises UserError, and writes nothing, if a weight or a moment is not finite.
        """
        self._refuse_infinity(progress.step)
        progress.threads = torch.get_num_threads()
        progress.processes = self._world.size
        own, *others = self._world.gather(self.generators())
        if not self._world.leads:
            return
        progress.records = self._run.count_records()
        tensors: dict[str, Any] = {"optimizer": self._optimizer.state_dict(), **own}
        if others:
            tensors["other_ranks"] = others
        if self._saved is not self._model:
            tensors["trained"] = own_tensors(self._model)
        self._run.save(progress.step, self._saved, tensors, asdict(progress))

    def keep(self, progress: Progress, *, best: bool) -> None:
        """Remove the checkpoints that are kept no longer; the newest is the best if `best`."""
        if self._world.leads:
            if best:
                self._run.point("best", f"{progress.step:08d}")
            self._run.prune(progress.wanted)

    def load(self, checkpoint: Checkpoint) -> Progress:
        """Go on from a checkpoint, with today's settings of the optimiser; return its progress."""
        progress = read_progress(checkpoint)
        tensors = checkpoint.trainer_tensors()
        if reason := why_unusable(tensors, self._optimizer, self._device, own_tensors(self._model)):
            path = checkpoint.folder / "trainer.pt"
            raise UserError(
                f"{path}: cannot be resumed from: {reason}; go on from another checkpoint with "
                "--from STEP"
            )
        checkpoint.load_into(self._saved)
        if self._saved is not self._model or "trained" in tensors:  # an average: now, or then
            trained = tensors.get("trained") or own_tensors(self._saved)
            self._model.load_state_dict(trained, strict=False)  # the second names of tied ones lack
        # The moments alone: the configuration says what holds from now on.
        moments = tensors["optimizer"]["state"]
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        self._restore_generators(tensors, progress.step)
        self._forget_removed(progress)
        self._world.wait()  # until all have read what may now be removed
        if self._world.leads:
            # A kill may have come after the checkpoint was written and before all this was done.
            # Training goes on from an older one only if the user wants it, and writes others anew.
            for moved in self._run.set_aside(progress.step):
                logger.info("%s is of a later step: renamed, and not used", moved)
            kept = self._run.rewind_metrics(progress.step, validated=not progress.due)
            if kept < progress.records:
                logger.warning(
                    "%s: damaged: expected at least %d lines, found %d; the others are lost, and "
                    "training goes on without them",
                    *(self._run.metrics, progress.records, kept),
                )
            self._run.point("last", checkpoint.folder.name)
            if progress.best_step:
                self._run.point("best", f"{progress.best_step:08d}")
            self._run.prune(progress.wanted)
        return progress

    def _forget_removed(self, progress: Progress) -> None:
        """If the best checkpoint of then is there no longer, let the present one stand for it."""
        steps = {saved.step for saved in self._run.checkpoints()}
        progress.kept = [step for step in progress.kept if step in steps]
        progress.ranking = [scored for scored in progress.ranking if scored.step in steps]
        if progress.best_step and progress.best_step not in steps:
            if self._world.leads:
                logger.warning(
                    "%s: the best checkpoint by step %d, that of step %d, was removed since: step "
                    "%d stands for it until there is a better one",
                    *(self._run.folder, progress.step, progress.best_step, progress.step),
                )
            progress.best_step = progress.step

    def load_average(self, steps: list[int]) -> Checkpoint:
        """Write the average of the checkpoints of these steps, give it to the model, return it."""
        if self._world.leads:
            self._run.save_average([self._run.checkpoint(str(step)) for step in steps])
        self._world.wait()
        checkpoint = self._run.checkpoint("average")
        checkpoint.load_into(self._model)
        return checkpoint

    def save_replay(self, attempt: Attempt, share: Share) -> Path:
        """Write what an update was made of, and return the file; each rank has one of its own.

        It holds the weights, the batches (fields of `Batch`), the size of the whole update, the
        updates before it, and the random generators as they were.
        """
        rank = f"-{self._world.rank}" if self._world.size > 1 else ""
        path = self._run.folder / "replay" / f"{attempt.step + 1:08d}{rank}.pt"
        content = {
            "step": attempt.step,
            "batches": [vars(batch) for batch in share.batches],
            "size": tuple(share.size),
            **attempt.generators,
            "weights": self._model.state_dict(),
        }
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            save_tensors(content, path)
        return path

    def _refuse_infinity(self, step: int) -> None:
        weights = self._model.state_dict()
        if self._saved is not self._model:
            averaged = self._saved.state_dict()
            weights |= {f"average.{name}": tensor for name, tensor in averaged.items()}
        if reason := why_not_finite({**weights, **named_tensors(self._optimizer)}):
            raise UserError(
                f"{self._run.folder}: not saved at step {step}: {reason}; lower "
                "training.optimizer.lr; --resume goes on from the last checkpoint"
            )

    def generators(self) -> dict[str, Tensor | None]:
        """Return the state of the random generators of this rank."""
        cuda = self._device.type == "cuda"
        return {
            "cpu_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self._device) if cuda else None,
        }

    def _restore_generators(self, tensors: dict[str, Any], step: int) -> None:
        saved = [tensors, *tensors.get("other_ranks", [])]
        if self._world.leads:
            own = saved[0]
        elif len(saved) == self._world.size:
            own = saved[self._world.rank]
        else:
            self._reseed(step)
            return
        torch.set_rng_state(own["cpu_rng"])
        if self._device.type == "cuda" and own["cuda_rng"] is not None:
            torch.cuda.set_rng_state(own["cuda_rng"], self._device)

    def _reseed(self, step: int) -> None:
        """Begin a stream of random numbers that depends on (seed, rank, step) alone."""
        source = np.random.SeedSequence((self._seed, self._world.rank, step))
        torch.manual_seed(int(source.generate_state(1, np.uint64)[0] >> 1))


def read_progress(checkpoint: Checkpoint) -> Progress:
    """Return where the run stood at a checkpoint; DamagedError if its file is not as written."""
    state = checkpoint.state
    try:
        return TypeAdapter(Progress).validate_python(Progress.of(state).__dict__)
    except (KeyError, TypeError, ValueError):
        path = checkpoint.folder / "state.json"
        raise DamagedError(f"{path}: damaged: not the state of a training") from None
