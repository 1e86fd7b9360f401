"""Datasets against the lists they were written from."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.errors import UserError

PAIRS = [([5, 6, 7], [8]), ([9], [10, 11, 12, 13]), ([], [14]), ([65535, 4], [4, 4])]


def written(folder: Path, pairs: list[tuple[list[int], list[int]]], **sizes: int) -> Path:
    vocabulary = {"source_vocabulary": 70_000, "target_vocabulary": 100, **sizes}
    with DatasetWriter(folder, "train", **vocabulary) as writer:
        for source, target in pairs:
            writer.add(source, target)
    return folder


def test_pairs_come_back_as_they_were_written(tmp_path: Path) -> None:
    dataset = ParallelDataset(written(tmp_path, PAIRS), "train")
    assert len(dataset) == 4
    for index, (source, target) in enumerate(PAIRS):
        found = dataset[index]
        assert [side.tolist() for side in found] == [source, target]
        assert all(side.dtype == np.int64 for side in found)


def test_lengths_are_those_of_the_sentences(tmp_path: Path) -> None:
    dataset = ParallelDataset(written(tmp_path, PAIRS), "train")
    assert dataset.source_lengths.tolist() == [3, 1, 0, 2]
    assert dataset.target_lengths.tolist() == [1, 4, 1, 2]


def test_ids_are_as_narrow_as_their_vocabulary_allows(tmp_path: Path) -> None:
    written(tmp_path, PAIRS, source_vocabulary=65_536, target_vocabulary=65_535)
    assert (tmp_path / "train.source.uint32").stat().st_size == 6 * 4
    assert (tmp_path / "train.target.uint16").stat().st_size == 8 * 2


def test_blocks_flushed_on_the_way_join_without_a_seam(tmp_path: Path) -> None:
    pairs = [([k % 100] * 300, [k % 90]) for k in range(2000)]
    dataset = ParallelDataset(written(tmp_path, pairs), "train")
    assert all(dataset[k][0].tolist() == pairs[k][0] for k in range(2000))
    assert [int(dataset[k][1][0]) for k in range(2000)] == [k % 90 for k in range(2000)]


def test_a_pair_changed_by_its_reader_stays_as_it_was_on_the_disk(tmp_path: Path) -> None:
    dataset = ParallelDataset(written(tmp_path, PAIRS), "train")
    dataset[0][0][:] = 1
    assert dataset[0][0].tolist() == [5, 6, 7]


def test_an_index_past_the_end_is_an_index_error(tmp_path: Path) -> None:
    dataset = ParallelDataset(written(tmp_path, PAIRS), "train")
    with pytest.raises(IndexError):
        dataset[4]


def test_an_empty_dataset_can_be_opened(tmp_path: Path) -> None:
    assert len(ParallelDataset(written(tmp_path, []), "train")) == 0


@pytest.mark.parametrize("name", ["source.uint32", "source.offsets", "target.uint16"])
@pytest.mark.parametrize("lost", [1, 4, 8])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str, lost: int) -> None:
    path = written(tmp_path, PAIRS) / f"train.{name}"
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(UserError, match=r"damaged"):
        ParallelDataset(tmp_path, "train")


@pytest.mark.parametrize("name", ["source.uint32", "target.offsets"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (written(tmp_path, PAIRS) / f"train.{name}").unlink()
    with pytest.raises(UserError, match=r"train\.(source|target)\..*[Nn]o such file"):
        ParallelDataset(tmp_path, "train")


def test_offsets_that_fall_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PAIRS) / "train.source.offsets"
    np.array([0, 4, 3, 4, 6], "<i8").tofile(path)
    with pytest.raises(UserError, match="increasing"):
        ParallelDataset(tmp_path, "train")
