"""A changed byte of a sealed file is noticed, wherever it is."""

import json
from pathlib import Path

import pytest

from seq2seq.errors import DamagedError
from seq2seq.machine.sealed import (
    check_files,
    check_sealed_text,
    read_sealed_json,
    seal_json,
    seal_text,
    sums_of,
)

VALUE = {"step": 12, "name": "é", "sha256s": ["a"], "part": {"sha256": "b"}, "none": None}


def flips(content: bytes) -> list[bytes]:
    return [
        content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
        for place in range(len(content))
        for bit in range(8)
    ]


def test_every_flipped_bit_of_a_sealed_object_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    content = seal_json(VALUE).encode()
    path.write_bytes(content)
    assert read_sealed_json(path) == read_sealed_json(path, required=True) == VALUE
    for flipped in flips(content):
        path.write_bytes(flipped)
        with pytest.raises(DamagedError, match=r"state\.json: damaged"):
            read_sealed_json(path)


def test_every_flipped_bit_of_a_sealed_text_is_noticed_and_every_cut(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    content = seal_text("seed: 1\nname: é\n").encode()
    for changed in [*flips(content), *(content[:size] for size in range(len(content)))]:
        path.write_bytes(changed)
        with pytest.raises(DamagedError, match=r"config\.yaml: damaged, or edited"):
            check_sealed_text(path)
    path.write_bytes(content)
    check_sealed_text(path)


def test_what_has_no_marks_is_read_as_it_is_unless_it_must_have_them(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(VALUE))
    assert read_sealed_json(path) == VALUE
    with pytest.raises(DamagedError, match="differs from its checksum"):
        read_sealed_json(path, required=True)
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    check_sealed_text(tmp_path / "config.yaml")


@pytest.mark.parametrize("content", ["", "[1]", "{", '"a"', "[" * 100_000, "NaN"])
def test_what_is_no_object_is_damaged(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DamagedError, match=r"a\.json: damaged: "):
        read_sealed_json(tmp_path / "a.json")


def test_a_file_that_changed_or_went_is_named(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for name in ("one", "part/two"):
        (tmp_path / name).write_text(name)
    sums = sums_of(tmp_path, ["one", "part/two"])
    check_files(tmp_path, sums)
    (tmp_path / "part/two").write_text("three")
    check_files(tmp_path, sums, "one", "unknown")
    with pytest.raises(DamagedError, match=r"part/two: damaged: expected the sha256 .*, found"):
        check_files(tmp_path, sums)
    (tmp_path / "part/two").unlink()
    with pytest.raises(DamagedError, match="part/two: missing"):
        check_files(tmp_path, sums)
