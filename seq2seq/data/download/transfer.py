"""Files at public addresses: their bytes are known beforehand, and a broken transfer goes on."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, TypeAlias

from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a file's name, its bytes so far and its size in bytes."""

logger = logging.getLogger(__name__)

ATTEMPTS = 5
TIMEOUT = 30.0
"""Seconds without a byte before a connection is given up."""
_CHUNK = 1 << 16
_PAUSE = 0.5  # seconds before the second attempt, doubled for each one after


class PinnedFile(NamedTuple):
    """A file at a public address whose bytes can't change."""

    url: str
    size: int
    sha256: str
    member: str = ""
    """Of a zip: the one file in it that is wanted."""

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def unpacked(self) -> str:
        """The name of what it holds."""
        return Path(self.member).name or self.name.removesuffix(".gz")

    def at(self, mirror: str) -> PinnedFile:
        """Return the same file at another address."""
        return self._replace(url=f"{mirror.rstrip('/')}/{self.name}")


_LOCAL_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS)


class _WrongBytesError(Exception):
    """A whole file came, and it is another one."""


def download(
    file: PinnedFile,
    folder: Path,
    *,
    progress: Progress | None = None,
    attempts: int = ATTEMPTS,
    pause: float = _PAUSE,
) -> Path:
    """Return FOLDER/NAME holding the pinned bytes of `file`, transferring what is still missing.

    What has come stays in NAME.part, so that a later call goes on from there. Raises UserError
    if the server refuses, stays unreachable after `attempts`, or sends other bytes.
    """
    path, part = folder / file.name, folder / f"{file.name}.part"
    if path.exists() and hash_file(path) == file.sha256:
        return path
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        resumed = part.exists()
        try:
            _transfer(file, part, progress)
            return _accept(file, part, path)
        except urllib.error.HTTPError as error:
            failure = f"HTTP {error.code} {error.reason}"
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                raise UserError(f"{file.url}: {failure}") from None
        except _WrongBytesError as error:
            failure = str(error)
            if not resumed:  # else the old part may be to blame: once more, from the start
                raise UserError(f"{file.url}: {failure}; nothing was kept") from None
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in _LOCAL_ERRORS:
                raise
            failure = str(getattr(error, "reason", "") or error or type(error).__name__)
        logger.info("%s: %s (attempt %d of %d)", file.url, failure, attempt + 1, attempts)
    raise UserError(
        f"{file.url}: cannot be fetched: {failure} (tried {attempts} times); "
        "a mirror or a folder with a copy can be named with --from"
    )


def _transfer(file: PinnedFile, part: Path, progress: Progress | None) -> None:
    """Append to `part` what it lacks; from the start if the server can't send a range."""
    done = part.stat().st_size if part.exists() else 0
    if done >= file.size:  # whole, or from something else: the hash will tell
        return
    request = urllib.request.Request(file.url, headers={"User-Agent": "seq2seq"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0
        with part.open("ab" if done else "wb") as out:
            while done < file.size and (chunk := response.read(_CHUNK)):
                out.write(chunk)
                done += len(chunk)
                if progress:
                    progress(file.name, min(done, file.size), file.size)
        if done < file.size and response.length != 0:  # what the server still owes
            raise ConnectionError(f"download stopped at {done} of {file.size} bytes")


def _accept(file: PinnedFile, part: Path, path: Path) -> Path:
    """Give the finished `part` its name, or throw it away if it is not the pinned file."""
    size, sha256 = part.stat().st_size, hash_file(part)
    if sha256 != file.sha256:
        part.unlink()
        raise _WrongBytesError(
            f"expected {file.size} bytes with SHA-256 {file.sha256}, "
            f"found {size} bytes with SHA-256 {sha256}"
        )
    os.replace(part, path)
    return path
