"""Corpora that mtdata fetches and unpacks."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

from seq2seq.errors import UserError
from seq2seq.extras import install_hint
from seq2seq.machine.disk import writing

logger = logging.getLogger(__name__)


def run_mtdata(ids: dict[str, str], folder: Path, out: Path) -> None:
    """Have mtdata fetch and unpack the sets, and copy what it wrote to `out` under our names."""
    if importlib.util.find_spec("mtdata") is None:
        raise UserError(f"this corpus needs mtdata: {install_hint('corpora')}")
    command = [sys.executable, "-m", "mtdata", "-no-pb", "get", "-l", "eng-fra", "-o", str(folder)]
    for split, id_ in ids.items():
        command += [f"--{split}", id_]
    command += ["--merge", "--fail", "--drop-dupes", "--drop-tests"]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    assert process.stderr is not None
    last: deque[str] = deque(maxlen=1)
    for line in process.stderr:
        if line.strip():
            logger.info("mtdata: %s", line.strip())
            last.append(line.strip())
    if process.wait():
        raise UserError(f"mtdata could not download {', '.join(ids.values())}: {' '.join(last)}")
    for theirs, ours in (("train", "train"), ("dev", "valid"), ("test1", "test")):
        for language, suffix in (("eng", "en"), ("fra", "fr")):
            with writing(out):
                shutil.copyfile(folder / f"{theirs}.{language}", out / f"{ours}.{suffix}")
