"""`seq2seq bench train`: the speed of a configuration's updates, and the machine's limit for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from seq2seq.bench.limit import Kind, Limit, Times, count_products
from seq2seq.bench.machine import (
    Machine,
    Memory,
    peak_device_memory,
    synchronize,
)
from seq2seq.bench.spread import Spread
from seq2seq.bench.stopwatch import STAGES, Stopwatch
from seq2seq.bench.updates import Tally, Updates
from seq2seq.config import Config
from seq2seq.counted import counted
from seq2seq.data.prepare import prepare
from seq2seq.kernels import products
from seq2seq.kernels.precision import precision_used
from seq2seq.machine.device import find_device
from seq2seq.machine.resources import peak_memory
from seq2seq.machine.threads import use_threads
from seq2seq.model.model import Seq2Seq
from seq2seq.pipeline import describe, describe_model, with_init

_SHOWN = 5  # products
_WIDTH = 10  # of a figure


class Round(NamedTuple):
    """One round of updates, its seconds, and those of each stage."""

    tally: Tally
    seconds: float
    stages: dict[str, float]


@dataclass(frozen=True)
class TrainingBench:
    """What was found; every round made the same updates."""

    machine: Machine
    model: str
    updates: int
    warmup: int
    memory: Memory
    rounds: list[Round]
    times: list[Times]
    limit: Limit
    slowest: list[Kind]
    library: str

    @property
    def tally(self) -> Tally:
        """What was in the batches of a round."""
        return self.rounds[0].tally

    def per_second(self, count: int) -> Spread:
        """Return how many of the `count` things of a round there were a second."""
        return Spread.of(count / each.seconds for each in self.rounds)

    def shares(self) -> dict[str, float]:
        """Return each stage's share of the time of all rounds; they sum to 1."""
        sums = {stage: sum(each.stages.get(stage, 0) for each in self.rounds) for stage in STAGES}
        whole = sum(sums.values())
        return {stage: seconds / whole for stage, seconds in sums.items()}

    def limits(self) -> dict[str, dict[str, Any]]:
        """Return both limits in target tokens a second, and the fraction of each that is reached.

        A fraction is of what was measured in the same round, and so the same weather.
        """
        tokens = self.tally.target_tokens
        found: dict[str, dict[str, Any]] = {}
        for name in Times._fields:
            seconds = [getattr(each, name) for each in self.times]
            found[name] = {
                "target_tokens_per_second": Spread.of(tokens / each for each in seconds),
                "fraction": Spread.of(
                    each / done.seconds for each, done in zip(seconds, self.rounds, strict=True)
                ),
            }
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return all figures in plain values; shares and fractions are of 1."""
        tally, ratio = self.tally, self.limit.onednn_to_torch()
        return {
            "machine": self.machine.as_dict(),
            "model": self.model,
            "updates": self.updates,
            "warmup": self.warmup,
            "rounds": len(self.rounds),
            **tally._asdict(),
            "padding": tally.padding,
            "target_tokens_per_second": self.per_second(tally.target_tokens).as_dict(),
            "source_tokens_per_second": self.per_second(tally.source_tokens).as_dict(),
            "sentences_per_second": self.per_second(tally.sentences).as_dict(),
            "memory": self.memory.as_dict(),
            "stages": self.shares(),
            "flops": self.limit.flops,
            "products": sum(self.limit.counts.values()),
            "covered": self.limit.covered,
            "square_flops_per_second": self.limit.square_rate,
            "limits": {
                name: {key: spread.as_dict() for key, spread in limit.items()}
                for name, limit in self.limits().items()
            },
            "slowest_products": [kind._asdict() for kind in self.slowest],
            "library": self.library,
            "onednn_to_torch": None if ratio is None else ratio.as_dict(),
        }

    def render(self) -> str:
        """Return a page for a person."""
        parts = [self._head(), self._speeds(), self._stages(), self._limits(), self._products()]
        return "\n\n".join(parts)

    def _head(self) -> str:
        rounds = counted(len(self.rounds), "round")
        rounds = f"{rounds} of {self.updates} updates, {self.warmup} before"
        return f"{self.machine.render()}\n{self.model}\n{rounds}; median [lowest, highest]"

    def _speeds(self) -> str:
        tally = self.tally
        rows = {
            "target tokens/s": self.per_second(tally.target_tokens).render(",.0f", _WIDTH),
            "source tokens/s": self.per_second(tally.source_tokens).render(",.0f", _WIDTH),
            "sentences/s": self.per_second(tally.sentences).render(",.1f", _WIDTH),
            "padding": f"{tally.padding:>{_WIDTH}.1%}  of all places, not counted above",
            "peak memory": self.memory.render(_WIDTH),
        }
        return "\n".join(f"{name:<15}{text}" for name, text in rows.items())

    def _stages(self) -> str:
        shares = self.shares()
        rows = [f"  {name:<10}{shares[name]:6.1%}  {held}" for name, held in STAGES.items()]
        return "\n".join(["where the time goes", *rows])

    def _limits(self) -> str:
        size = self.limit.square.operands[0].shape[0]
        meanings = {
            "products": f"the {sum(self.limit.counts.values()):,} matrix products of these updates "
            "and nothing else, each at its own rate",
            "square": f"the same {self.limit.flops / self.updates / 1e9:,.1f} GFLOP an update at "
            f"the {self.limit.square_rate / 1e9:,.0f} GFLOP/s of one product of {size:,} squared",
        }
        lines = ["fraction of the machine's own limit"]
        for name, limit in self.limits().items():
            fraction, tokens = limit["fraction"], limit["target_tokens_per_second"]
            lines.append(
                f"  {name:<10}{fraction.render('.1%', 6)}  of {tokens.median:,.0f} target tokens/s"
            )
            lines.append(f"  {'':<10}{meanings[name]}")
        return "\n".join(lines)

    def _products(self) -> str:
        head = f"{'products that take longest':<28}{'times':>8}{'GFLOP/s':>10}{'share':>8}"
        rows = [
            f"  {kind.product:<26}{kind.times:>8,}{kind.flops_per_second / 1e9:>10,.1f}"
            f"{kind.share:>8.1%}"
            for kind in self.slowest
        ]
        lines = [head, *rows, "  (n: changes from batch to batch)"]
        ratio = self.limit.onednn_to_torch()
        if ratio is not None:
            lines.append(
                f"library: {self.library}; alone, onednn takes {ratio.render('.2f')} times as long "
                "as torch's own (training.products)"
            )
        return "\n".join(lines)


def bench_training(
    config: Config, *, updates: int, warmup: int, rounds: int, threads: int | None = None
) -> TrainingBench:
    """Train `config` on its own data for a while, and keep nothing of it.

    The data are prepared into the cache unless they are there. By turns, so that what else the
    machine does meets both alike, come a round of updates and one of their products. Raises
    UserError where training would.
    """
    device = find_device(config.training.device)
    config = with_init(config)
    describe_model(config)  # loads `code`, and refuses a model that can't be
    use_threads(config.training.threads if threads is None else threads)
    machine = Machine.now(device, precision_used(config.training.precision, device.type))
    torch.manual_seed(config.seed)
    prepared = prepare(config)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    work = Updates(config, prepared, model, device)
    machine.warn_if_busy()
    before = peak_memory()
    work.make(warmup, Stopwatch(device))
    done = [_round(work, updates)]
    memory = Memory(before, peak_memory(), peak_device_memory(device))  # and nothing else's
    limit = Limit(count_products(work, updates), device)
    times = [limit.measure()]
    for _ in range(rounds - 1):
        done.append(_round(work, updates))
        times.append(limit.measure())
    sizes = {size for parameter in model.parameters() for size in parameter.shape}
    slowest = limit.slowest(_SHOWN, sizes)
    return TrainingBench(
        machine,
        describe(model),
        updates,
        warmup,
        memory,
        done,
        times,
        limit,
        slowest,
        products.library(),
    )


def _round(work: Updates, count: int) -> Round:
    work.rewind()
    stopwatch = Stopwatch(work.device)
    synchronize(work.device)
    started = time.perf_counter()
    tally = work.make(count, stopwatch)
    synchronize(work.device)
    return Round(tally, time.perf_counter() - started, stopwatch.seconds())
