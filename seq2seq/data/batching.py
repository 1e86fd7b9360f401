"""Pairs of ids -> padded batches of similar length, in an order that only (seed, epoch) decide.

Shapes: B sentences, S source pieces, T target pieces, S and T the longest of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2seq.config import BatchingConfig
from seq2seq.data.dataset import Ids, ParallelDataset
from seq2seq.data.padding import pad
from seq2seq.data.tokenizer import BOS, PAD


@dataclass(frozen=True)
class Batch:
    """Sentence pairs padded on the right with PAD. Lengths stay on the CPU."""

    source_BS: Tensor  # int64, EOS at the end if the model wants one
    source_lengths_B: Tensor  # int64
    inputs_BT: Tensor  # int64, what the decoder is fed: BOS, target
    targets_BT: Tensor  # int64, what it should say: target, EOS
    target_lengths_B: Tensor  # int64, EOS counted
    source_tokens: int  # PAD not counted
    target_tokens: int  # EOS counted, PAD not

    def __len__(self) -> int:
        """The number of sentences, B."""
        return self.source_BS.shape[0]

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`, the lengths still on the CPU."""
        device = torch.device(device)
        return replace(
            self,
            source_BS=send(self.source_BS, device),
            inputs_BT=send(self.inputs_BT, device),
            targets_BT=send(self.targets_BT, device),
        )


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return `tensor` on `device`; to CUDA through pinned memory, so that nobody waits for it."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Position(NamedTuple):
    """Where a run stands in its data: the next batch of an epoch, both from 0, for all ranks."""

    epoch: int = 0
    batch: int = 0


START = Position()


def collate(pairs: Sequence[tuple[Ids, Ids]], *, source_end: bool) -> Batch:
    """Return the batch of `pairs` in their order; `source_end` puts EOS after each source."""
    sources, targets = zip(*pairs, strict=True)
    source_BS, source_lengths_B = pad(sources, end=source_end)
    targets_BT, target_lengths_B = pad(targets, end=True)
    fed_BT = np.roll(targets_BT, 1, axis=1)
    fed_BT[:, 0] = BOS
    real_BT = np.arange(fed_BT.shape[1]) < target_lengths_B[:, None]
    return Batch(
        source_BS=torch.from_numpy(source_BS),
        source_lengths_B=torch.from_numpy(source_lengths_B),
        inputs_BT=torch.from_numpy(np.where(real_BT, fed_BT, PAD)),
        targets_BT=torch.from_numpy(targets_BT),
        target_lengths_B=torch.from_numpy(target_lengths_B),
        source_tokens=int(source_lengths_B.sum()),
        target_tokens=int(target_lengths_B.sum()),
    )


# --- planning ------------------------------------------------------------------------------------


