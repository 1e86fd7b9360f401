"""One training at a time in a run directory."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.runs.files import check_links

_LOCK, _OWNER = ".lock", ".lock.owner"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a run directory, which is made if it is not there.

    The system gives the lock back when its process ends, however that comes about. Raises UserError
    that names the process which holds it.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        check_links(folder)
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"{folder}: {_owner(folder)} is training this run; wait until it ends, stop it, or "
                "start another run with --run DIR"
            ) from None
    try:
        with writing(folder):
            (folder / _OWNER).write_text(
                f"process {os.getpid()} on {socket.gethostname()}", "utf-8"
            )
        yield
    finally:
        (folder / _OWNER).unlink(missing_ok=True)
        lock.release()


def _owner(folder: Path) -> str:
    try:
        return (folder / _OWNER).read_text("utf-8")
    except OSError:
        return "another process"
