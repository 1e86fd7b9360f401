"""Where the records of a training go: metrics.jsonl, TensorBoard, the caller's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from seq2seq.runs.run import Run
from seq2seq.training.tensorboard import Scalars

Callback = Callable[[dict[str, Any]], object]
"""Is given each record of metrics.jsonl."""


class Metrics:
    """Writes records into a run; of several processes only the leading one does."""

    def __init__(
        self,
        run: Run,
        callbacks: Sequence[Callback] = (),
        *,
        tensorboard: bool = False,
        writes: bool = True,
    ) -> None:
        self._run = run
        self._callbacks = callbacks if writes else ()
        self._tensorboard = tensorboard and writes
        self._writes = writes
        self._scalars: Scalars | None = None
        self.error: Exception | None = None
        """What a callback raised: no other is called after it, and the training ends, saved."""

    @contextmanager
    def opened(self, first_step: int) -> Iterator[None]:
        """Write TensorBoard files inside the block, if they are wanted; from this step on anew."""
        if not self._tensorboard:
            yield
            return
        scalars = Scalars(self._run.folder / "tensorboard", first_step=first_step)
        with closing(scalars):
            self._scalars = scalars
            yield
        self._scalars = None

    def write(self, record: Mapping[str, Any]) -> None:
        """Give a record to everybody."""
        if self._writes:
            self._run.log_metrics(record)
        if self._scalars is not None:
            self._scalars.add(record)
        self._call_back(record)

    def _call_back(self, record: Mapping[str, Any]) -> None:
        for callback in self._callbacks:
            if self.error is None:
                try:
                    callback(dict(record))
                except Exception as error:
                    self.error = error
