"""Batches against arithmetic on paper and counts over whole epochs."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.config import BatchingConfig
from seq2seq.data.batching import (
    Batch,
    Batches,
    Position,
    Share,
    collate,
    in_order,
    plan_epoch,
)
from seq2seq.data.dataset import DatasetWriter, Ids, ParallelDataset
from seq2seq.errors import UserError

COUNT = 157
random = np.random.default_rng(3)
SOURCES, TARGETS = random.integers(1, 30, (2, COUNT))
TOKENS = BatchingConfig(tokens=100, pool=3)
SENTENCES = BatchingConfig(tokens=1, sentences=8, pool=3)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> ParallelDataset:
    folder = tmp_path_factory.mktemp("dataset")
    with DatasetWriter(folder, "train", source_vocabulary=500, target_vocabulary=500) as writer:
        for index, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
            writer.add([index + 4] * source, [index + 4] * target)
    return ParallelDataset(folder, "train")


def members(batch: Batch) -> list[int]:
    """Which pairs of the dataset a batch holds."""
    return [first - 4 for first in batch.source_BS[:, 0].tolist()]


def same(left: Batch, right: Batch) -> bool:
    return members(left) == members(right) and torch.equal(left.targets_BT, right.targets_BT)


def test_a_batch_is_padded_shifted_and_counted() -> None:
    pairs = [(np.array([7, 8, 9]), np.array([5])), (np.array([6]), np.array([4, 5]))]
    batch = collate(pairs, source_end=True)
    assert batch.source_BS.tolist() == [[7, 8, 9, 3], [6, 3, 0, 0]]
    assert batch.inputs_BT.tolist() == [[2, 5, 0], [2, 4, 5]]
    assert batch.targets_BT.tolist() == [[5, 3, 0], [4, 5, 3]]
    assert batch.source_lengths_B.tolist() == [4, 2]
    assert batch.target_lengths_B.tolist() == [2, 3]
    assert batch.real_BT.tolist() == [[True, True, False], [True, True, True]]
    assert (batch.source_tokens, batch.target_tokens, len(batch)) == (6, 5, 2)
    assert all(
        ids.dtype == torch.int64 for ids in (batch.source_BS, batch.inputs_BT, batch.targets_BT)
    )


def test_a_source_has_an_end_only_if_it_is_asked_for() -> None:
    batch = collate([(np.array([7, 8]), np.array([5]))], source_end=False)
    assert batch.source_BS.tolist() == [[7, 8]]
    assert batch.source_lengths_B.tolist() == [2]


def test_a_moved_batch_leaves_its_lengths_on_the_cpu() -> None:
    batch = collate([(np.array([7, 8]), np.array([5]))], source_end=False).to("meta")
    assert batch.source_BS.is_meta
    assert batch.inputs_BT.is_meta
    assert batch.targets_BT.is_meta
    assert batch.source_lengths_B.tolist() == [2]
    assert batch.target_lengths_B.tolist() == [2]
    assert (batch.source_tokens, batch.target_tokens) == (2, 2)


@pytest.mark.parametrize("config", [TOKENS, SENTENCES])
def test_an_epoch_holds_every_pair_once(config: BatchingConfig) -> None:
    plan = plan_epoch(SOURCES, TARGETS, config, seed=1, epoch=0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(COUNT))


def padded_size(batch: Ids) -> int:
    return len(batch) * int(max(SOURCES[batch].max(), TARGETS[batch].max()))


def test_no_batch_is_larger_than_its_budget_on_either_side() -> None:
    plan = plan_epoch(SOURCES, TARGETS, TOKENS, seed=1, epoch=0)
    assert max(map(padded_size, plan)) <= 100
    assert np.mean([padded_size(batch) for batch in plan]) > 60


def test_a_number_of_sentences_rules_alone() -> None:
    sizes = [len(batch) for batch in plan_epoch(SOURCES, TARGETS, SENTENCES, seed=1, epoch=0)]
    assert sorted(sizes) == [COUNT % 8] + [8] * (COUNT // 8)


def test_a_pair_longer_than_the_budget_has_a_batch_to_itself() -> None:
    sources, targets = SOURCES.copy(), TARGETS.copy()
    sources[10], targets[20] = 400, 500
    plan = plan_epoch(sources, targets, TOKENS, seed=1, epoch=0)
    alone = [batch.tolist() for batch in plan if {10, 20} & set(batch.tolist())]
    assert sorted(alone) == [[10], [20]]


def test_a_pool_of_the_whole_epoch_pads_least() -> None:
    def padding(pool: int) -> int:
        config = BatchingConfig(tokens=100, pool=pool)
        plan = plan_epoch(SOURCES, TARGETS, config, seed=1, epoch=0)
        return sum(len(batch) * int(TARGETS[batch].max()) for batch in plan)

    assert padding(1000) < padding(1)


def test_an_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        plan = plan_epoch(SOURCES, TARGETS, TOKENS, seed=seed, epoch=epoch)
        return [batch.tolist() for batch in plan]

    assert order(1, 0) == order(1, 0)
    assert len({str(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1, 2)}) == 6


def stream(dataset: ParallelDataset, count: int, **start: Any) -> list[tuple[Batch, Position]]:
    epoch, batch = start.pop("epoch", 0), start.pop("batch", 0)
    batches = Batches(
        dataset, TOKENS, source_end=True, seed=1, position=Position(epoch, batch), **start
    )
    return [(share.batches[0], share.position) for share in islice(batches, count)]


def test_a_run_resumed_at_any_position_goes_on_as_if_never_stopped(
    dataset: ParallelDataset,
) -> None:
    whole = stream(dataset, 120)
    assert {position.epoch for _, position in whole} >= {0, 1, 2}
    for stop in (1, 37, 100):
        position = whole[stop - 1][1]
        resumed = stream(dataset, 120 - stop, epoch=position.epoch, batch=position.batch)
        for (expected, after), (found, found_after) in zip(whole[stop:], resumed, strict=True):
            assert same(expected, found)
            assert after == found_after


def test_an_epoch_ends_where_the_position_says(dataset: ParallelDataset) -> None:
    seen: list[int] = []
    for batch, position in stream(dataset, 200):
        seen += members(batch)
        if position.epoch:
            break
    assert position == Position(1, 0)
    assert sorted(seen) == list(range(COUNT))


# --- several ranks --------------------------------------------------------------------------------


def shares(dataset: ParallelDataset, count: int, **settings: Any) -> list[Share]:
    return list(islice(Batches(dataset, TOKENS, source_end=True, seed=1, **settings), count))


@pytest.mark.parametrize(("accumulate", "world"), [(2, 2), (6, 3), (50, 50), (4, 1)])
def test_ranks_share_the_batches_of_one_global_order(
    dataset: ParallelDataset, accumulate: int, world: int
) -> None:
    whole = [batch for batch, _ in stream(dataset, 4 * accumulate)]
    ranks = [
        shares(dataset, 4, accumulate=accumulate, rank=rank, world=world) for rank in range(world)
    ]
    for step in range(4):
        update = [rank[step] for rank in ranks]
        expected = whole[step * accumulate : (step + 1) * accumulate]
        for rank, share in enumerate(update):
            assert len(share.batches) == accumulate // world
            assert all(map(same, share.batches, expected[rank::world]))
        sentences, tokens = zip(*(batch.size for batch in expected), strict=True)
        assert {share.size for share in update} == {(sum(sentences), sum(tokens))}
        assert len({share.position for share in update}) == 1


@pytest.mark.parametrize(("accumulate", "world"), [(1, 2), (1, 3), (2, 6)])
def test_where_ranks_are_more_than_batches_each_batch_is_cut_into_parts(
    dataset: ParallelDataset, accumulate: int, world: int
) -> None:
    whole = shares(dataset, 30, accumulate=accumulate)
    ranks = [
        shares(dataset, 30, accumulate=accumulate, rank=rank, world=world) for rank in range(world)
    ]
    parts = world // accumulate
    for step, expected in enumerate(whole):
        update = [rank[step] for rank in ranks]
        assert {(share.size, share.position) for share in update} == {expected[1:]}
        assert all(len(share.batches) == 1 for share in update)
        for number, batch in enumerate(expected.batches):
            own = [share.batches[0] for share in update[number * parts : (number + 1) * parts]]
            pairs = [member for part in own if part.target_tokens for member in members(part)]
            assert sorted(pairs) == sorted(members(batch))
            assert sum(part.target_tokens for part in own) == batch.target_tokens
            assert max(part.size.sentences for part in own) <= -(-len(batch) // parts)


def test_a_rank_without_a_sentence_has_a_batch_of_which_nothing_counts(
    dataset: ParallelDataset,
) -> None:
    ranks = [shares(dataset, 1, rank=rank, world=50)[0] for rank in range(50)]
    empty = [share.batches[0] for share in ranks if not share.batches[0].target_tokens]
    assert empty
    assert all(not batch.real_BT.any() and batch.size == (0, 0) for batch in empty)
    assert ranks[0].size.sentences == 50 - len(empty)


@pytest.mark.parametrize(("accumulate", "world", "larger"), [(3, 2, 4), (4, 3, 6), (2, 3, 3)])
def test_ranks_that_cannot_share_an_update_evenly_are_refused_by_name(
    dataset: ParallelDataset, accumulate: int, world: int, larger: int
) -> None:
    told = (
        rf"training\.accumulate: expected a divisor or a multiple of {world}, the number of "
        rf"processes, found {accumulate}; start {accumulate} processes, or set "
        rf"training\.accumulate={larger} for"
    )
    with pytest.raises(UserError, match=told):
        shares(dataset, 1, accumulate=accumulate, world=world)


def test_ranks_share_validation(dataset: ParallelDataset) -> None:
    whole = [indices.tolist() for _, indices in in_order(dataset, TOKENS, source_end=True)]
    parts = [
        [
            indices.tolist()
            for _, indices in in_order(dataset, TOKENS, source_end=True, rank=rank, world=3)
        ]
        for rank in range(3)
    ]
    assert [parts[n % 3][n // 3] for n in range(len(whole))] == whole


# --- validation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [TOKENS, SENTENCES])
def test_validation_reads_every_pair_once_by_length_and_says_which(
    dataset: ParallelDataset, config: BatchingConfig
) -> None:
    found: list[int] = []
    for batch, indices in in_order(dataset, config, source_end=True):
        assert members(batch) == indices.tolist()
        found += indices.tolist()
    assert sorted(found) == list(range(COUNT))
    assert np.all(np.diff(TARGETS[found]) >= 0)


def test_budgets_count_the_ends_that_batches_add(dataset: ParallelDataset) -> None:
    for batch, _ in stream(dataset, 60):
        assert max(batch.source_BS.numel(), batch.targets_BT.numel()) <= 100
        assert batch.target_tokens == sum(TARGETS[members(batch)]) + len(batch)
        assert batch.source_tokens == sum(SOURCES[members(batch)]) + len(batch)
