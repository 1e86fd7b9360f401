"""Corpora whose sources are files: what is prepared of them, kept and refused."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from seq2seq.config import Config, load_config
from seq2seq.data.batching import collate, in_order
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.sources import Features, FileReader
from seq2seq.data.tokenizer import EOS, Tokenizers
from seq2seq.errors import UserError

LENGTHS = (3, 1, 30, 2)
TEXTS = ("le chat dort", "le chien", "un chat dort ici", "ici")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


def write(folder: Path, split: str = "train", *, seed: int = 1) -> str:
    """A list of arrays, in a folder beside it, and a sentence for each."""
    (folder / split).mkdir(parents=True)
    draws = np.random.default_rng(seed)
    names = []
    for number, length in enumerate(LENGTHS):
        names.append(f"{split}/{number}.npy")
        np.save(folder / names[-1], draws.normal(2, 3, (length, 3)))
    (folder / f"{split}.array").write_text("".join(f"{name}\n" for name in names))
    (folder / f"{split}.fr").write_text("".join(f"{text}\n" for text in TEXTS))
    return str(folder / split)


def configured(train: str, valid: str, *changes: str) -> Config:
    settings = {
        "data.source": "array",
        "data.source_kind": "array",
        "data.source_kind.frequencies": "0",
        "data.train": train,
        "data.valid": valid,
        "tokenizer.joint": "false",
        "tokenizer.source_end": "false",
        "tokenizer.vocab_size": "30",
        "model.tie": "target",
    }
    for change in changes:
        key, _, value = change.partition("=")
        settings[key] = value
    return load_config(None, [f"{key}={value}" for key, value in settings.items()])


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    corpora = tmp_path / "corpora"
    return prepare(configured(write(corpora), write(corpora, "valid", seed=2)))


def reader_of(prepared: Prepared) -> FileReader:
    assert isinstance(prepared.tokenizers.input, FileReader)
    return prepared.tokenizers.input


def test_the_training_rows_are_normalised_and_stand_with_the_ids_of_their_sentences(
    tmp_path: Path, prepared: Prepared
) -> None:
    files = [np.load(tmp_path / f"corpora/train/{n}.npy") for n in range(len(LENGTHS))]
    everything = np.concatenate(files)
    for index, (rows, text) in enumerate(zip(files, TEXTS, strict=True)):
        source, target = prepared.train[index]
        expected = (rows - everything.mean(0)) / everything.std(0)
        np.testing.assert_allclose(source, expected, rtol=1e-4, atol=1e-5)
        assert prepared.tokenizers.target.decode(target) == text
    assert prepared.train.source_lengths.tolist() == list(LENGTHS)
    assert prepared.tokenizers.sizes == (Features(3), len(prepared.tokenizers.target))


def test_validation_is_read_with_the_scale_of_training_and_keeps_absolute_names(
    tmp_path: Path, prepared: Prepared
) -> None:
    names = [str(tmp_path / f"corpora/valid/{n}.npy") for n in range(len(LENGTHS))]
    assert prepared.valid_source == names
    for index, name in enumerate(names):
        np.testing.assert_array_equal(prepared.valid[index][0], reader_of(prepared).encode(name))


def test_the_reader_that_a_run_keeps_reads_the_same_numbers(
    tmp_path: Path, prepared: Prepared
) -> None:
    prepared.tokenizers.save(tmp_path / "kept")
    loaded = Tokenizers.load(tmp_path / "kept")
    assert isinstance(loaded.input, FileReader)
    assert loaded.input.model == reader_of(prepared).model
    name = prepared.valid_source[0]
    np.testing.assert_array_equal(loaded.input.encode(name), reader_of(prepared).encode(name))
    assert not loaded.joint


def test_text_is_asked_of_a_run_of_files_in_vain(prepared: Prepared) -> None:
    with pytest.raises(UserError, match=r"needs text on the source's side.*\(array\)"):
        _ = prepared.tokenizers.source


def test_other_processes_prepare_the_same(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    paths = write(corpora), write(corpora, "valid", seed=2)
    one = prepare(configured(*paths, "data.workers=1"), cache=tmp_path / "one")
    two = prepare(configured(*paths, "data.workers=2"), cache=tmp_path / "two")
    for path in sorted(one.folder.rglob("*.*")):
        assert path.read_bytes() == (two.folder / path.relative_to(one.folder)).read_bytes()


def test_a_file_that_changes_under_its_name_is_prepared_again(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    config = configured(write(corpora), write(corpora, "valid", seed=2))
    before = prepare(config)
    assert prepare(config).folder == before.folder
    np.save(corpora / "train/0.npy", np.ones((3, 3)))
    after = prepare(config)
    assert after.folder != before.folder
    assert asdict(after.summary)["train"]["inputs"] != asdict(before.summary)["train"]["inputs"]


def test_the_same_files_elsewhere_are_the_same_corpus(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first = prepare(configured(write(one), write(one, "valid", seed=2)))
    second = prepare(configured(write(other), write(other, "valid", seed=2)))
    assert asdict(first.summary) == asdict(second.summary)
    assert second.valid_source[0].startswith(str(other))


def test_a_table_of_names_and_sentences_is_a_corpus_too(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    plain = prepare(configured(write(corpora), write(corpora, "valid", seed=2)))
    for split in ("train", "valid"):
        rows = (f"{split}/{n}.npy\t{text}\n" for n, text in enumerate(TEXTS))
        (corpora / f"{split}.tsv").write_text("".join(rows))
    tables = configured(str(corpora / "train.tsv"), str(corpora / "valid.tsv"))
    found = prepare(tables)
    for index in range(len(LENGTHS)):
        np.testing.assert_array_equal(found.train[index][0], plain.train[index][0])


def test_too_long_a_file_is_left_out_of_training_and_counted(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    config = configured(write(corpora), write(corpora, "valid", seed=2), "data.max_length=20")
    found = prepare(config)
    assert found.summary.train.dropped == {"too long": 1}
    assert found.summary.valid.noted == {"too long": 1}
    with pytest.raises(UserError, match=r"data\.max_length: no pair of .*train\.array is left"):
        prepare(configured(config.data.train, config.data.valid, "data.max_length=1"))  # type: ignore[arg-type]


def test_a_missing_file_is_told_with_the_line_that_names_it(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    config = configured(write(corpora), write(corpora, "valid", seed=2))
    (corpora / "train/2.npy").unlink()
    with pytest.raises(UserError, match=r"train\.array:3: .*train/2\.npy: cannot be read: No such"):
        prepare(config)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("tokenizer.joint=true", "set tokenizer.joint=false"),
        ("tokenizer.source_end=true", "set tokenizer.source_end=false"),
        ("model.tie=all", "set model.tie=target"),
        ("decoding.keep=true", "set decoding.keep=false"),
        ("decoding.unknown=empty", "set decoding.unknown=copy"),
        ("data.vary.upper=0.5", "data.vary has no effect: it varies how text is written"),
        ("data.max_ratio=5", "data.max_ratio has no effect: it compares lengths of texts"),
        ("data.source_kind.pixels=5", "unknown option of kind array, which takes patch, frames"),
        ("data.source_kind=video", "expected one of text, image, sound, array, found 'video'"),
    ],
)
def test_a_setting_that_files_have_no_use_for_is_refused(change: str, reason: str) -> None:
    with pytest.raises(UserError) as told:
        configured("train", "valid", change)
    assert reason in str(told.value)


def test_an_option_of_another_type_is_refused_by_its_key(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    paths = write(corpora), write(corpora, "valid", seed=2)
    with pytest.raises(UserError, match=r"data\.source_kind\.patch: expected greater than or eq"):
        prepare(configured(*paths, "data.source_kind.patch=0"))


# --- rows on disk and in batches ------------------------------------------------------------------

ROWS = [np.arange(6, dtype=np.float32).reshape(3, 2), np.full((1, 2), 7, np.float32)]


def written(folder: Path) -> ParallelDataset:
    with DatasetWriter(
        folder, "train", source_vocabulary=Features(2), target_vocabulary=9
    ) as writer:
        for rows, target in zip(ROWS, ([4, 5], [6]), strict=True):
            writer.add_rows(rows, target)
    return ParallelDataset(folder, "train")


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    dataset = written(tmp_path)
    assert len(dataset) == 2
    for index, rows in enumerate(ROWS):
        found, _ = dataset[index]
        np.testing.assert_array_equal(found, rows)
        assert found.dtype == np.float32
    with pytest.raises(IndexError):
        dataset[2]


def test_a_cut_off_file_of_rows_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "train.source.features"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UserError, match=r"features: damaged: expected 4 rows of one size, found 7"):
        ParallelDataset(tmp_path, "train")


def test_a_batch_of_rows_is_filled_up_with_zeros(tmp_path: Path) -> None:
    batch = collate([(ROWS[1], np.array([6])), (ROWS[0], np.array([4, 5]))], source_end=False)
    assert batch.source_BS.tolist() == [[[7, 7], [0, 0], [0, 0]], [[0, 1], [2, 3], [4, 5]]]
    assert batch.source_lengths_B.tolist() == [1, 3]
    assert (len(batch), batch.source_tokens) == (2, 4)
    assert batch.targets_BT.tolist() == [[6, EOS, 0], [4, 5, EOS]]


def test_validation_is_batched_by_length_as_text_is(prepared: Prepared) -> None:
    config = load_config(None, ["batching.sentences=2"]).batching
    seen = [
        index
        for batch, indices in in_order(prepared.valid, config, source_end=False)
        for index in indices.tolist()
        if batch.source_BS.dim() == 3
    ]
    assert sorted(seen) == list(range(len(LENGTHS)))


def test_names_of_files_are_in_no_language_and_no_script(
    prepared: Prepared, caplog: pytest.LogCaptureFixture
) -> None:
    assert prepared.summary.scripts == []
    assert prepared.summary.odd == {"train": [], "valid": []}
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING and "odd" in r.message]
    kept = json.loads((prepared.folder / "tokenizer/source.json").read_text())
    assert kept["kind"] == "array"
