"""Lines of a pipe or a terminal as they arrive, for a writer who waits for the answer."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, cast

from seq2seq.data.corpus import read_lines
from seq2seq.data.readers.streams import LONGEST_LINE
from seq2seq.errors import UserError

_BLOCK = 1 << 16  # bytes, what a pipe holds


class ArrivingLines:
    """The lines of an open stream, as bytes with their ends: iterate, and ask what is there.

    The stream is read past its own buffer, so nothing else may read it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.name = stream.name
        self._descriptor = stream.fileno()
        self._lines: deque[bytes] = deque()
        self._begun = bytearray()  # a line whose end is still to come
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._lines and not self._ended:
            self._read()
        if not self._lines:
            raise StopIteration
        return self._lines.popleft()

    def readline(self, _: int = -1, /) -> bytes:
        """Return the next line, b"" at the end."""
        return next(self, b"")

    def texts(self) -> Iterator[str]:
        """Yield the lines as text: see `read_lines`."""
        return read_lines(cast(BinaryIO, self))

    def waits(self) -> bool:
        """Whether a whole line is there that was not read yet.

        On Windows, where a pipe can't be asked, only whether one was read with those before.
        """
        while not self._lines and not self._ended and self._is_readable():
            self._read()
        return bool(self._lines)

    def _is_readable(self) -> bool:
        return sys.platform != "win32" and bool(select.select([self._descriptor], [], [], 0)[0])

    def _read(self) -> None:
        block = os.read(self._descriptor, _BLOCK)
        first, *others = block.split(b"\n")
        self._begun += first
        if len(self._begun) > LONGEST_LINE:
            raise UserError(f"{self.name}: expected text, found a line without end")
        for other in others:
            self._lines.append(bytes(self._begun) + b"\n")
            self._begun = bytearray(other)
        if not block:
            self._ended = True
            if self._begun:
                self._lines.append(bytes(self._begun))


def arrives(stream: BinaryIO) -> bool:
    """Whether the lines of `stream` come in time, from a pipe or a person, and not from a file."""
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # no file of the system at all
        return False
