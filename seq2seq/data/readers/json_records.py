"""JSON lines, or one list of records -> the fields of each record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from seq2seq.data.readers.streams import TextFile, read_raw_lines
from seq2seq.errors import UserError
from seq2seq.machine.input import parse_json


class Row(NamedTuple):
    """The cells of a row, and the line it begins on, from 1."""

    line: int
    cells: list[Any]


def records(file: TextFile, names: Sequence[str]) -> Iterator[Row]:
    """Yield the fields of these names of every record; a `Missing` for each that it lacks."""
    for line, record in json_values(file):
        fields = fields_of(record)
        yield Row(line, [fields.get(name, Missing(name, tuple(fields))) for name in names])


class Missing(NamedTuple):
    """Stands for a field that a record lacks; `found` are those it has."""

    name: str
    found: tuple[str, ...]

    @property
    def listed(self) -> str:
        """The fields that it has, in a line."""
        return ", ".join(self.found) or "none"


def json_values(file: TextFile) -> Iterator[tuple[int, Any]]:
    """Yield the values of a file of JSON lines, else the items of the one list that it is."""
    filled = ((n, line) for n, line in enumerate(read_raw_lines(file), 1) if line.strip())
    first = next(filled, None)
    if first is None:
        return
    second = next(filled, None)
    lines = chain([first], [second] if second else [], filled)
    if _is_open(first[1], alone=second is None):
        yield from _one_list(file, "".join(line for _, line in lines))
        return
    for number, line in lines:
        try:
            value = parse_json(line.rstrip())  # an end that comes too early is in this line
        except ValueError as error:
            raise UserError(f"{file}:{number}: not valid JSON: {_json_reason(error)}") from None
        yield number, value


def _json_reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at place {error.colno} of the line"
    return str(error)


def _is_open(line: str, *, alone: bool) -> bool:
    """Whether a line begins a value that later lines go on with, or holds all records itself."""
    try:
        value = parse_json(line)
    except ValueError:
        return line.strip() in ("[", "{") or line.lstrip()[:2] in ("[{", "[[")
    if isinstance(value, dict):
        return alone and _records_in(value) is not None
    return isinstance(value, list) and all(isinstance(item, (dict, list)) for item in value)


def _one_list(file: TextFile, text: str) -> Iterator[tuple[int, Any]]:
    try:
        values = parse_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise UserError(f"{file}:{line}: not valid JSON: {_json_reason(error)}") from None
    if isinstance(values, dict):
        records = _records_in(values)
        values = [values] if records is None else records
    yield from enumerate(values, 1)


def _records_in(value: dict[str, Any]) -> list[Any] | None:
    """The one list of objects with texts that an object holds: {"version": 1, "data": [...]}."""
    lists = [
        item
        for item in value.values()
        if isinstance(item, list) and item and all(isinstance(one, dict) for one in item)
    ]
    if len(lists) != 1 or len(fields_of(lists[0][0])) < 2 or "content" in lists[0][0]:
        return None  # a conversation is one pair, if any
    return lists[0]


def fields_of(value: Any) -> dict[str, Any]:
    """Return a record's fields by name, `translation.en` for one in another; a list's by number."""
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value, 1)}
    fields: dict[str, Any] = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, dict):
            fields |= {f"{name}.{inner}": text for inner, text in fields_of(item).items()}
        else:
            one = is_texts(item) and len(item) == 1
            fields[name] = item[0] if one else "" if item is None else item
    return fields


def is_texts(item: Any) -> bool:
    """Whether a field holds several texts: translations of the other field."""
    return isinstance(item, list) and bool(item) and all(isinstance(one, str) for one in item)


def first_text(cell: Any) -> Any:
    """Return the text of a field, of several texts the first."""
    return cell[0] if is_texts(cell) else cell
