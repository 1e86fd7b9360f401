"""A user's own Python files, named by `code:` in the configuration, run before a model is built.

Such a file registers what it defines, for example `ATTENTIONS["mine"] = MyUnit`.
"""

import os
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from seq2seq.errors import UserError
from seq2seq.machine.input import check_file

_loaded: set[Path] = set()


def load_code(files: Iterable[str | Path]) -> None:
    """Run each file once a process; UserError naming the file that is missing or fails."""
    for file in files:
        path = Path(os.path.realpath(file))
        if path in _loaded:
            continue
        check_file(path, "a file of Python")
        if not path.is_file():
            raise UserError(f"code: no such file: {path}")
        try:
            _run(path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the user's code raises, exit() included
            raise UserError(f"{path}: cannot be run: {type(error).__name__}: {error}") from error
        _loaded.add(path)


def _run(path: Path) -> None:
    """Run a file as a module of its own name, because torch.compile looks the module up."""
    module = ModuleType(f"seq2seq_code_{sha256(str(path).encode()).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
