"""The lines of metrics.jsonl: JSON objects that end with a checksum of what stands before it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from seq2seq.errors import DamagedError

logger = logging.getLogger(__name__)

_KEY = b', "crc32"'
_END = re.compile(rb': "([0-9a-f]{8})"}\n')


def metrics_line(record: Mapping[str, Any]) -> str:
    """Return a record as a line with its checksum."""
    body = json.dumps(record).removesuffix("}")
    return f'{body}{_KEY.decode()}: "{_sum(body.encode())}"}}\n'


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return all records; DamagedError at the first line that is not as it was written."""
    return [_record(line, path, number) for number, line in enumerate(_lines(path), 1)]


def damaged_or_whole(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yield each line with its record, or with None if it is damaged, of which a warning tells.

    A last line without its end was being written when the process was killed: it is left out.
    """
    for number, line in enumerate(_lines(path), 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield line, _record(line, path, number)
        except DamagedError as error:
            logger.warning("%s; the line stays as it is", error)
            yield line, None


def last_record(path: Path) -> dict[str, Any] | None:
    """Return the last record that is as it was written; None if there is none."""
    for line in reversed(_lines(path) if path.exists() else []):
        with suppress(DamagedError):
            return _record(line, path, 0)
    return None


def _lines(path: Path) -> list[bytes]:
    *whole, rest = path.read_bytes().split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _record(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not (
        isinstance(record, dict)
        and isinstance(record.get("step"), int)
        and isinstance(record.get("kind"), str)
        and _sum_is_right(line)
    ):
        raise DamagedError(f"{path}:{number}: damaged: expected a record as it was written")
    record.pop("crc32", None)
    return record


def _sum_is_right(line: bytes) -> bool:
    """Whether the checksum, if there is one, is right: a line of an older version has none."""
    end = _END.search(line)
    if end is None:
        return _KEY not in line
    body = line[: end.start()]
    return body.endswith(_KEY) and end[1].decode() == _sum(body.removesuffix(_KEY))


def _sum(body: bytes) -> str:
    return f"{crc32(body):08x}"
