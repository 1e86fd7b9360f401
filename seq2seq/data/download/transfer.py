"""Files at public addresses: their bytes are known beforehand, and a broken transfer goes on."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a file's name, its bytes so far and its size in bytes."""

logger = logging.getLogger(__name__)

ATTEMPTS = 5
TIMEOUT = 30.0
"""Seconds without a byte, or with hardly any, before a connection is given up."""
SLOWEST = 100.0
"""Bytes a second: with fewer a file never comes."""
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


def checked_address(text: str) -> str:
    """Return an http(s) address as it is asked for: its host in ASCII, its path quoted.

    Raises UserError for any other address, without repeating a password.
    """
    try:
        parts = urllib.parse.urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:  # UnicodeError too, of a host's name
        raise UserError(f"{text!r}: not a web address: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise UserError(f"{text}: expected a folder or an http(s) address")
    if parts.username is not None:
        raise UserError(
            f"{parts.scheme}://{host}: expected an address without a user and password; fetch the "
            "files yourself, and give their folder"
        )
    if parts.query or parts.fragment:
        raise UserError(f"{text!r}: expected the address of a folder, without ? and #")
    if not host or any(not (letter.isalnum() or letter in ".-_:") for letter in host):
        raise UserError(f"{text!r}: not a web address: it has no valid host")
    named = f"[{host}]" if ":" in host else host
    path = urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~")
    return f"{parts.scheme}://{named}{'' if port is None else f':{port}'}{path}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http(s) only, and from https to https only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to go on with; HTTPError where we don't."""
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type, scheme) == ("https", "http"):
            reason = f"the server sends us on to {newurl!r}, which is not followed"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Patience:
    """Ends a connection over which too little comes, be it a byte a second.

    A socket's own timeout starts again with every byte, so that a slow enough server would hold us
    for ever, in its headers too.
    """

    def __init__(self) -> None:
        self.received = 0
        """Bytes of the file."""
        self.is_over = False
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Patience:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        before = 0
        while not self._ended.wait(TIMEOUT):
            if self.received - before < SLOWEST * TIMEOUT:
                self.is_over = True
                if self._socket is not None:
                    with suppress(OSError):  # as of TCP, below any TLS
                        socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                return
            before = self.received

    def opener(self) -> urllib.request.OpenerDirector:
        """Return what opens addresses over connections that this watches."""
        patience = self

        class Plain(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                patience._socket = self.sock

        class Secure(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                patience._socket = self.sock

        class PlainHandler(urllib.request.HTTPHandler):
            def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(Plain, req)

        class SecureHandler(urllib.request.HTTPSHandler):
            def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(Secure, req)

        return urllib.request.build_opener(PlainHandler, SecureHandler, _Redirects)


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
            failure = f"HTTP {error.code} {' '.join(str(error.reason).split())}"
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                raise UserError(f"{file.url}: {failure}") from None
        except _WrongBytesError as error:
            failure = str(error)
            if not resumed:  # else the old part may be to blame: once more, from the start
                raise UserError(f"{file.url}: {failure}; nothing was kept") from None
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: an address
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
    with _Patience() as patience:
        try:
            _receive(file, request, part, done, patience, progress)
        except (OSError, ValueError, http.client.HTTPException) as error:
            if patience.is_over and not isinstance(error, urllib.error.HTTPError):
                raise TimeoutError(f"fewer than {SLOWEST:g} bytes a second came") from None
            raise


def _receive(
    file: PinnedFile,
    request: urllib.request.Request,
    part: Path,
    done: int,
    patience: _Patience,
    progress: Progress | None,
) -> None:
    with patience.opener().open(request, timeout=TIMEOUT) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0
        with part.open("ab" if done else "wb") as out:
            while done < file.size and (chunk := response.read1(_CHUNK)):
                out.write(chunk)
                done += len(chunk)
                patience.received += len(chunk)
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