def plan_epoch(
    source_lengths: Ids, target_lengths: Ids, config: BatchingConfig, *, seed: int, epoch: int
) -> list[Ids]:
    """Return the indices of the pairs of each batch of an epoch; each pair is in one batch.

    Lengths [N] are those of the padded batch, EOS counted. A pure function of its arguments:
    shuffle, sort within pools of about `config.pool` batches, cut, shuffle the batches.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(target_lengths))
    pool = config.pool * _typical_size(source_lengths, target_lengths, config)
    batches: list[Ids] = []
    for start in range(0, len(order), pool):
        indices = _by_length(order[start : start + pool], source_lengths, target_lengths)
        batches.extend(_cut(indices, source_lengths, target_lengths, config))
    return [batches[index] for index in random.permutation(len(batches))]


def _typical_size(source_lengths: Ids, target_lengths: Ids, config: BatchingConfig) -> int:
    """How many sentences of mean length make a batch."""
    if config.sentences is not None:
        return config.sentences
    longest = np.maximum(source_lengths, target_lengths)
    return max(1, int(config.tokens / max(1.0, longest.mean()))) if len(longest) else 1


def _by_length(indices: Ids, source_lengths: Ids, target_lengths: Ids) -> Ids:
    """`indices`, stably sorted by target length, then source length."""
    return indices[np.lexsort((source_lengths[indices], target_lengths[indices]))]


def _cut(
    indices: Ids, source_lengths: Ids, target_lengths: Ids, config: BatchingConfig
) -> list[Ids]:
    """Cut `indices`, in their order, into batches as large as `config` allows.

    With `sentences` a batch has so many; else sentences x the longest of either side is at most
    `tokens`, and a pair that is longer than this has a batch to itself.
    """
    longest = np.maximum(source_lengths[indices], target_lengths[indices]).tolist()
    cuts, start, widest = [], 0, 0
    for place, length in enumerate(longest):
        widest = max(widest, length)
        count = place - start + 1
        full = count > config.sentences if config.sentences else count * widest > config.tokens
        if full and count > 1:
            cuts.append(place)
            start, widest = place, length
    return np.split(indices, cuts) if len(indices) else []


# --- iterating -----------------------------------------------------------------------------------


class Batches:
    """An endless iterator of (batch, the position after it), which resumes exactly at a position.

    Each of `world` ranks takes every world-th batch of one global order, and all of them are at the
    same position: it is where the next round starts, so that a run may resume with another `world`.
    """

    def __init__(
        self,
        dataset: ParallelDataset,
        config: BatchingConfig,
        *,
        source_end: bool,
        seed: int,
        position: Position = START,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        assert len(dataset) > 0
        assert 0 <= rank < world
        self._dataset, self._config = dataset, config
        self._source_end, self._seed = source_end, seed
        self._rank, self._world = rank, world
        self._lengths = _padded_lengths(dataset, source_end=source_end)
        self._plans: dict[int, list[Ids]] = {}
        self.position = position

    def __iter__(self) -> Iterator[tuple[Batch, Position]]:
        """Go on from where the last call left off."""
        return self

    def __next__(self) -> tuple[Batch, Position]:
        """Return this rank's next batch and the position of the round after it."""
        mine = self._moved(self.position, self._rank)
        indices = self.plan(mine.epoch)[mine.batch]
        self.position = self._moved(self.position, self._world)
        return _collated(self._dataset, indices, self._source_end), self.position

    def plan(self, epoch: int) -> list[Ids]:
        """The batches of `epoch`, as indices of the dataset's pairs, in their global order."""
        if epoch not in self._plans:
            self._plans = {k: plan for k, plan in self._plans.items() if k >= self.position.epoch}
            self._plans[epoch] = plan_epoch(
                *self._lengths, self._config, seed=self._seed, epoch=epoch
            )
        return self._plans[epoch]

    def largest(self) -> Batch:
        """Return the batch of this epoch with the most pairs of a source and a target place.

        Attention takes memory for each of them.
        """
        sources, targets = self._lengths

        def places(indices: Ids) -> int:
            return len(indices) * int(sources[indices].max()) * int(targets[indices].max())

        indices = max(self.plan(self.position.epoch), key=places)
        return _collated(self._dataset, indices, self._source_end)

    def _moved(self, position: Position, batches: int) -> Position:
        """The position `batches` further on, over the ends of epochs."""
        epoch, batch = position.epoch, position.batch + batches
        while batch >= len(self.plan(epoch)):
            batch -= len(self.plan(epoch))
            epoch += 1
        return Position(epoch, batch)


def in_order(
    dataset: ParallelDataset, config: BatchingConfig, *, source_end: bool
) -> Iterator[tuple[Batch, Ids]]:
    """Yield each pair once, shortest first, with the indices [B] of each batch's pairs."""
    lengths = _padded_lengths(dataset, source_end=source_end)
    for indices in _cut(_by_length(np.arange(len(dataset)), *lengths), *lengths, config):
        yield _collated(dataset, indices, source_end), indices


def _padded_lengths(dataset: ParallelDataset, *, source_end: bool) -> tuple[Ids, Ids]:
    """Source and target lengths [N] as they are in a batch, EOS counted."""
    return dataset.source_lengths + int(source_end), dataset.target_lengths + 1


def _collated(dataset: ParallelDataset, indices: Ids, source_end: bool) -> Batch:
    return collate([dataset[int(index)] for index in indices], source_end=source_end)
