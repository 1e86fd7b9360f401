"""A mistake in a configuration as one line: where it was set, what was expected and found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError

from seq2seq.config.tree import Key, has_kind, is_part, kinds_of
from seq2seq.errors import did_you_mean, shortened


class Origins(dict[Key, str]):
    """Where each key was set: `file:line`, or the override as it was written."""

    def __init__(self, places: Mapping[Key, str] | None = None) -> None:
        super().__init__(places or {})
        self.idle: set[Key] = set()  # set, but without effect because of another setting

    def note_bare_kind(self, key: Key, value: object) -> None:
        """Note the origin of `value` for the key `kind` too, if `value` is a bare kind."""
        if isinstance(value, str) and has_kind(key):
            kind = (*key, "kind")
            self[kind] = self[key]

    def of(self, key: Key) -> str:
        """The origin of `key`, or else of a key in it, or else of its nearest parent with one."""
        if key in self:
            return self[key]
        below = (origin for inner, origin in self.items() if key and inner[: len(key)] == key)
        above = (self[key[:length]] for length in range(len(key), 0, -1) if key[:length] in self)
        return next(below, next(above, ""))


def _key_at(model: type[BaseModel], place: Iterable[int | str]) -> tuple[Key, list[str]]:
    """The key that pydantic's `place` is in, and the names of the settings there.

    The place continues below the key: with the member of a union, the index in a list.
    """
    key: list[str] = []
    names: list[str] = []
    for item in map(str, place):
        key.append(item)
        names = list(model.model_fields)
        field = model.model_fields.get(item)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return tuple(key), names


def _meant_beside(model: type[BaseModel], key: Key, found: object) -> str:
    """A hint at a setting beside `key` that allows the value given for `key`."""
    for name in key[:-1]:
        kinds = kinds_of(model.model_fields[name].annotation)
        model = next(kind for kind in kinds if is_part(kind))
    takers = (n for n, f in model.model_fields.items() if found in get_args(f.annotation))
    return next((f" (did you mean {'.'.join((*key[:-1], name))}?)" for name in takers), "")


def explain(error: ValidationError, model: type[BaseModel], origins: Origins) -> str:
    """One line for the first mistake: where it was set, what was expected, what was found."""
    first = error.errors()[0]
    key, names = _key_at(model, first["loc"])
    found, origin = first["input"], origins.of(key)
    where = ": ".join(part for part in (origin, ".".join(key)) if part)
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(key[-1], names)
        return ": ".join(part for part in (origin, f"unknown key {'.'.join(key)!r}{hint}") if part)
    if first["type"] == "literal_error":
        choices = first["ctx"]["expected"]
        hint = did_you_mean(str(found), re.findall(r"'([^']+)'", choices))
        hint = hint or _meant_beside(model, key, found)
        return f"{where}: expected {choices}, found {shortened(repr(found))}{hint}"
    if first["type"] == "value_error":
        return ": ".join(
            part for part in (where, shortened(str(first["ctx"]["error"]), 500)) if part
        )
    if first["type"] == "model_type":
        return f"{where}: expected a mapping of settings, found {shortened(repr(found))}"
    if first["type"] == "missing":
        return f"{where}: expected more values, found {shortened(repr(found))}"
    # "Input should be a valid integer, unable to parse string as an integer"
    expected = first["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    expected = expected.partition(", unable")[0]
    if first["type"] == "int_parsing_size":
        expected = "integer of fewer digits"
    return f"{where}: expected {expected}, found {shortened(repr(found))}"
