"""The files that a name stands for, and what to say where none is there."""

from __future__ import annotations

from pathlib import Path

from seq2seq.data.readers.streams import COMPRESSED, check_stream
from seq2seq.errors import UserError, did_you_mean


def candidates(prefix: str, language: str, mark: str) -> list[Path]:
    """Return the files that may be one side of a prefix, the likeliest first."""
    plain = [f"{prefix}.{language}{suffix}" for suffix in ("", *COMPRESSED)]
    sets = [f"{prefix}{middle}.{language}.sgm" for middle in ("", mark)]
    return [Path(name) for name in (*plain, *sets)]


def existing(candidates: list[Path], prefix: str = "") -> Path:
    """Return the first candidate that is there; UserError if it is no file or there is none."""
    for path in candidates:
        check_stream(path)
        if path.exists():
            return path
    first = candidates[0]
    tried = ", ".join(path.name.removeprefix(first.name) for path in candidates[2:])
    tried = f" (nor {candidates[1].name}, {tried})" if tried else ""
    if not first.parent.is_dir():
        raise UserError(
            f"{first}{tried}: no such file: there is no folder {first.parent}{_how_to_get(first)}"
        )
    if prefix and Path(prefix).is_dir():
        raise UserError(f"{first}{tried}: no such file: {prefix} is a folder, not a prefix in it")
    siblings = [path.name for path in first.parent.iterdir() if path.is_file()]
    raise UserError(f"{first}{tried}: no such file{did_you_mean(first.name, siblings)}")


def _how_to_get(path: Path) -> str:
    """The command that would have put `path` there, if it is in the place of a known corpus."""
    from seq2seq.data.download import CORPORA  # needed for these lines alone
    from seq2seq.data.make import command_for

    root, name = path.parent.parent, path.parent.name
    making = command_for(name)
    if root.name != "corpora" or not (making or name in CORPORA):
        return ""
    into = "" if root.resolve() == Path("corpora").resolve() else f" --into {root}"
    if making:
        return f"; make it with: {making}{into}"
    return f"; get it with: seq2seq data get {name}{into}"
