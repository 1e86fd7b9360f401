"""How CTranslate2 does the work: it runs models of ours, and trains none."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.system import MAX_LENGTH, Search, System, Training, Translated

_PROGRAM = Path(__file__).with_name("translate_by_ctranslate2.py")


class CTranslate2(System):
    """CTranslate2: https://github.com/OpenNMT/CTranslate2, with models that `export` wrote."""

    name = "ctranslate2"
    package = "ctranslate2"
    settings = ("transformer",)
    trains: ClassVar[bool] = False

    def train(self, training: Training) -> Job:
        """Refuse: its models are trained by others."""
        raise NotImplementedError

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Refuse, as `train`."""
        raise NotImplementedError

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate lines of pieces to lines of pieces."""
        options = {
            "model": model.folder,
            "beam": search.beam,
            "batch": search.batch,
            "compute": {"fp32": "float32", "int8": "int8"}[search.precision],
            "threads": self.threads,
            "longest": MAX_LENGTH,
        }
        flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        # -I: or `import ctranslate2` there would find this file
        command = [self._program("python"), "-I", _PROGRAM, *flags]
        return Job(command, self._environment(), self.work.source_pieces(part))

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its figure, and count the pieces that it printed."""
        seconds = logs.ctranslate2_seconds(done.lines)
        return Translated(logs.output_tokens(done.out.splitlines()), seconds)
