"""The files of a run: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from seq2seq.errors import UserError
from seq2seq.machine.disk import flush
from seq2seq.machine.sealed import seal_json


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write `value` to `path` as a JSON object with a checksum; `read_sealed_json` reads it."""
    write_text(path, seal_json(value))


def write_text(path: Path, text: str) -> None:
    """Write `text` as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it to `path`."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # if it is a link, what it leads to is not ours
    part.write_bytes(content)
    flush(part)
    part.replace(path)


def check_links(folder: Path) -> None:
    """Raise UserError if a link in a run leads out of it: training would write and remove there.

    A run that came from somewhere else may hold links to any file of this user.
    """
    home = folder.resolve()
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *names)):
            if path.is_symlink() and not _target(path).is_relative_to(home):
                raise UserError(
                    f"{path}: a link that leads out of the run, so nothing is written into the "
                    f"run; put what it leads to in its place, or link all of {folder}"
                )


def _target(link: Path) -> Path:
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # a link to itself
        return Path("/")


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, and the second, in which torch goes on."""
    lines = str(error).strip().splitlines()
    return " ".join(line.strip() for line in lines[:2]) if lines else type(error).__name__
