"""`seq2seq bench prepare`: the speed of making a corpus ready for training."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from seq2seq.bench.machine import Machine, Memory
from seq2seq.bench.spread import Spread
from seq2seq.config import Config
from seq2seq.counted import counted
from seq2seq.data.corpus import find_corpus
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.machine.resources import peak_memory

_WIDTH = 10  # of a figure


@dataclass(frozen=True)
class PreparingBench:
    """What was found: `seconds` a round, `text_bytes` of both corpora unpacked, in UTF-8.

    `pairs` are those read, for training and validation; `written` has the bytes of each file.
    """

    machine: Machine
    pairs: int
    text_bytes: int
    seconds: list[float]
    memory: Memory
    written: dict[str, int]

    @property
    def pairs_per_second(self) -> Spread:
        """Pairs read a second, whatever became of them."""
        return Spread.of(self.pairs / each for each in self.seconds)

    @property
    def megabytes_per_second(self) -> Spread:
        """Millions of bytes of text a second."""
        return Spread.of(self.text_bytes / 1e6 / each for each in self.seconds)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures in plain values."""
        return {
            "machine": self.machine.as_dict(),
            "rounds": len(self.seconds),
            "pairs": self.pairs,
            "text_bytes": self.text_bytes,
            "pairs_per_second": self.pairs_per_second.as_dict(),
            "megabytes_per_second": self.megabytes_per_second.as_dict(),
            "memory": self.memory.as_dict(),
            "written": self.written,
        }

    def render(self) -> str:
        """Return a page for a person."""
        total = sum(self.written.values())
        rows = [
            self.machine.render(),
            f"{counted(len(self.seconds), 'round')} of {self.pairs:,} pairs, "
            f"{self.text_bytes / 1e6:,.2f} MB of text; median [lowest, highest]",
            "",
            f"pairs/s        {self.pairs_per_second.render(',.0f', _WIDTH)}",
            f"MB/s           {self.megabytes_per_second.render(',.2f', _WIDTH)}",
            f"peak memory    {self.memory.render(_WIDTH)}",
            f"written, bytes {total:>{_WIDTH},}",
        ]
        return "\n".join(
            rows + [f"{size:>{15 + _WIDTH},}  {name}" for name, size in self.written.items()]
        )


def bench_preparing(config: Config, *, rounds: int) -> PreparingBench:
    """Prepare the corpora of `config` into a fresh folder in $TMPDIR, gone again afterwards.

    Raises UserError where preparing would.
    """
    pairs, size = measure_text(config)
    machine = Machine.now(torch.device("cpu"))
    before = peak_memory()
    seconds: list[float] = []
    for _ in range(rounds):
        with TemporaryDirectory(prefix="seq2seq_bench_") as cache:
            started = time.perf_counter()
            prepared = prepare(config, cache=Path(cache))
            seconds.append(time.perf_counter() - started)
            written = _sizes(prepared.folder)
    machine.warn_if_busy()
    return PreparingBench(machine, pairs, size, seconds, Memory(before, peak_memory()), written)


def measure_text(config: Config) -> tuple[int, int]:
    """Return the pairs of training and validation, and the bytes of their text, ends counted."""
    if not config.data.source_kind.is_text:
        raise UserError(
            "bench prepare measures bytes of text, and sources are files "
            f"({config.data.source_kind.kind})"
        )
    pairs, size = 0, 0
    for spec in (config.data.train, config.data.valid):
        if not spec:
            continue  # `prepare` will say so
        data = config.data
        for pair in find_corpus(spec, data.source, data.target, data.columns).pairs():
            pairs += 1
            size += len(pair.source.encode()) + len(pair.target.encode()) + 2
    return pairs, size


def _sizes(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}
