"""How fast training could be if its matrix products were all it did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from statistics import median
from typing import NamedTuple

import torch

from seq2seq.bench.products import (
    Product,
    Recorder,
    dominant,
    seconds_each,
    square,
    total_flops,
)
from seq2seq.bench.spread import Spread
from seq2seq.bench.updates import Updates

_SHARE = 0.98  # of the arithmetic whose products are timed; the rest is taken to go at their rate
_SIDE, _SIDE_CUDA = 1024, 8192  # of the square product: large enough to fill the device


class Times(NamedTuple):
    """Seconds of one round: of all products, each at its own rate, and of all at the square's."""

    products: float
    square: float


class Kind(NamedTuple):
    """Products of one shape: how many, at what rate, and their share of the time of all."""

    product: str
    times: int
    flops_per_second: float
    share: float


class Limit:
    """The products of some updates, timed as often as asked.

    The products are those that the model computes now, on batches padded as they are: a model that
    joined several into one would have another limit. The square's holds for any.
    """

    def __init__(self, counts: Mapping[Product, int], device: torch.device) -> None:
        self.counts = counts
        self.device = device
        self.flops = total_flops(counts)
        self.timed = dominant(counts, _SHARE)
        self.covered = total_flops({each: counts[each] for each in self.timed}) / self.flops
        self.square = square(
            _SIDE_CUDA if device.type == "cuda" else _SIDE, self.timed[0].operands[0].dtype
        )
        self._seconds: dict[Product, list[float]] = {each: [] for each in self.timed}
        self._square_seconds: list[float] = []
        self._libraries: list[tuple[float, float]] = []  # torch, onednn: seconds of a round

    def measure(self) -> Times:
        """Time each product once more."""
        torch_seconds = onednn_seconds = 0.0
        for each, seconds in zip(self.timed, seconds_each(self.timed, self.device), strict=True):
            self._seconds[each].append(min(seconds.values()))
            if "onednn" in seconds:
                torch_seconds += self.counts[each] * seconds["torch"]
                onednn_seconds += self.counts[each] * seconds["onednn"]
        self._libraries.append((torch_seconds, onednn_seconds))
        (square,) = seconds_each([self.square], self.device)
        self._square_seconds.append(min(square.values()))
        timed = sum(self.counts[each] * self._seconds[each][-1] for each in self.timed)
        return Times(
            timed / self.covered, self.flops * self._square_seconds[-1] / self.square.flops
        )

    def onednn_to_torch(self) -> Spread | None:
        """Return how long oneDNN takes for what both libraries can compute, torch's taken as 1.

        torch's library is MKL in its builds for x86. None where oneDNN computes nothing.
        """
        pairs = [(theirs, ours) for theirs, ours in self._libraries if ours]
        return Spread.of(ours / theirs for theirs, ours in pairs) if pairs else None

    @property
    def square_rate(self) -> float:
        """Floating-point operations a second of the square product, the median."""
        return self.square.flops / median(self._square_seconds)

    def slowest(self, count: int, sizes: Collection[int]) -> list[Kind]:
        """Return the kinds of product that take longest, sizes that are not of `sizes` alike."""
        sums: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
        for each, seconds in self._seconds.items():
            times = self.counts[each]
            values = (times, times * each.flops, times * median(seconds))
            kind = each.render(sizes)
            sums[kind] = [sum(pair) for pair in zip(sums[kind], values, strict=True)]
        whole = sum(seconds for *_, seconds in sums.values())
        kinds = (
            Kind(name, int(times), flops / seconds, seconds / whole)
            for name, (times, flops, seconds) in sums.items()
        )
        return sorted(kinds, key=lambda kind: kind.share, reverse=True)[:count]


def count_products(updates: Updates, count: int) -> Counter[Product]:
    """Return the products of the first so many updates, forward and backward; none is applied."""
    updates.rewind()
    with Recorder() as recorder:
        for _ in range(count):
            updates.update.backward(updates.read())
            updates.update.optimizer.zero_grad()
    return recorder.counts
