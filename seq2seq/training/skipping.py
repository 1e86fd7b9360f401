"""Updates that are not made, since their loss or gradient is not finite.

Whether an update is skipped is decided on the device, which nobody waits for. What was decided is
read when the host waits anyway: on a CPU after each update, else with the losses.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from seq2seq.data.batching import Position
from seq2seq.training.progress import Progress

logger = logging.getLogger(__name__)


class Latch:
    """Decides whether an update is skipped; after `limit` in a row every one is, until it is read.

    So a model that is looked at late is as it was when the limit was reached.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._start = 0
        self._in_row: Tensor | None = None

    def start(self, in_row: int) -> None:
        """Go on where so many updates in a row were skipped."""
        self._start, self._in_row = in_row, None

    def decide(self, norm: Tensor) -> Tensor:
        """Return 1.0 if the update whose gradient has this norm must not be made, else 0.0."""
        if self._in_row is None:
            self._in_row = torch.full((), float(self._start), device=norm.device)
        skipped = (~norm.isfinite() | (self._in_row >= self._limit)).float()
        self._in_row = (self._in_row + 1) * skipped
        return skipped


class Attempt(NamedTuple):
    """One update, made or not, and what it takes to try it again."""

    step: int  # the updates before it
    position: Position  # of its batches
    tokens: int  # target tokens, of all ranks
    generators: dict[str, Tensor | None]  # before it
    skipped: Tensor  # 1.0 or 0.0, on the device


class Skips:
    """Holds attempts until somebody reads them, which waits for the device."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unread: list[Attempt] = []

    def add(self, attempt: Attempt) -> None:
        """Note an attempt."""
        self._unread.append(attempt)

    def read(self, progress: Progress) -> Attempt | None:
        """Count what was skipped into `progress`; return the attempt that reached the limit."""
        if not self._unread:
            return None
        flags = torch.stack([attempt.skipped for attempt in self._unread]).tolist()
        attempts, self._unread = self._unread, []
        before = progress.skipped
        for attempt, skipped in zip(attempts, flags, strict=True):
            progress.skipped_in_row = progress.skipped_in_row + 1 if skipped else 0
            if skipped:
                progress.skipped += 1
                progress.window.skipped += 1
                progress.window.skipped_tokens += attempt.tokens
            if progress.skipped_in_row >= self._limit:
                return attempt
        if progress.skipped > before:
            logger.warning(
                "step %d: %sskipped, the loss or the gradient is not finite; %d in a row, %d "
                "in all",
                progress.step,
                f"{progress.skipped - before} of {len(attempts)} updates " if attempts[1:] else "",
                progress.skipped_in_row,
                progress.skipped,
            )
        return None


def gave_up(attempt: Attempt, replay: Path, limit: int) -> str:
    """Return how a run ends whose last updates were all skipped."""
    return (
        f"the loss or the gradient was not finite in {limit} updates in a row "
        f"(training.max_skipped), up to step {attempt.step + 1}: lower training.optimizer.lr, or "
        f"set training.optimizer.clip; the batch is in {replay}; --resume goes on from the last "
        "checkpoint"
    )
