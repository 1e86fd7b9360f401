"""Where a run stands, in plain values: everything of a checkpoint that is not a tensor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from seq2seq.data.batching import START, Position


@dataclass
class Window:
    """Sums since the last log line, over all ranks."""

    loss: float = 0.0
    tokens: int = 0
    forced: int = 0
    forcible: int = 0
    seconds: float = 0.0
    skipped: int = 0  # updates that were not made, whose loss is left out ...
    skipped_tokens: int = 0  # ... and their tokens with it

    @property
    def mean_loss(self) -> float | None:
        """Nats a token of the updates that were made; None if there were none."""
        tokens = self.tokens - self.skipped_tokens
        return self.loss / tokens if tokens else None


@dataclass
class Scored:
    """A validated checkpoint."""

    step: int
    metrics: dict[str, float]
    tokenize: str = "13a"
    """The tokens that its BLEU counts."""


@dataclass
class Progress:
    """Where the run stands; the same on all ranks."""

    step: int = 0
    position: Position = START
    seconds: float = 0.0
    tokens: int = 0
    due: bool = False  # a validation is due; a run stopped before it makes up for it
    best_step: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_tokenize: str = "13a"  # the tokens that the best BLEU counts; older runs do not say
    misses: int = 0
    reductions: int = 0
    kept: list[int] = field(default_factory=list)  # steps of the newest validated checkpoints
    ranking: list[Scored] = field(default_factory=list)  # those to average, the best first
    judge: str = ""  # the figure that chose the best of the last validations; older runs don't say
    sources: list[str] = field(default_factory=list)  # the objective's; none known of older runs
    threads: int | None = None  # of the CPU, which decide the last bits of sums
    processes: int = 1  # which decide them too
    skipped: int = 0  # updates that were not made, as their loss or gradient was not finite
    skipped_in_row: int = 0  # up to the last one
    records: int = 0  # lines of metrics.jsonl when this was saved; older runs do not say
    window: Window = field(default_factory=Window)

    @classmethod
    def of(cls, state: dict[str, Any]) -> Progress:
        """Return the progress that `asdict` made `state` of."""
        epoch, batch = state["position"]
        values = {"position": Position(epoch, batch), "window": Window(**state["window"])}
        ranking = [Scored(**scored) for scored in state.get("ranking", [])]
        return cls(**{**state, **values, "ranking": ranking})

    @property
    def wanted(self) -> set[int]:
        """The steps of the checkpoints to keep."""
        return {*self.kept, *(scored.step for scored in self.ranking)}


@contextmanager
def timed(*counters: Progress | Window) -> Iterator[None]:
    """Add the time that the block takes to the seconds of each counter."""
    start = time.perf_counter()
    yield
    for counter in counters:
        counter.seconds += time.perf_counter() - start
