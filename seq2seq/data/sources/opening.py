"""A reader of files, from its kind and options, or as a run keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.config import SourceConfig
from seq2seq.config.options import build
from seq2seq.data.sources.contract import FileReader, Scale
from seq2seq.errors import UserError
from seq2seq.kinds import SOURCES, unknown_kind
from seq2seq.machine.input import parse_json, read_text

KEY = "data.source_kind"


def open_reader(config: SourceConfig) -> FileReader:
    """Return the reader that `config` names, before it has read any training file.

    Raises UserError for an unknown kind or option.
    """
    return _checked(build(SOURCES, config, KEY), KEY)


def read_model(path: Path) -> FileReader:
    """Return the reader that a run kept as its `FileReader.model`; UserError if it is damaged."""
    try:
        value: dict[str, Any] = parse_json(read_text(path))
        kind = value["kind"]
        if kind not in SOURCES:
            raise UserError(f"{path}: {unknown_kind(SOURCES, kind, KEY)}")
        reader = _checked(build(SOURCES, SourceConfig(kind=kind, **value["options"]), KEY), KEY)
        reader.scale = _scale(value["scale"])
        return reader
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: missing or damaged: {error}") from None


def _scale(value: dict[str, Any]) -> Scale:
    means, deviations = (tuple(map(float, value[key])) for key in ("means", "deviations"))
    if value["axes"] not in (1, 2, 3) or not means or len(means) != len(deviations):
        raise ValueError("expected axes, and a mean and a deviation for each channel")
    return Scale(int(value["axes"]), means, deviations)


def _checked(reader: object, where: str) -> FileReader:
    if not isinstance(reader, FileReader):
        raise UserError(f"{where}: expected a reader of files, found {type(reader).__name__}")
    return reader
