"""SIGINT and SIGTERM as a polite request: finish the step, save, stop. A second is not polite."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """False until a signal comes; then its name."""

    def __init__(self) -> None:
        self._name = ""

    def __bool__(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self._name)

    def __str__(self) -> str:
        """The name of the signal that asked for it."""
        return self._name

    def receive(self, number: int, _: FrameType | None = None) -> None:
        """Note the signal; at the second one stop at once."""
        if self._name:
            raise KeyboardInterrupt
        self._name = signal.Signals(number).name


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a StopRequest inside the block (in the main thread only)."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, request.receive)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
