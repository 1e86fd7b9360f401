"""Making sure that what was written has reached the disk."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Have a file, or a folder's list of names, reach the disk (POSIX only)."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
