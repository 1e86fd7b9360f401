"""A user's own Python files, named by `code:` in the configuration, run before a model is built.

Such a file registers what it defines, for example `ATTENTIONS["mine"] = MyUnit`.
"""

import runpy
from collections.abc import Iterable
from pathlib import Path

from seq2seq.errors import UserError

_loaded: set[Path] = set()


def load_code(files: Iterable[str | Path]) -> None:
    """Run each file once a process; UserError naming the file that is missing or fails."""
    for file in files:
        path = Path(file).resolve()
        if path in _loaded:
            continue
        if not path.is_file():
            raise UserError(f"code: no such file {path}")
        try:
            runpy.run_path(str(path))
        except Exception as error:  # whatever the user's code raises
            raise UserError(f"{path}: {type(error).__name__}: {error}") from error
        _loaded.add(path)
