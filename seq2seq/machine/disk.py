"""Files: writing lines, knowing bytes again, making sure that they have reached the disk."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import UserError
from seq2seq.machine.input import check_file


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name `path` in a UserError where it can't be written: the disk is full, or not ours.

    What fails amid a file, as on a full disk, is an OSError that names none.
    """
    try:
        yield
    except shutil.Error as error:  # of a folder: (from, to, "[Errno 28] No space ...: ...") of each
        _, _, reason = error.args[0][0]
        reason = str(reason).rpartition("] ")[2].partition(":")[0]
        raise UserError(f"{path}: cannot be written: {reason}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file of `lines`, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file of any size."""
    check_file(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Have a file, or a folder's list of names, reach the disk (POSIX only)."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
