"""The files of a run: written whole or not at all, and named where they are damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from seq2seq.errors import UserError
from seq2seq.machine.disk import flush


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; UserError if it holds anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: damaged: expected an object, found {type(value).__name__}")
    return value


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write `value` to `path` as a JSON object."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` under a temporary name, flush it to the disk and rename it to `path`."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    flush(part)
    part.replace(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name `path` in a UserError where it can't be written: the disk is full, or not ours."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:  # RuntimeError: torch.save
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(f"{path}: cannot be written: {reason}") from None


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, and the second, in which torch goes on."""
    lines = str(error).strip().splitlines()
    return " ".join(line.strip() for line in lines[:2]) if lines else type(error).__name__
