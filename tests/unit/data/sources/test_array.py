"""Arrays: rows, maps and films, and what is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.data.sources import FileReader, Moments
from seq2seq.data.sources.array import ArrayReader
from seq2seq.errors import UserError


def saved(folder: Path, values: Any, name: str = "one.npy") -> str:
    path = folder / name
    np.save(path, values)
    return str(path)


def fitted(reader: FileReader, *names: str) -> FileReader:
    sums = Moments.of(names[0], reader.grid(names[0]))
    for name in names[1:]:
        sums = sums.plus(Moments.of(name, reader.grid(name)))
    reader.fit(sums)
    return reader


def test_rows_are_normalised_by_the_mean_and_deviation_of_each_channel_in_training(
    tmp_path: Path,
) -> None:
    draws = np.random.default_rng(1)
    training = [draws.normal(3, 5, (length, 4)) for length in (6, 2)]
    training[0][:, 2] = training[1][:, 2] = 7  # a channel that is always the same
    names = [saved(tmp_path, rows, f"{n}.npy") for n, rows in enumerate(training)]
    reader = fitted(ArrayReader(frequencies=0), *names)
    everything = np.concatenate(training)
    deviations = everything.std(0)
    deviations[2] = 1
    other = draws.normal(size=(3, 4))
    expected = (other - everything.mean(0)) / deviations
    found = reader.encode(saved(tmp_path, other, "other.npy"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert reader.size.size == 4


@pytest.mark.parametrize(
    ("shape", "options", "positions", "features", "last"),
    [
        ((7,), {}, 7, 1 + 9, "7"),
        ((7, 3), {"frames": 2}, 4, 6 + 9, "4"),
        ((5, 6, 2), {"patch": 4}, 4, 32 + 18, "2,2"),
        ((3, 4, 4, 1), {"patch": 2, "frames": 2}, 8, 8 + 27, "2,2,2"),
    ],
)
def test_series_maps_and_films_become_rows_that_know_their_places(
    tmp_path: Path,
    shape: tuple[int, ...],
    options: dict[str, int],
    positions: int,
    features: int,
    last: str,
) -> None:
    name = saved(tmp_path, np.random.default_rng(1).integers(0, 255, shape, np.uint8))
    reader = fitted(ArrayReader(**options), name)
    assert reader.encode(name).shape == (positions, features) == (positions, reader.size.size)
    assert len(reader.labels(name)) == positions
    assert reader.labels(name)[-1] == last


def test_one_of_several_arrays_is_named_behind_a_hash(tmp_path: Path) -> None:
    both = np.arange(12.0).reshape(2, 3, 2)
    np.savez(tmp_path / "several.npz", first=both[0], second=both[1])
    np.savez(tmp_path / "alone.npz", both[1])
    reader = ArrayReader()
    rows = saved(tmp_path, both)
    for name in (f"{rows}#1", f"{tmp_path}/several.npz#second", f"{tmp_path}/alone.npz"):
        np.testing.assert_array_equal(reader.grid(name), both[1])


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    name = saved(tmp_path, np.ones((2, 1)))
    reader = fitted(ArrayReader(frequencies=0), name)
    assert reader.encode(name).tolist() == [[0], [0]]
    import os

    saved(tmp_path, np.full((2, 1), 3.0))
    os.utime(name, ns=(1, 1))
    assert reader.encode(name).tolist() == [[2], [2]]


def test_a_blank_name_is_no_position() -> None:
    reader = ArrayReader()
    assert len(reader.encode(" ")) == len(reader.labels("")) == 0


BAD: dict[str, tuple[Any, str]] = {
    "objects": (np.array([{}], object), "holds Python objects"),
    "text": (np.array(["a", "b"]), "expected real numbers, found <U1"),
    "complex": (np.ones((2, 2), complex), "expected real numbers, found complex128"),
    "empty": (np.zeros((0, 3)), "expected numbers, found none"),
    "five axes": (np.zeros((1, 1, 1, 1, 1)), "found shape 1 x 1 x 1 x 1 x 1"),
    "one number": (np.float64(1), "found shape of one number"),
    "not finite": (np.array([[1.0, np.nan]]), "expected finite numbers, found nan"),
    "too large for 32 bits": (np.array([[1e300]]), "expected finite numbers, found inf"),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_array_that_is_no_source_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    values, reason = BAD[kind]
    np.save(tmp_path / "bad.npy", values, allow_pickle=kind == "objects")
    with pytest.raises(UserError, match=r"bad\.npy") as told:
        ArrayReader().grid(str(tmp_path / "bad.npy"))
    assert reason in str(told.value)
    assert "\n" not in str(told.value)


def zip_of_text() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"no array")
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"words", b"\x93NUMPY\x01\x00", b"PK\x03\x04cut"])
def test_a_file_that_is_no_array_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.npy: cannot be read as an array") as told:
        ArrayReader().grid(str(tmp_path / "bad.npy"))
    assert "\n" not in str(told.value)


def test_a_damaged_archive_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(zip_of_text())
    with pytest.raises(UserError, match=r"bad\.npz"):
        ArrayReader().grid(str(tmp_path / "bad.npz#a"))


def test_a_name_behind_the_hash_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "two.npz", one=np.ones(3), two=np.ones(3))
    rows = saved(tmp_path, np.ones((4, 2)))
    for name, reason in (
        (f"{tmp_path}/two.npz", "one, two, found no name"),
        (f"{tmp_path}/two.npz#three", "one, two, found 'three'"),
        (f"{rows}#4", "from 0 to 3 after #, found '4'"),
        (f"{rows}#x", "from 0 to 3 after #, found 'x'"),
        (f"{tmp_path}/none.npy", "no such file"),
        (f"{tmp_path}", "expected a file, found a folder"),
    ):
        with pytest.raises(UserError) as told:
            ArrayReader().grid(name)
        assert reason in str(told.value)


def test_training_files_of_different_shapes_are_refused_with_both_names(tmp_path: Path) -> None:
    reader = ArrayReader()
    one, other = (
        saved(tmp_path, np.ones((2, 3)), "a.npy"),
        saved(tmp_path, np.ones((2, 4)), "b.npy"),
    )
    with pytest.raises(UserError, match=r"b\.npy: expected 1 axes and 3 channels, as in .*a\.npy"):
        fitted(reader, one, other)


def test_a_file_of_another_shape_than_training_s_is_refused(tmp_path: Path) -> None:
    reader = fitted(ArrayReader(), saved(tmp_path, np.ones((2, 3)), "a.npy"))
    other = saved(tmp_path, np.ones((2, 2, 3)), "b.npy")
    with pytest.raises(UserError, match=r"b\.npy: expected 1 axes and 3 channels"):
        reader.encode(other)
