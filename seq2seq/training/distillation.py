"""A student that learns what other models predict -- Hinton et al. 2015, Kim and Rush 2016.

    loss = (1 - share) likelihood + share x sum over tokens and pieces w of -q(w) log p(w)

q is the mean of the teachers' predictions, made without dropout from the same words before. They
tell the student which other words would have done, and how well.

Shapes: N real target tokens of a batch, W vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from seq2seq.config import TrainingConfig
from seq2seq.data.batching import Batch, Size
from seq2seq.kernels.precision import autocast
from seq2seq.kinds import as_before
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import scope
from seq2seq.runs.run import Run
from seq2seq.search.ensemble import log_mean
from seq2seq.training.loss import Loss, log_probs, read_batch, token_loss
from seq2seq.training.objective import Objective

Folders = Annotated[list[str], Field(min_length=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class Distillation(Objective):
    """The likelihood of the target tokens, and how far from the teachers the predictions are."""

    def __init__(
        self,
        model: Seq2Seq,
        teachers: Sequence[Seq2Seq],
        *,
        share: float = 0.5,
        smoothing: float = 0.0,
        precision: str = "fp32",
        sources: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.model = model
        # In a tuple they are no parts of this module: nothing trains, saves or replicates them.
        self._teachers = tuple(teacher.eval().requires_grad_(False) for teacher in teachers)
        self.sources = tuple(sources)
        self.share, self.smoothing, self.precision = share, smoothing, precision

    def weight(self, size: Size) -> int:
        """Return the number of target tokens."""
        return size.target_tokens

    def forward(self, batch: Batch, step: int = 0) -> Loss:
        """Return the loss of a batch; what is reported is the likelihood's."""
        device = self.model.output.weight.device
        with autocast(self.precision, device.type):
            read = read_batch(self.model, batch, device)
            loss = token_loss(self.model, read, batch, self.smoothing, share=1 - self.share)
            probs_NW = self._teachers_probs(batch, device)
            cross_entropy = -(probs_NW * log_probs(self.model, read.features_NF)).sum()
        return loss._replace(total=loss.total + self.share * cross_entropy)

    @torch.no_grad()
    def _teachers_probs(self, batch: Batch, device: torch.device) -> Tensor:
        """The probabilities that the teachers give each piece at each real token, [N, W]."""
        predictions = []
        for number, teacher in enumerate(self._teachers, 1):
            with scope(f"teacher.{number}"):
                read = read_batch(teacher, batch, device)
                predictions.append(log_probs(teacher, read.features_NF))
        return log_mean(predictions).exp()


def teachers_of(config: TrainingConfig) -> list[str]:
    """Return the run directories that teach, if any do."""
    taught = config.objective.kind == "distillation"
    return [*config.objective.options.get("teachers", [])] if taught else []


def distillation(
    model: Seq2Seq, config: TrainingConfig, *, teachers: Folders, weight: Share = 0.5
) -> Objective:
    """Return the objective; `teachers` are run directories, whose best weights teach together."""
    device = model.output.weight.device
    with as_before():  # the code of a teacher may use the names of the student's
        runs = [Run.open(Path(teacher)) for teacher in teachers]
        models = [run.load_model().to(device) for run in runs]
    return Distillation(
        model,
        models,
        share=weight,
        smoothing=config.label_smoothing,
        precision=config.precision,
        sources=[run.checkpoint("best").sums.get("model.safetensors", "") for run in runs],
    )
