"""Text files that carry a checksum of themselves, and checksums of other files.

A sealed JSON object begins with `"checksum": "sha256"` and ends with `"sha256": "..."`, which is of
all that stands before it; a sealed text has both as comments, in its first and its last line. So a
changed byte is noticed wherever it is: also one in either mark, as the other one is left. A file
without marks was written by an older version, or by hand, and is read as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seq2seq.errors import DamagedError, UserError
from seq2seq.machine.disk import hash_file
from seq2seq.machine.input import check_file, parse_json, read_text

_MARK, _SUM = "checksum", "sha256"
_JSON_END = f',\n  "{_SUM}": "'
_TEXT_START, _TEXT_END = f"# {_MARK}: {_SUM}, in the last line\n", f"# {_SUM}: "
Sums = Mapping[str, str]
"""The sha256 of files, by their names in a folder."""


def seal_json(value: Mapping[str, object]) -> str:
    """Return a JSON object that ends with its checksum."""
    text = json.dumps({_MARK: _SUM, **value}, indent=2, ensure_ascii=False)
    body = text.removesuffix("\n}")
    return f'{body}{_JSON_END}{_digest(body)}"\n}}\n'


def read_sealed_json(path: Path, *, required: bool = False) -> dict[str, Any]:
    """Return what `seal_json` was given; DamagedError if the file in `path` is another.

    Without marks it is taken as it is, unless a checksum is `required`.
    """
    try:
        text = read_text(path)
        value = parse_json(text)
    except UserError:
        raise
    except ValueError as error:
        raise DamagedError(f"{path}: damaged: {error}") from None
    if not isinstance(value, dict):
        raise DamagedError(f"{path}: damaged: expected an object, found {type(value).__name__}")
    if required or _MARK in value or _SUM in value:
        body, found, end = text.rpartition(_JSON_END)
        whole = bool(found) and _MARK in value and end == f'{_digest(body)}"\n}}\n'
        _check(path, whole, required=required)
    return {key: found for key, found in value.items() if key not in (_MARK, _SUM)}


def seal_text(text: str) -> str:
    """Return a text, its lines ended, between two comments that hold its checksum."""
    body = _TEXT_START + text
    return f"{body}{_TEXT_END}{_digest(body)}\n"


def check_sealed_text(path: Path) -> None:
    """Raise DamagedError if the file in `path` was changed after `seal_text`."""
    check_file(path)
    text = path.read_bytes()
    start, mark = _TEXT_START.encode(), _TEXT_END.encode()
    body, found, end = text.rpartition(mark)
    if found or start.startswith(text[: len(start)]):  # an empty file too was cut
        whole = bool(found) and body.startswith(start)
        _check(path, whole and end == f"{hashlib.sha256(body).hexdigest()}\n".encode())


def sums_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the sha256 of files in a folder."""
    return {name: hash_file(folder / name) for name in names}


def check_files(folder: Path, sums: Sums, *names: str) -> None:
    """Raise DamagedError unless the files have these sums; only those of `names`, if any is given.

    A file without a sum is not checked.
    """
    for name in names or sums:
        if name not in sums:
            continue
        path = folder / name
        try:
            if name.startswith("/") or ".." in Path(name).parts:
                raise DamagedError(f"{path}: is outside of {folder}")
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise DamagedError(f"{path}: damaged: expected a file")
            found = hash_file(path)
        except FileNotFoundError:
            raise DamagedError(f"{path}: missing") from None
        except OSError as error:
            raise DamagedError(f"{path}: cannot be read: {error.strerror}") from None
        if found != sums[name]:
            raise DamagedError(
                f"{path}: damaged: expected the sha256 {str(sums[name])[:12]}..., found "
                f"{found[:12]}..."
            )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _check(path: Path, whole: bool, *, required: bool = False) -> None:
    if not whole:
        way_out = (
            ""
            if required
            else ". To have it read as it is now, remove both marks of the checksum, at its start "
            "and at its end"
        )
        raise DamagedError(f"{path}: damaged, or edited: it differs from its checksum{way_out}")
