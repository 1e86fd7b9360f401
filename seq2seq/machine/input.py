"""Files that are named to be read or written: what may be one, and JSON that is no trap."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from seq2seq.errors import UserError

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_LARGEST = 1 << 28  # bytes of a text that is read whole


def check_file(path: Path, expected: str = "a file") -> None:
    """Refuse what would wait or never end when read: a folder, pipe, socket or device.

    That there is no such file is left to whoever opens it, to be told in its own words.
    """
    kind = kind_of(path)
    if kind is not None and kind != stat.S_IFREG:
        raise UserError(f"{path}: expected {expected}, found {name_of(kind)}")


def check_folder(path: Path, expected: str = "a folder") -> None:
    """Refuse what is no folder, or is not there."""
    kind = kind_of(path)
    if kind is None:
        raise UserError(f"{path}: no such folder")
    if kind != stat.S_IFDIR:
        raise UserError(f"{path}: expected {expected}, found {name_of(kind)}")


def check_target(path: Path) -> None:
    """Refuse what can't be a file to write: a folder, a socket, a named pipe, links in a circle.

    A pipe has to be open already, as in `-o >(command)`: one that nobody reads would wait for ever.
    """
    try:
        kind = kind_of(path)
        path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    if kind in (stat.S_IFREG, stat.S_IFCHR) or is_open_pipe(path):
        return
    way_out = f"; redirect standard output: > {path}" if kind == stat.S_IFIFO else ""
    raise UserError(f"{path}: expected a file to write, found {name_of(kind or 0)}{way_out}")


def kind_of(path: Path) -> int | None:
    """Return the kind of file in the terms of `stat`; None where nothing is to be seen."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return None
    except ValueError:  # a NUL, or half a character
        raise UserError(f"{str(path)!r}: no file can have this name") from None


def name_of(kind: int) -> str:
    """Return `a pipe` for S_IFIFO."""
    return _KINDS.get(kind, "something else")


def is_open_pipe(path: Path) -> bool:
    """Whether `path` is a pipe that is open already, as in `-i <(command)`: it has no name."""
    return kind_of(path) == stat.S_IFIFO and not os.path.exists(os.path.realpath(path))


def read_text(path: Path, expected: str = "a file") -> str:
    """Return the UTF-8 text of a file; UserError for one that is no file, or that has no end."""
    check_file(path, expected)
    if path.stat().st_size > _LARGEST:
        raise UserError(f"{path}: expected {expected} of at most {_LARGEST:,} bytes, found more")
    return path.read_bytes().decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; ValueError, with the reason, for whatever is none."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
