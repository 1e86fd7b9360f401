"""The updates of a training, without a run: nothing is logged, validated or saved."""

from __future__ import annotations

from typing import NamedTuple

import torch

from seq2seq.bench.stopwatch import Stopwatch
from seq2seq.config import Config
from seq2seq.data.batching import START, Batch, Batches
from seq2seq.data.prepare import Prepared
from seq2seq.data.sampling import SubwordSampling
from seq2seq.kernels import products
from seq2seq.machine.allocator import keep_freed_memory
from seq2seq.machine.waiting import sleep_when_busy
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import timing
from seq2seq.training.objective import build_objective
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.update import Update


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

    A test holds the two to the same weights. Only the learning rate stays at the peak of its
    schedule, and teacher forcing as it is at the start.
    """

    def __init__(
        self, config: Config, prepared: Prepared, model: Seq2Seq, device: torch.device
    ) -> None:
        keep_freed_memory()
        sleep_when_busy()
        products.use(config.training.products)
        self.device = device
        self.model = model.to(device).train()
        settings = config.training
        self.update = Update(
            build_objective(settings, self.model),
            build_optimizer(settings.optimizer, self.model),
            clip=settings.optimizer.clip,
        )
        self.batches = Batches(
            prepared.train,
            config.batching,
            source_end=config.tokenizer.source_end,
            seed=config.seed,
            accumulate=settings.accumulate,
            sampling=SubwordSampling.of(config, prepared.tokenizers),
        )

    def rewind(self) -> None:
        """Go back to the first batch; the weights stay."""
        self.batches.position = START

    def make(self, count: int, stopwatch: Stopwatch) -> Tally:
        """Make so many updates and return what was in their batches."""
        tally = Tally()
        with timing(stopwatch):
            for _ in range(count):
                stopwatch.switch("data")  # until the model is called: it goes to the device first
                batches = self.read()
                self.update(batches)
                for batch in batches:
                    tally = tally.plus(batch)
        stopwatch.stop()
        return tally

    def read(self) -> list[Batch]:
        """Return the batches of the next update."""
        return next(self.batches).batches
