"""The note beside a split corpus: the request it was made for, to compare when resuming."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file
from seq2seq.machine.input import parse_json, read_text
from seq2seq.planning.request import Request, Text, open_corpus
from seq2seq.runs.finding import UNFINISHED

ORIGIN = "origin.json"
"""The file beside the splits that names the corpus they were made from."""


def write_origin(folder: Path, request: Request, text: Text) -> None:
    """Write the note beside the splits in `folder`."""
    origin = {
        "languages": request.languages,
        "columns": request.columns,
        "files": _hashes(text),
        "minutes": request.minutes,
    }
    (folder / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def is_ours(folder: Path) -> bool:
    """Whether `folder` has a corpus that was split here, or was being split."""
    return (folder / ORIGIN).exists() or (folder / UNFINISHED).exists()


def is_of(folder: Path, request: Request) -> bool:
    """Whether the corpus that is split in `folder`, to the end, is the one of `request`."""
    note = folder / ORIGIN
    return not note.exists() or _read(note, folder).files == _hashes(open_corpus(request))


def check_origin(folder: Path, request: Request) -> None:
    """Refuse to resume the run whose splits are in `folder`, if it began with another request.

    Languages and columns that are not given again are taken from the run.
    """
    run = folder.parent
    origin = _read(folder / ORIGIN, run)
    request = _check_languages(run, origin, request)
    request = _check_columns(run, origin, request)
    if origin.files != _hashes(open_corpus(request)):
        raise UserError(
            f"{run}: cannot be resumed: {' '.join(request.corpus)} is not the corpus that it "
            "began with, or has changed; restore that corpus, or start a new run with --run DIR"
        )
    if request.minutes not in (None, origin.minutes):
        planned = "without it" if origin.minutes is None else f"for {origin.minutes:g} minutes"
        raise UserError(
            f"{run}: cannot change --minutes to {request.minutes:g} when resuming a run planned "
            f"{planned}; leave --minutes out, or set training.max_steps=N and "
            "training.max_minutes=N"
        )


@dataclass(frozen=True)
class _Origin:
    """The note, read."""

    languages: tuple[str, str]
    files: list[str]
    minutes: float | None
    columns: list[int] | None = None
    names_columns: bool = True
    """False for a run of before columns were noted."""


def _read(path: Path, run: Path) -> _Origin:
    if not path.exists():
        raise UserError(
            f"{run}: cannot be resumed from a corpus, as it was started from a configuration; "
            f"resume it with: seq2seq train --resume --run {run}"
        )
    try:
        note = parse_json(read_text(path))
        source, target = note["languages"]
        return _Origin(
            (source, target), note["files"], note["minutes"], note.get("columns"), "columns" in note
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged: {error}") from None


def _check_languages(run: Path, origin: _Origin, request: Request) -> Request:
    """`request` in the languages of the run, unless it says others."""
    source, target = (said or was for said, was in zip(request.said, origin.languages, strict=True))
    request = replace(request, source=source, target=target)
    if origin.languages != request.languages:
        was, now = " to ".join(origin.languages), " to ".join(request.languages)
        raise UserError(
            f"{run}: cannot resume a run that translates {was} with a corpus of {now}; give the "
            "languages of the run, or start a new run with --run DIR"
        )
    return request


def _check_columns(run: Path, origin: _Origin, request: Request) -> Request:
    """`request` with the columns of the run, unless it says others."""
    columns = origin.columns
    if request.columns is None and columns:
        setting = f"data.columns={json.dumps(columns)}"
        request = replace(request, overrides=(*request.overrides, setting))
    if origin.names_columns and request.columns != (columns and tuple(columns)):
        raise UserError(
            f"{run}: cannot change data.columns from {columns} to {list(request.columns or ())} "
            "when resuming; leave it out, or start a new run with --run DIR"
        )
    return request


def _hashes(text: Text) -> list[str]:
    return list(map(hash_file, text.files))
