"""What is asked of every system: how it is told to train and translate, how its answer is read.

Each is as near to configs/bench/SETTING.yaml as its options come; docs/performance.md says what
differs.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.work import Work
from seq2seq.errors import UserError

BATCH = 64  # sentences
MAX_LENGTH = 100  # target pieces of a translation
RECIPES = Path(__file__).parents[2] / "configs" / "bench"


class Training(NamedTuple):
    """What is to be trained, into `folder`: a `part` of the work, `window` updates a log line."""

    setting: str
    part: str
    updates: int
    window: int
    seed: int
    folder: Path


class Search(NamedTuple):
    """How to translate; a beam of 1 is greedy search."""

    beam: int
    batch: int = BATCH
    precision: str = "fp32"  # ours and CTranslate2 have others


class Translated(NamedTuple):
    """What translating gave: output tokens, ends counted, and seconds without the start."""

    tokens: int
    seconds: float


@dataclass(frozen=True)
class System(ABC):
    """A system in an environment of its own under `home`, on `threads` of the processor."""

    home: Path
    work: Work
    threads: int

    name: ClassVar[str]
    package: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]
    trains: ClassVar[bool] = True
    """False for an engine that only translates, with models of ours."""

    def version(self) -> str:
        """Return the version of the package in the system's environment."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        command = [str(self._program("python")), "-c", code]
        try:
            return subprocess.check_output(command, text=True).strip()
        except (OSError, subprocess.CalledProcessError):
            raise UserError(
                f"{command[0]}: expected {self.package}, found none; scripts/bench_peers.sh "
                "installs it, --home says where"
            ) from None

    @abstractmethod
    def train(self, training: Training) -> Job:
        """Return the job that trains, its files written."""

    @abstractmethod
    def windows(self, training: Training, done: Done) -> list[Window]:
        """Return what the system says of the training's speed."""

    @abstractmethod
    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Return the job that translates a part, `test` or `one`, with what was trained."""

    @abstractmethod
    def translated(self, model: Training, done: Done) -> Translated:
        """Return what translating `test` gave."""

    def _environment(self, **others: str) -> dict[str, str]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        return {**threads, **others}

    def _program(self, name: str) -> Path:
        return self.home / f"{self.name}.venv" / "bin" / name
