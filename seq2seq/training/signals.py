"""Signals as a polite request: finish the step, save, stop. A second one is not polite."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """False until a signal comes; then its number and name."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __bool__(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self.number)

    def __str__(self) -> str:
        """The name of the signal that asked for it."""
        return signal.Signals(self.number).name if self.number else ""

    def receive(self, number: int, _: FrameType | None = None) -> None:
        """Note the signal; at the second one stop at once."""
        if self.number:
            raise KeyboardInterrupt
        self.number = number


_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
"""Ctrl-C; kill, shutdown; the terminal or connection closed; a batch system's warning."""


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn such signals into a StopRequest inside the block (in the main thread only).

    One that is ignored stays so: `nohup` ignores SIGHUP. Windows has the first two.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = [signal.Signals[name] for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in before:
        signal.signal(number, request.receive)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
