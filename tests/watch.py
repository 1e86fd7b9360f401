"""A watch against hangs."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Hang(BaseException):
    """What was watched took too long; not an Exception, which it could catch."""


@contextmanager
def watched(seconds: int) -> Iterator[None]:
    """Fail where Python hangs; where a library does, end the tests, and show the place."""

    def bark(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(4 * seconds, exit=True, file=sys.__stderr__ or 2)
    try:
        yield
    except Hang:
        pytest.fail(f"it has not ended after {seconds} seconds")
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
