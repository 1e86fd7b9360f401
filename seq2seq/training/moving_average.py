"""A moving average of the weights: what is validated, saved and translated with, if it is wanted.

average <- decay * average + (1 - decay) * weights, after each update -- Polyak and Juditsky 1992
"""

from __future__ import annotations

from typing import cast

from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from seq2seq.model.model import Seq2Seq


class MovingAverage:
    """The average of a model's weights over its updates; torch does the arithmetic."""

    def __init__(self, model: Seq2Seq, decay: float) -> None:
        """Begin with the weights as they are."""
        self._trained = model
        self._averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self._averaged.n_averaged.fill_(1)  # or the first update would replace the beginning

    @property
    def model(self) -> Seq2Seq:
        """A model with the average for its weights."""
        return cast("Seq2Seq", self._averaged.module)

    def update(self) -> None:
        """Take in the weights of now."""
        self._averaged.update_parameters(self._trained)
