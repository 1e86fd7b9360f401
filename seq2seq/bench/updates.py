"""The updates of a training, without a run: nothing is logged, validated or saved."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from seq2seq.bench.stopwatch import Stopwatch
from seq2seq.config import Config
from seq2seq.data.batching import START, Batch, Batches
from seq2seq.data.prepare import Prepared
from seq2seq.errors import UserError
from seq2seq.kernels import products
from seq2seq.machine.allocator import keep_freed_memory
from seq2seq.machine.waiting import sleep_when_busy
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import batch_loss
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.teacher_forcing import forcing_at


class Tally(NamedTuple):
    """What batches hold: the end of a sentence is counted as a token, padding is not.

    `places` are those of both sides together, padding included.
    """

    sentences: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    places: int = 0

    @property
    def padding(self) -> float:
        """The share of all places that is padding."""
        return 1 - (self.source_tokens + self.target_tokens) / self.places

    def plus(self, batch: Batch) -> Tally:
        """Return the tally with one more batch in it."""
        return Tally(
            self.sentences + len(batch),
            self.source_tokens + batch.source_tokens,
            self.target_tokens + batch.target_tokens,
            self.places + batch.source_BS.numel() + batch.targets_BT.numel(),
        )


class Updates:
    """The updates that `Trainer` makes of the same configuration, from the first one on.

    A test holds the two to the same weights. Only the learning rate stays what it is at the peak of
    its schedule, and teacher forcing what it is at the start.
    """

    def __init__(
        self, config: Config, prepared: Prepared, model: Seq2Seq, device: torch.device
    ) -> None:
        keep_freed_memory()
        sleep_when_busy()
        products.use(config.training.products)
        self.config = config.training
        self.device = device
        self.model = model.to(device).train()
        self.optimizer = build_optimizer(self.config.optimizer, self.model)
        self.batches = Batches(
            prepared.train,
            config.batching,
            source_end=config.tokenizer.source_end,
            seed=config.seed,
        )

    def rewind(self) -> None:
        """Go back to the first batch; the weights stay."""
        self.batches.position = START

    def make(self, count: int, stopwatch: Stopwatch) -> Tally:
        """Make so many updates and return what was in their batches."""
        tally = Tally()
        for _ in range(count):
            stopwatch.switch("data")
            group = self.read()
            self.backward(group, stopwatch)
            stopwatch.switch("optimizer")
            self.apply()
            for batch in group:
                tally = tally.plus(batch)
        stopwatch.stop()
        return tally

    def read(self) -> list[Batch]:
        """Return the batches of the next update."""
        return [batch for batch, _ in islice(self.batches, self.config.accumulate)]

    def backward(self, group: list[Batch], stopwatch: Stopwatch) -> None:
        """Add up the gradient of the mean loss over all target tokens of the batches."""
        tokens = sum(batch.target_tokens for batch in group)
        for batch in group:
            stopwatch.switch("data")  # until the model is called: it goes to the device first
            try:
                loss = self._loss(batch)
                stopwatch.switch("backward")
                (loss / tokens).backward()
            except torch.OutOfMemoryError:
                raise UserError(
                    f"out of memory on a batch of {len(batch)} sentences, "
                    f"{batch.source_BS.size(1)} source and {batch.targets_BT.size(1)} target "
                    "pieces long: lower batching.tokens or data.max_length"
                ) from None

    def apply(self) -> None:
        """Clip the gradient, update the weights, and clear the gradient."""
        if self.config.optimizer.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimizer.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def _loss(self, batch: Batch) -> Tensor:
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            smoothing = self.config.label_smoothing
            forcing = forcing_at(self.config.teacher_forcing, 0, batch.inputs_BT)
            return batch_loss(self.model, batch, self.device, smoothing, forcing).smoothed
