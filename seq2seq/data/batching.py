"""Pairs of ids -> padded batches of similar length, in an order that only (seed, epoch) decide.

Shapes: B sentences, S source pieces, T target pieces, S and T the longest of the batch.

Processes that train together (ranks) share that order: `Batches` gives each its share of an update.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2seq.config import BatchingConfig
from seq2seq.data.dataset import Ids, ParallelDataset
from seq2seq.data.padding import pad, pad_sources
from seq2seq.data.sampling import SubwordSampling
from seq2seq.data.sources import Rows
from seq2seq.data.tokenizer import BOS, PAD
from seq2seq.errors import UserError


class Size(NamedTuple):
    """What an update, or a batch of it, has to average over."""

    sentences: int
    target_tokens: int  # EOS counted, PAD not


@dataclass(frozen=True)
class Batch:
    """Sentence pairs padded on the right with PAD. Lengths and mask stay on the CPU."""

    source_BS: (
        Tensor  # int64, EOS at the end if the model wants one; of files float32, and (B, S, F)
    )
    source_lengths_B: Tensor  # int64
    inputs_BT: Tensor  # int64, what the decoder is fed: BOS, target
    targets_BT: Tensor  # int64, what it should say: target, EOS
    target_lengths_B: Tensor  # int64, EOS counted
    real_BT: Tensor  # bool, True where a target counts: no padding, and nothing of an empty batch
    source_tokens: int  # PAD not counted
    target_tokens: int  # EOS counted, PAD not

    def __len__(self) -> int:
        """The number of sentences, B."""
        return self.source_BS.shape[0]

    @property
    def size(self) -> Size:
        """What the batch adds to the size of its update."""
        return Size(len(self) if self.target_tokens else 0, self.target_tokens)

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`, lengths and mask still on the CPU."""
        device = torch.device(device)
        return replace(
            self,
            source_BS=send(self.source_BS, device),
            inputs_BT=send(self.inputs_BT, device),
            targets_BT=send(self.targets_BT, device),
        )

    def twice(self) -> Batch:
        """Return the batch with each pair a second time, after all of them."""
        values: dict[str, Any] = {
            name: torch.cat((value, value)) if isinstance(value, Tensor) else 2 * value
            for name, value in vars(self).items()
        }
        return Batch(**values)

    def emptied(self) -> Batch:
        """Return the batch with no target that counts: its loss and all its gradients are 0.

        A rank that has no sentences for an update trains on such a batch, since all ranks must take
        part in every sum of gradients.
        """
        return replace(
            self, real_BT=torch.zeros_like(self.real_BT), source_tokens=0, target_tokens=0
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


class Share(NamedTuple):
    """What one rank reads for an update."""

    batches: list[Batch]
    size: Size
    """The size of the whole update, over all ranks."""
    position: Position
    """Where the next update begins."""


def as_source(ids: Sequence[int] | Rows) -> npt.NDArray[Any]:
    """Return a source as `collate` takes it: an array of ids, or rows of features as they are."""
    return ids if isinstance(ids, np.ndarray) else np.asarray(ids, np.int64)


def collate(pairs: Sequence[tuple[npt.NDArray[Any], Ids]], *, source_end: bool) -> Batch:
    """Return the batch of `pairs` in their order; `source_end` puts EOS after each source."""
    sources, targets = zip(*pairs, strict=True)
    source_BS, source_lengths_B = pad_sources(sources, end=source_end)
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
        real_BT=torch.from_numpy(real_BT),
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


def check_shares(accumulate: int, world: int) -> None:
    """Raise UserError unless the batches of an update can be shared evenly among `world` ranks."""
    if accumulate % world and world % accumulate:
        raise UserError(
            f"training.accumulate: expected a divisor or a multiple of {world}, the number of "
            f"processes, found {accumulate}; start {accumulate} processes, or set "
            f"training.accumulate={world * -(-accumulate // world)} for larger updates"
        )


def parts_of_batch(accumulate: int, world: int) -> int:
    """Return into how many parts each batch is cut, so that `world` ranks have one part at least.

    The update stays the same however many ranks there are: its sentences, and with them the
    learning rate that suits it.
    """
    return max(1, world // accumulate)


def describe_shares(accumulate: int, world: int) -> str:
    """Return in one line what each of `world` ranks reads for an update."""
    if accumulate >= world:
        share = f"{accumulate // world} of the {accumulate} batches of each update"
    else:
        share = f"one of the {world // accumulate} parts that each batch is cut into"
    return f"{world} processes train together; each takes {share}, so that updates stay the same"


class _Epoch(NamedTuple):
    """The pairs of an epoch, and the batches that they make."""

    dataset: ParallelDataset
    target_lengths: Ids
    """As they are in a batch, EOS counted."""
    plan: list[Ids]


class Batches:
    """An endless iterator of what a rank reads for each update, which resumes at any position.

    An update takes the next `accumulate` batches of one global order, whatever the number of ranks.
    Each of `world` ranks takes every world-th batch of them. If there are more ranks than batches,
    each batch is first cut into parts of like lengths: every second sentence, or every third.
    """

    def __init__(
        self,
        dataset: ParallelDataset,
        config: BatchingConfig,
        *,
        source_end: bool,
        seed: int,
        accumulate: int = 1,
        position: Position = START,
        rank: int = 0,
        world: int = 1,
        sampling: SubwordSampling | None = None,
    ) -> None:
        """Start at `position`; raise UserError where the ranks cannot share an update evenly.

        With `sampling` each epoch has the pairs that it draws.
        """
        assert len(dataset) > 0
        assert 0 <= rank < world
        check_shares(accumulate, world)
        self._dataset, self._config = dataset, config
        self._source_end, self._seed, self._sampling = source_end, seed, sampling
        self._accumulate, self._rank, self._world = accumulate, rank, world
        self._parts = parts_of_batch(accumulate, world)
        self._epochs: dict[int, _Epoch] = {}
        self.position = position

    def __iter__(self) -> Iterator[Share]:
        """Go on from where the last call left off."""
        return self

    def __next__(self) -> Share:
        """Return this rank's share of the next update."""
        places = [self._moved(self.position, number) for number in range(self._accumulate)]
        epochs = [self._epoch(place.epoch) for place in places]
        batches = [epoch.plan[place.batch] for epoch, place in zip(epochs, places, strict=True)]
        self.position = self._moved(self.position, self._accumulate)
        tokens = sum(
            int(epoch.target_lengths[batch].sum())
            for epoch, batch in zip(epochs, batches, strict=True)
        )
        size = Size(sum(map(len, batches)), tokens)
        parts = [
            (epoch.dataset, batch, number)
            for epoch, batch in zip(epochs, batches, strict=True)
            for number in range(self._parts)
        ]
        mine = [self._part(*part) for part in parts[self._rank :: self._world]]
        return Share(mine, size, self.position)

    def _part(self, dataset: ParallelDataset, indices: Ids, number: int) -> Batch:
        """A part of the batch of `indices`; an emptied one if the batch has too few sentences."""
        part = indices[number :: self._parts]
        if len(part):
            return _collated(dataset, part, self._source_end)
        return _collated(dataset, indices[:1], self._source_end).emptied()

    def plan(self, epoch: int) -> list[Ids]:
        """The batches of `epoch`, as indices of the dataset's pairs, in their global order."""
        return self._epoch(epoch).plan

    def _epoch(self, number: int) -> _Epoch:
        if number not in self._epochs:
            self._epochs = {k: e for k, e in self._epochs.items() if k >= self.position.epoch}
            dataset = self._dataset
            if self._sampling is not None:
                dataset = self._sampling.draw(dataset, seed=self._seed, epoch=number)
            lengths = _padded_lengths(dataset, source_end=self._source_end)
            plan = plan_epoch(*lengths, self._config, seed=self._seed, epoch=number)
            self._epochs[number] = _Epoch(dataset, lengths[1], plan)
        return self._epochs[number]

    def largest(self) -> Batch:
        """Return what a rank gets of this epoch's batch with the most pairs of positions.

        Attention takes memory for each pair of a source and a target position.
        """
        dataset, targets, plan = self._epoch(self.position.epoch)
        sources, _ = _padded_lengths(dataset, source_end=self._source_end)

        def places(indices: Ids) -> int:
            return len(indices) * int(sources[indices].max()) * int(targets[indices].max())

        indices = max(plan, key=places)
        return _collated(dataset, indices[:: self._parts], self._source_end)

    def _moved(self, position: Position, batches: int) -> Position:
        """The position `batches` further on, over the ends of epochs."""
        epoch, batch = position.epoch, position.batch + batches
        while batch >= len(self.plan(epoch)):
            batch -= len(self.plan(epoch))
            epoch += 1
        return Position(epoch, batch)


def in_order(
    dataset: ParallelDataset,
    config: BatchingConfig,
    *,
    source_end: bool,
    rank: int = 0,
    world: int = 1,
) -> Iterator[tuple[Batch, Ids]]:
    """Yield each pair once, shortest first, with the indices [B] of each batch's pairs.

    Each of `world` ranks gets every world-th batch.
    """
    lengths = _padded_lengths(dataset, source_end=source_end)
    batches = _cut(_by_length(np.arange(len(dataset)), *lengths), *lengths, config)
    for indices in batches[rank::world]:
        yield _collated(dataset, indices, source_end), indices


def _padded_lengths(dataset: ParallelDataset, *, source_end: bool) -> tuple[Ids, Ids]:
    """Source and target lengths [N] as they are in a batch, EOS counted."""
    return dataset.source_lengths + int(source_end), dataset.target_lengths + 1


def _collated(dataset: ParallelDataset, indices: Ids, source_end: bool) -> Batch:
    return collate([dataset[int(index)] for index in indices], source_end=source_end)
