"""The losses of updates, added up, checked and made into records of metrics.jsonl."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch

from seq2seq.training.distributed import ALONE, World
from seq2seq.training.judgement import check_loss, why_poor
from seq2seq.training.loss import Loss
from seq2seq.training.progress import Progress, Window

logger = logging.getLogger(__name__)


class Meter:
    """Holds losses until somebody reads them, which waits for the device and for all ranks."""

    def __init__(self, vocabulary: int, *, log_every: int, world: World = ALONE) -> None:
        self._vocabulary = vocabulary
        self._log_every = log_every
        self._world = world
        self._unread: list[Loss] = []
        self._warned = False

    def add(self, losses: Sequence[Loss]) -> None:
        """Note the losses of an update on this rank."""
        self._unread += losses

    def read(self, progress: Progress) -> None:
        """Move what was noted, of all ranks, into the window; UserError if the model is lost."""
        if not self._unread:
            return
        window = progress.window
        plain = float(torch.stack([loss.plain for loss in self._unread]).double().sum())
        forced = sum(loss.forced for loss in self._unread)
        forcible = sum(loss.forcible for loss in self._unread)
        self._unread.clear()
        plain, forced_everywhere, forcible_everywhere = self._world.sum([plain, forced, forcible])
        window.loss += plain
        window.forced += int(forced_everywhere)
        window.forcible += int(forcible_everywhere)
        early = progress.step <= self._log_every  # the loss may leap then, and come back
        if window.mean_loss is not None and not (early and math.isfinite(window.loss)):
            check_loss(window.mean_loss, self._vocabulary, progress.step)

    def record(self, progress: Progress, learning_rate: float) -> dict[str, Any]:
        """Return the window's record, and begin a new window.

        It has no loss if every update of the window was skipped.
        """
        self.read(progress)
        window, progress.window = progress.window, Window()
        loss = window.mean_loss
        record: dict[str, Any] = {
            "kind": "train",
            "step": progress.step,
            "epoch": progress.position.epoch,
        }
        if loss is not None:
            self._warn_once(loss, progress.step)
            record |= {"loss": loss, "perplexity": math.exp(min(loss, 700))}
        record |= {
            "lr": learning_rate,
            "target_tokens": progress.tokens,
            "target_tokens_per_second": window.tokens / window.seconds,
            "seconds": progress.seconds,
        }
        if window.forcible:
            record["teacher_forcing_ratio"] = window.forced / window.forcible
        if window.skipped:
            record["skipped"] = window.skipped
        return record

    def _warn_once(self, loss: float, step: int) -> None:
        poor = why_poor(loss, self._vocabulary)
        if poor and step > self._log_every and not self._warned:
            self._warned = True
            logger.warning("%s: is training.optimizer.lr too high?", poor)
