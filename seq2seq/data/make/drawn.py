"""Tasks whose sources are files: pictures, films, recordings, each with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from seq2seq.data.make.contract import Drawing, Example, Task
from seq2seq.errors import UserError
from seq2seq.machine.disk import write_lines


@dataclass(frozen=True, kw_only=True)
class Drawn(Task):
    """A subclass gives `example`, whose `drawing` is what a file holds, and `save`."""

    pairs: ClassVar[int] = 4000
    held_out: ClassVar[int] = 300
    kind: ClassVar[str]
    """Of the sources, as data.source_kind: the ending of the list of files."""

    def save(self, prefix: Path, drawings: Sequence[Drawing]) -> list[str]:
        """Write the files of a split, and return the name of each as seen from the list."""
        raise NotImplementedError

    def write(self, prefix: Path, examples: Sequence[Example]) -> None:
        """Write the files, PREFIX.KIND, which lists them, PREFIX.en and PREFIX.fr."""
        drawings = [example.drawing for example in examples if example.drawing is not None]
        columns = {
            self.kind: self.save(prefix, drawings),
            "en": [drawing.english for drawing in drawings],
            "fr": [drawing.french for drawing in drawings],
        }
        for ending, lines in columns.items():
            write_lines(prefix.with_name(f"{prefix.name}.{ending}"), lines)


def check_count(task: Task, count: int) -> None:
    """Raise UserError unless a task of one length is asked for that length."""
    for option in ("shortest", "longest"):
        found = getattr(task, option)
        if found != count:
            raise UserError(
                f"--{option} {found}: expected {count}, as every file shows {count} {task.unit}"
            )


def file_names(prefix: Path, count: int, ending: str) -> list[str]:
    """Return a name in a folder beside the list for each file of a split: `train/0007.png`."""
    digits = len(str(count - 1))
    return [f"{prefix.name}/{number:0{digits}}.{ending}" for number in range(count)]
