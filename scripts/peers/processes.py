"""Processes that are measured: how long each took, and how much memory.

As a program, `processes.py REPORT COMMAND...` runs a command and writes what it took to REPORT.
Linux counts what a process had before it became another program, so the measured ones come from
this small one and not from a caller that has loaded a corpus.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A command (words, or what `str` makes words), its own environment, its standard input."""

    command: Sequence[object]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None


@dataclass(frozen=True)
class Done:
    """What came of a job: wall seconds, the most bytes resident, and all that it printed."""

    seconds: float
    peak_memory: int
    out: str
    log: str

    @property
    def lines(self) -> list[str]:
        """All lines that were printed, wherever to."""
        return [*self.log.splitlines(), *self.out.splitlines()]


class JobError(RuntimeError):
    """A command failed; the message has its last lines."""


def run(job: Job, folder: Path) -> Done:
    """Run a job from start to end; what it printed is kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    out, log, report = (folder / name for name in ("out.txt", "log.txt", "report.json"))
    words = [str(word) for word in job.command]
    with open(job.stdin or os.devnull, "rb") as stdin, out.open("wb") as o, log.open("wb") as e:
        status = subprocess.run(
            [sys.executable, "-I", "-S", __file__, str(report), *words],
            stdin=stdin,
            stdout=o,
            stderr=e,
            env={**os.environ, **job.environment},
            check=False,
        ).returncode
    text = log.read_text("utf-8", "replace")
    if status:
        last = "\n".join(text.splitlines()[-15:])
        raise JobError(f"exit status {status} of: {' '.join(words)}\n{last}")
    return Done(**json.loads(report.read_text()), out=out.read_text("utf-8", "replace"), log=text)


def _measure(report: Path, command: list[str]) -> int:
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    report.write_text(json.dumps({"seconds": seconds, "peak_memory": peak}))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_measure(Path(sys.argv[1]), sys.argv[2:]))
