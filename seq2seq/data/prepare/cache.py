"""The cache of prepared corpora: a folder appears whole or not at all.

The name of a folder is a hash of all that decides its content. It is built under another name and
renamed when whole, so that a folder of the right name is complete whenever a build is killed, and
several builds at once do no harm.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from seq2seq.data.prepare.prepared import Prepared
from seq2seq.errors import UserError
from seq2seq.machine.disk import flush

_BUILDING = ".building"
_ABANDONED = 24 * 3600  # seconds


def default_cache() -> Path:
    """Return prepared/ in $SEQ2SEQ_CACHE or ~/.cache/seq2seq."""
    root = os.environ.get("SEQ2SEQ_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "seq2seq") / "prepared"


def build(folder: Path, fill: Callable[[Path], object]) -> None:
    """Make `folder` of what `fill` writes into the folder it is given.

    Raises UserError if the cache can't be written, and what `fill` raises; nothing is left then.
    """
    try:
        _sweep(folder.parent)
        building = _beside(folder)
        building.mkdir(parents=True)
        try:
            fill(building)
            _sync(building)
            publish(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"{folder.parent}: the prepared data cannot be written here: {error.strerror or error}"
        ) from None


def publish(building: Path, folder: Path) -> None:
    """Rename `building` to `folder`, unless another process was quicker."""
    if folder.exists():
        try:
            Prepared.load(folder)
        except UserError:  # damaged: put it out of the way, where a sweep will find it
            with suppress(FileNotFoundError):  # unless another process just did
                folder.rename(_beside(folder))
        else:
            return
    try:
        building.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    flush(folder.parent)


def _beside(folder: Path) -> Path:
    """A new name beside the folder, for one that is being built or is damaged."""
    return folder.with_name(f".{folder.name}.{uuid4().hex}{_BUILDING}")


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        flush(path)
    flush(folder)


def _sweep(cache: Path) -> None:
    """Remove the unfinished folders of builds that were killed a day or more ago."""
    for path in cache.glob(f".*{_BUILDING}"):
        try:
            abandoned = time.time() - path.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue
        if abandoned:
            shutil.rmtree(path, ignore_errors=True)
