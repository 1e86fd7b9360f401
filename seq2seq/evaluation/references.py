"""Reference translations from files: one a line, or any number of them a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from seq2seq.data.corpus import read_lines, read_versions
from seq2seq.errors import UserError
from seq2seq.machine.input import parse_json

Stream: TypeAlias = list["str | None"]
"""A reference of each line, None where the line has fewer."""


def read_references(
    files: Sequence[Path],
    lines: int,
    *,
    language: str = "",
    beside: Sequence[Stream] = (),
    expected: str = "one for each translation",
) -> list[Stream]:
    """Return the streams of `beside`, and then those of `files`, each of which has `lines` lines.

    A file of text is a stream, and so is each version of a test set. Of a .jsonl file (or
    .jsonl.gz) each line is a list of the references of one sentence, or an object that has it under
    the code of the `language`, as in `{"en": "Jump.", "fr": ["Saute.", "Sautez."]}`; one that
    `beside` has already is not taken twice. Raises UserError with the file, and the line, where
    that is not so.
    """
    streams = list(beside)
    for file in files:
        if ".jsonl" in file.suffixes:
            lists = _read_lists(file, language)
            taken = [set(line) for line in zip(*beside, strict=True)] or [set()] * len(lists)
            if len(lists) == len(taken):
                lists = [
                    [r for r in line if r not in t] for line, t in zip(lists, taken, strict=True)
                ]
            found, new = len(lists), [list(stream) for stream in zip_longest(*lists)]
        else:
            new = read_versions(file)
            found = len(new[0])
        if found != lines:
            raise UserError(f"{file}: expected {lines} lines, {expected}, found {found}")
        streams += new
    for number, line in enumerate(zip(*streams, strict=True), 1):
        if all(reference is None for reference in line):
            raise UserError(f"{files[-1]}:{number}: expected at least one reference, found none")
    return streams


def _read_lists(file: Path, language: str) -> list[list[str]]:
    return [
        _references(line, f"{file}:{number}", language)
        for number, line in enumerate(read_lines(file), 1)
    ]


def _references(line: str, where: str, language: str) -> list[str]:
    """The references of one line of JSON."""
    try:
        value = parse_json(line)
    except ValueError:
        raise UserError(f"{where}: not valid JSON: {line[:60]!r}") from None
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        value = value.get(language, lists[0] if len(lists) == 1 else None)
    if isinstance(value, str):
        value = [value]
    if not (isinstance(value, list) and all(isinstance(text, str) for text in value)):
        under = f" under {language!r}" if language else ""
        raise UserError(f"{where}: expected a list of references{under}, found {line[:60]!r}")
    return value
