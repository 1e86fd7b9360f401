"""`seq2seq bench translate`: the speed of a trained model, in batches and sentence by sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from seq2seq.bench.machine import (
    Machine,
    Memory,
    peak_device_memory,
    set_threads,
    synchronize,
)
from seq2seq.bench.spread import Spread
from seq2seq.config import DecodingConfig, revise
from seq2seq.counted import counted
from seq2seq.errors import UserError
from seq2seq.inference.translator import Translator, load
from seq2seq.kernels.precision import precision_used
from seq2seq.machine.device import find_device
from seq2seq.machine.resources import peak_memory, peak_worker_memory
from seq2seq.translation.translation import Translation

Result = TypeVar("Result")

_ALONE = 50  # sentences that are translated one at a time
_WARMUP = 8  # sentences
_WIDTH = 10  # of a figure


class Pass(NamedTuple):
    """All sentences translated once in batches (seconds), and the first ones alone (seconds each).

    A target token is a piece of the translation that is returned, its end counted.
    """

    target_tokens: int
    seconds: float
    alone: list[float]


@dataclass(frozen=True)
class BeamBench:
    """What was found of one beam size; every round translated the same sentences."""

    beam: int
    sentences: int
    rounds: list[Pass]

    @property
    def target_tokens_per_second(self) -> Spread:
        """Of the translations, in batches."""
        return Spread.of(done.target_tokens / done.seconds for done in self.rounds)

    @property
    def sentences_per_second(self) -> Spread:
        """In batches."""
        return Spread.of(self.sentences / done.seconds for done in self.rounds)

    def latency(self, percentile: float) -> float:
        """Return the seconds within which so many per cent of the sentences are done, alone.

        A sentence's time is its median over the rounds.
        """
        times = np.median([done.alone for done in self.rounds], axis=0)
        return float(np.percentile(times, percentile))

    def as_dict(self) -> dict[str, Any]:
        """Return all figures in plain values, seconds and tokens."""
        return {
            "beam": self.beam,
            "target_tokens": self.rounds[0].target_tokens,
            "target_tokens_per_second": self.target_tokens_per_second.as_dict(),
            "sentences_per_second": self.sentences_per_second.as_dict(),
            "latency": {"median": self.latency(50), "p95": self.latency(95)},
        }


@dataclass(frozen=True)
class TranslatingBench:
    """What was found; `load` is in seconds."""

    machine: Machine
    model: str
    batch: int
    sentences: int
    alone: int
    load: Spread
    memory: Memory
    beams: list[BeamBench]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures in plain values."""
        return {
            "machine": self.machine.as_dict(),
            "model": self.model,
            "batch": self.batch,
            "sentences": self.sentences,
            "sentences_alone": self.alone,
            "rounds": len(self.beams[0].rounds),
            "load_seconds": self.load.as_dict(),
            "memory": self.memory.as_dict(),
            "beams": [beam.as_dict() for beam in self.beams],
        }

    def render(self) -> str:
        """Return a page for a person."""
        rounds = counted(len(self.beams[0].rounds), "round")
        head = [
            self.machine.render(),
            self.model,
            f"{rounds} of {self.sentences:,} sentences, {self.batch} at once; "
            "median [lowest, highest]",
            "",
            f"loading s      {self.load.render('.2f', _WIDTH)}  the run's tokenizers and weights",
            f"peak memory    {self.memory.render(_WIDTH)}",
        ]
        return "\n".join([*head, *map(self._beam, self.beams)])

    def _beam(self, bench: BeamBench) -> str:
        name = f"beam {bench.beam}" + (" (greedy)" if bench.beam == 1 else "")
        median, tail = (1000 * bench.latency(percentile) for percentile in (50, 95))
        return "\n".join(
            [
                "",
                name,
                f"target tokens/s{bench.target_tokens_per_second.render(',.0f', _WIDTH)}",
                f"sentences/s    {bench.sentences_per_second.render(',.1f', _WIDTH)}",
                f"one alone, ms  {median:>{_WIDTH},.1f}  the median, 95 % within {tail:,.1f}; "
                f"the first {self.alone}",
            ]
        )


def bench_translating(
    run: Path,
    texts: Sequence[str],
    *,
    beams: Sequence[int],
    rounds: int,
    precision: str | None = None,
    checkpoint: str = "best",
    device: str = "auto",
    threads: int | None = None,
) -> TranslatingBench:
    """Translate `texts`, blank ones left out, with the run's own settings but for those given.

    All beams by turns. Raises UserError if there is nothing to translate.
    """
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise UserError("bench translate: expected sentences, found none")
    set_threads(threads)
    torch_device = find_device(device)
    machine = Machine.now(torch_device)
    before = peak_memory()
    loads: list[float] = []
    for _ in range(rounds):
        seconds, translator = _timed(
            lambda: load(run, checkpoint=checkpoint, device=device), torch_device
        )
        loads.append(seconds)
    changes = {"n_best": 1} if precision is None else {"n_best": 1, "precision": precision}
    options = {beam: revise(translator.options, {**changes, "beam": beam}) for beam in beams}
    for settings in options.values():
        translator.translate(texts[:_WARMUP], settings)
    machine.warn_if_busy()
    passes: dict[int, list[Pass]] = {beam: [] for beam in beams}
    for _ in range(rounds):
        for beam, settings in options.items():
            passes[beam].append(_pass(translator, texts, settings))
    return TranslatingBench(
        machine=replace(
            machine, precision=precision_used(options[beams[0]].precision, torch_device.type)
        ),
        model=f"{run} ({checkpoint})",
        batch=translator.options.batch,
        sentences=len(texts),
        alone=min(_ALONE, len(texts)),
        load=Spread.of(loads),
        memory=Memory(
            before, peak_memory(), peak_device_memory(torch_device), peak_worker_memory()
        ),
        beams=[BeamBench(beam, len(texts), done) for beam, done in passes.items()],
    )


def count_tokens(translations: Sequence[Translation]) -> int:
    """Return how many pieces the best candidates have, with their ends where they were reached."""
    best = (translation.candidates[0] for translation in translations if translation.candidates)
    return sum(len(candidate.log_probs) for candidate in best)


def _pass(translator: Translator, texts: Sequence[str], options: DecodingConfig) -> Pass:
    def timed(chosen: Sequence[str]) -> tuple[float, list[Translation]]:
        return _timed(lambda: translator.translate(chosen, options), translator.device)

    seconds, translations = timed(texts)
    return Pass(count_tokens(translations), seconds, [timed([text])[0] for text in texts[:_ALONE]])


def _timed(work: Callable[[], Result], device: torch.device) -> tuple[float, Result]:
    """The seconds of some work, and what it returns."""
    synchronize(device)
    started = time.perf_counter()
    result = work()
    synchronize(device)
    return time.perf_counter() - started, result
