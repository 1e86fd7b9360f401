"""Drawing which inputs of a batch come from the reference -- Bengio et al. 2015.

Shapes: B batch, T target steps, W target vocabulary. Draws use torch's own generator, whose state
is saved with every checkpoint.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from seq2seq.config import TeacherForcingConfig
from seq2seq.model.model import TeacherForcing
from seq2seq.training.schedules import teacher_forcing_ratio


def forcing_at(config: TeacherForcingConfig, step: int, inputs_BT: Tensor) -> TeacherForcing | None:
    """Return which inputs come from the reference after `step` updates; None for all."""
    ratio = teacher_forcing_ratio(config, step)
    return None if ratio >= 1 else draw_forcing(config, ratio, inputs_BT)


def draw_forcing(config: TeacherForcingConfig, ratio: float, inputs_BT: Tensor) -> TeacherForcing:
    """Return the inputs to force with probability `ratio`, drawn per token, sequence or batch.

    The first input is the start of the sentence and always given.
    """
    batch, steps = inputs_BT.shape
    shape = {"token": (batch, steps), "sequence": (batch, 1), "batch": (1, 1)}[config.per]
    forced_BT = (torch.rand(shape) < ratio).expand(batch, steps).clone()
    forced_BT[:, 0] = True
    return TeacherForcing(forced_BT.to(inputs_BT.device), CHOICES[config.next])


def argmax(logits_BW: Tensor) -> Tensor:
    """Return the likeliest tokens_B."""
    return logits_BW.argmax(-1)


def sample(logits_BW: Tensor) -> Tensor:
    """Return tokens_B drawn from the model's own distribution; any, where it is none (NaN)."""
    # A draw from NaN is an error, on CUDA one that ends the process; the loss will tell of it.
    return logits_BW.float().softmax(-1).nan_to_num(1.0).multinomial(1).squeeze(1)


CHOICES: dict[str, Callable[[Tensor], Tensor]] = {"argmax": argmax, "sample": sample}


def count_forced(forced_BT: Tensor, real_BT: Tensor) -> tuple[int, int]:
    """Return how many of the real inputs after the first were forced, and how many there were."""
    forced_BT = forced_BT.cpu() & real_BT
    return int(forced_BT[:, 1:].sum()), int(real_BT[:, 1:].sum())
