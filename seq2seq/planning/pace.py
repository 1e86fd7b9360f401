"""How fast this machine trains a model: a few updates and a little decoding, on the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import NamedTuple

import torch

from seq2seq.bench.machine import synchronize
from seq2seq.bench.stopwatch import Stopwatch
from seq2seq.bench.updates import Updates
from seq2seq.config import Config, revise
from seq2seq.data.batching import Batches
from seq2seq.data.prepare import Prepared
from seq2seq.inference.translator import Translator
from seq2seq.kernels.precision import multiplies_bf16
from seq2seq.machine.device import find_device
from seq2seq.model.model import Seq2Seq
from seq2seq.planning.schedule import Pace
from seq2seq.translation.texts import TextSettings

_FASTER = 1.1  # more threads, or bf16, must bring so much to be chosen
_TRIED = 0.7  # seconds that each number of threads, and each precision, is tried for
_MEASURED = 3.0  # seconds that the choice is measured for
_WARM = 3  # updates before the clock starts, of which the first may take seconds ...
_WARM_SECONDS = 2.0  # ... and no more once they took so long
_DECODED = 64  # validation sentences that are translated
_FORWARD = 0.35  # the share of an update's time that the loss alone takes
_SAVING = 0.5  # seconds: writing a checkpoint, choosing samples
_OVERHEAD = 1.04  # of training over bare updates: logging, limits, signals


class MachineSettings(NamedTuple):
    """The fastest way to compute that was found here, and its pace."""

    threads: int | None
    """CPU threads; None on another device."""
    precision: str
    pace: Pace
    tried: dict[str, float]
    """What was tried -> seconds an update."""


def measure_pace(config: Config, prepared: Prepared, *, free: Collection[str]) -> MachineSettings:
    """Return the pace of `config` with the threads and the precision that are fastest.

    `free` names which of `threads` and `precision` the configuration leaves open.
    """
    device = find_device(config.training.device)
    usual = torch.get_num_threads()
    tried: dict[str, float] = {}
    if device.type == "cpu" and "threads" in free:
        config = _fastest(config, "threads", _thread_counts(usual), prepared, device, tried)
    if "precision" in free and multiplies_bf16(device.type):
        config = _fastest(config, "precision", ["fp32", "bf16"], prepared, device, tried)
    update = _OVERHEAD * _time_updates(config, prepared, device, _MEASURED)
    validation = _time_validation(config, prepared, device, update)
    torch.set_num_threads(usual)
    threads = config.training.threads if device.type == "cpu" else None
    return MachineSettings(threads, config.training.precision, Pace(update, validation), tried)


def batches_an_epoch(config: Config, prepared: Prepared) -> int:
    """Return how many updates a pass over the corpus takes."""
    return -(-len(_batches(config, prepared).plan(0)) // config.training.accumulate)


def _batches(config: Config, prepared: Prepared) -> Batches:
    source_end = config.tokenizer.source_end
    return Batches(prepared.train, config.batching, source_end=source_end, seed=config.seed)


def _thread_counts(most: int) -> list[int]:
    """1, 2, 4, ... and `most` itself."""
    return [*(2**power for power in range(most.bit_length()) if 2**power < most), most]


def _fastest(
    config: Config,
    key: str,
    values: list[int] | list[str],
    prepared: Prepared,
    device: torch.device,
    tried: dict[str, float],
) -> Config:
    """`config` with the value of `training.key` that is fastest; a later one must earn it."""
    if len(values) == 1:
        return _with(config, key, values[0])
    best, best_seconds = config, float("inf")
    for value in values:
        changed = _with(config, key, value)
        seconds = _time_updates(changed, prepared, device, _TRIED)
        name = f"{value} thread{'s' if value != 1 else ''}" if key == "threads" else str(value)
        tried[name] = seconds
        if seconds * _FASTER < best_seconds:
            best, best_seconds = changed, seconds
    return best


def _with(config: Config, key: str, value: int | str) -> Config:
    return config.model_copy(update={"training": revise(config.training, {key: value})})


def _time_updates(
    config: Config, prepared: Prepared, device: torch.device, seconds: float
) -> float:
    """Seconds an update takes, from as many as fit into so many `seconds`, warmed up."""
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    torch.manual_seed(config.seed)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    work = Updates(config, prepared, model, device)
    _make_updates(work, _WARM_SECONDS, most=_WARM)
    return _make_updates(work, seconds)


def _make_updates(work: Updates, seconds: float, *, most: float = math.inf) -> float:
    """Make updates for so many `seconds`, at least one and at most `most`; seconds each took."""
    stopwatch = Stopwatch(work.device)
    started, made, spent = time.perf_counter(), 0, 0.0
    while not made or (made < most and spent < seconds):
        work.make(1, stopwatch)
        synchronize(work.device)
        made, spent = made + 1, time.perf_counter() - started
    return spent / made


def _time_validation(
    config: Config, prepared: Prepared, device: torch.device, update: float
) -> float:
    """Seconds a validation takes once the translations have about their right length."""
    sources = prepared.valid_source[:_DECODED]
    length = min(config.decoding.max_length, round(float(prepared.valid.target_lengths.mean())) + 1)
    greedy = revise(
        config.decoding,
        {
            "beam": 1,
            "n_best": 1,
            "sample": False,
            "workers": 1,
            "min_length": length - 1,
            "max_length": length,
            "max_ratio": 1000.0,
        },
    )
    translator = Translator(
        [Seq2Seq(config.model, *prepared.tokenizers.sizes)],
        prepared.tokenizers,
        TextSettings.of(config, options=greedy),
        device=device,
    )
    started = time.perf_counter()
    for _ in translator.stream(sources):
        pass
    decoding = (time.perf_counter() - started) * len(prepared.valid_source) / len(sources)
    batches = int(prepared.valid.target_lengths.sum()) / config.batching.tokens
    return decoding + _FORWARD * update * batches + _SAVING
