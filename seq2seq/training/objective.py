"""What training makes small: a module from a batch to the sums of its loss.

An objective wraps the model, so that whatever wraps the objective (DistributedDataParallel,
torch.compile) sees one whole forward pass. `Update` adds up its losses and divides them.
"""

from __future__ import annotations

from torch import nn

from seq2seq.bounds import Weight
from seq2seq.config import TeacherForcingConfig, TrainingConfig
from seq2seq.data.batching import Batch, Size
from seq2seq.kernels.precision import autocast
from seq2seq.kinds import OBJECTIVES
from seq2seq.model.model import Seq2Seq
from seq2seq.model.parts import build
from seq2seq.training.loss import Loss, batch_loss
from seq2seq.training.teacher_forcing import count_forced, forcing_at


class Objective(nn.Module):
    """The contract. Sums, never means: only the update knows what to divide them by."""

    sources: tuple[str, ...] = ()
    """The sha256 of what it learns from beside the batches: the same on resume, or a warning."""

    def weight(self, size: Size) -> int:
        """Return what the loss of an update of this size is divided by."""
        raise NotImplementedError

    def forward(self, batch: Batch, step: int = 0) -> Loss:
        """Return the loss of a batch as it is after `step` updates.

        The loss of an emptied batch must be 0, with a gradient of 0 for each parameter.
        """
        raise NotImplementedError


class Likelihood(Objective):
    """The negative log-likelihood of the target tokens, smoothed, with teacher forcing.

    With `consistency`, that of two passes and how far their predictions are apart.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        smoothing: float = 0.0,
        forcing: TeacherForcingConfig | None = None,
        consistency: float = 0.0,
        precision: str = "fp32",
    ) -> None:
        super().__init__()
        self.model = model
        self.smoothing = smoothing
        self.teacher_forcing = forcing or TeacherForcingConfig()
        self.consistency = consistency
        self.precision = precision

    def weight(self, size: Size) -> int:
        """Return the number of target tokens."""
        return size.target_tokens

    def forward(self, batch: Batch, step: int = 0) -> Loss:
        """Return the loss of a batch, whose inputs are forced as after `step` updates."""
        device = self.model.output.weight.device
        forcing = forcing_at(self.teacher_forcing, step, batch.inputs_BT)
        with autocast(self.precision, device.type):
            loss = batch_loss(self.model, batch, device, self.smoothing, forcing, self.consistency)
        if forcing is None:
            return loss
        forced, forcible = count_forced(forcing.forced_BT, batch.real_BT)
        return loss._replace(forced=forced, forcible=forcible)


def likelihood(model: Seq2Seq, config: TrainingConfig, *, consistency: Weight = 0.0) -> Objective:
    """Return the objective with the smoothing and forcing of the configuration."""
    return Likelihood(
        model,
        smoothing=config.label_smoothing,
        forcing=config.teacher_forcing,
        consistency=consistency,
        precision=config.precision,
    )


def build_objective(config: TrainingConfig, model: Seq2Seq) -> Objective:
    """Return what the configuration asks to make small."""
    return build(OBJECTIVES, config.objective, "training.objective", model, config)
