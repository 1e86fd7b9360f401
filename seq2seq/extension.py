"""Python files that `code:` names, run before a model is built, and whose code may run.

Such a file registers what it defines, for example `ATTENTIONS["mine"] = MyUnit`. A file that comes
with a run may be anybody's: it runs if this user has trained with the same bytes before, or says
`--trust-code`. docs/security.md has the rule for every command.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from seq2seq.errors import UserError
from seq2seq.kinds import TABLES
from seq2seq.machine.input import check_file

logger = logging.getLogger(__name__)

_loaded: dict[tuple[Path, str], list[dict[str, Any]]] = {}
_OF_A_RUN = ("checkpoints", "tokenizer", "data.json")  # beside its config.yaml


def load_code(files: Iterable[str | Path], *, level: int = logging.INFO) -> None:
    """Run each file once a process, as it stands, and say so; the caller knows it to be trusted.

    Of a file that has run already, the kinds that it made have their names again, whatever other
    files have made of them since. Raises UserError naming the file that is missing or fails.
    """
    for path, content in _read(files):
        _load(path, content, level)


def load_known_code(files: Iterable[str | Path]) -> None:
    """Do the same with code that may be a stranger's; UserError naming what isn't trusted."""
    read = _read(files)  # once: what is checked is what runs
    _check_known(read)
    for path, content in read:
        _load(path, content, logging.INFO)


def check_known(files: Iterable[str | Path]) -> None:
    """Raise the UserError that `load_known_code` would, without running anything."""
    _check_known(_read(files))


def remember_code(files: Iterable[str | Path]) -> None:
    """Note that this user trains with these files: wherever the same bytes come, they may run."""
    new = [(path, _hash(content)) for path, content in _read(files)]
    known = _known()
    if not (new := [(path, found) for path, found in new if found not in known]):
        return
    place = registry()
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(place, "a", encoding="utf-8", opener=_private) as file:
            for path, found in new:  # whole lines of one write each: processes may write at once
                file.write(f"{found}  {str(path)!r}\n")
    except OSError as error:
        logger.warning(
            "%s: cannot be written (%s), so other commands will ask for --trust-code",
            place,
            error.strerror,
        )


def file_that_ended(end: SystemExit) -> Path | None:
    """Return the file of code whose `exit()` raised `end`, if one did."""
    loaded = {str(path): path for path, _ in _loaded}
    trace = end.__traceback__
    while trace is not None:
        if (found := loaded.get(trace.tb_frame.f_code.co_filename)) is not None:
            return found
        trace = trace.tb_next
    return None


def registry() -> Path:
    """Return the file with the hashes of code that this user has trained with, a line each.

    It is in $SEQ2SEQ_STATE, else in seq2seq/ in $XDG_STATE_HOME or ~/.local/state: not in the
    cache, which may be shared and is thrown away.
    """
    if own := os.environ.get("SEQ2SEQ_STATE"):
        return Path(own) / "trusted-code.txt"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "seq2seq" / "trusted-code.txt"


def in_a_run(file: str | Path) -> bool:
    """Return whether a file lies in a run directory, which may come from anywhere."""
    return any(
        (folder / "config.yaml").is_file() and any((folder / part).exists() for part in _OF_A_RUN)
        for folder in Path(os.path.realpath(file)).parents
    )


def _read(files: Iterable[str | Path]) -> list[tuple[Path, bytes]]:
    read = []
    for file in files:
        path = Path(os.path.realpath(file))
        check_file(path, "a file of Python")
        try:
            read.append((path, path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"code: no such file: {path}") from None
        except OSError as error:
            raise UserError(f"code: {path}: cannot be read: {error.strerror}") from None
    return read


def _check_known(read: Iterable[tuple[Path, bytes]]) -> None:
    known = _known()
    for path, content in read:
        found = _hash(content)
        if found not in known and (path, found) not in _loaded:
            raise UserError(
                f"{path}: this code is not run, because you have not trained with it on this "
                "machine; read it, and if you trust it give --trust-code (in Python "
                "trust_code=True)"
            )


def _known() -> set[str]:
    try:
        lines = registry().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("%s: cannot be read, so no code is known: %s", registry(), error)
        return set()
    return {line.partition(" ")[0] for line in lines}


def _load(path: Path, content: bytes, level: int) -> None:
    this = path, _hash(content)
    if this in _loaded:
        for table, made in zip(TABLES, _loaded[this], strict=True):
            table.update(made)
        return
    before = [table.parts for table in TABLES]
    logger.log(level, "runs the code in %s", path)
    try:
        _run(path, content)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code raises, exit() included
        raise UserError(f"{path}: cannot be run: {type(error).__name__}: {error}") from error
    _loaded[this] = [
        {kind: part for kind, part in table.parts.items() if _is_new(part, parts.get(kind))}
        for table, parts in zip(TABLES, before, strict=True)
    ]


def _is_new(part: object, before: object) -> bool:
    """Whether a file has made a part, and not only had one of this package imported."""
    ours = getattr(part, "__module__", "").partition(".")[0] == __name__.partition(".")[0]
    return part is not before and not (before is None and ours)


def _run(path: Path, content: bytes) -> None:
    """Run a file as a module of its own name, because torch.compile looks the module up."""
    module = ModuleType(f"seq2seq_code_{_hash(str(path).encode())[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(content, path, "exec"), module.__dict__)


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
