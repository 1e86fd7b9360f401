"""Which share of the time each stage of an update takes."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import pairwise
from typing import Any

import torch

STAGES = {
    "data": "read, pad, move to the device",
    "encoder": "source embedding, encoder",
    "decoder": "bridge, target embedding, cells, readout; without its attention",
    "attention": "keys, queries, scores, weights, contexts",
    "output": "output layer and loss, forward",
    "backward": "of all of these",
    "optimizer": "clip, update, clear gradients",
}
"""The stages of an update, and what each holds."""

_STAGE_OF = {"source": "attention"} | {stage: stage for stage in STAGES}
"""The stage of a scope, by the last part of its name; any other is in the stage around it."""


class Stopwatch:
    """Gives every moment to one stage: to the innermost that was entered.

    Inside `timing(stopwatch)` a model tells it of the stages. On CUDA the moments are events in the
    stream of work, so that nothing waits for the clock: a stage's share is then of the device's
    time, with what it waited for the host.
    """

    # torch.profiler would tell operators; stages it could tell by record_function, at a cost of
    # some microseconds an operator, which is a good part of what small models take.

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stack: list[str | None] = []
        self._moments: list[tuple[str | None, Any]] = []  # the stage that begins, and when

    def switch(self, stage: str) -> None:
        """End the innermost stage, if any, and begin another."""
        self._stack[-1:] = [stage]
        self._note()

    def enter(self, scope: str) -> None:
        """Begin the stage of a scope inside the present one."""
        around = self._stack[-1] if self._stack else None
        self._stack.append(_STAGE_OF.get(scope.rpartition(".")[2], around))
        self._note()

    def leave(self) -> None:
        """End the scope's stage; the one around it goes on."""
        self._stack.pop()
        self._note()

    def stop(self) -> None:
        """End all stages."""
        self._stack.clear()
        self._note()

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage; call it when all have ended."""
        assert not self._stack
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        sums: dict[str, float] = defaultdict(float)
        for (stage, start), (_, end) in pairwise(self._moments):
            if stage is not None:
                sums[stage] += self._between(start, end)
        return dict(sums)

    def _note(self) -> None:
        stage = self._stack[-1] if self._stack else None
        self._moments.append((stage, self._now()))

    def _now(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def _between(self, start: Any, end: Any) -> float:
        if self._device.type != "cuda":
            return end - start
        return start.elapsed_time(end) / 1e3
