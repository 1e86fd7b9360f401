import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from seq2seq.data.arriving import ArrivingLines, arrives


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Its two ends: what is read, and what is written, unbuffered."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as ours, os.fdopen(writing, "wb", buffering=0) as theirs:
        yield ours, theirs


def test_a_line_waits_only_when_it_is_whole(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    ours, theirs = pipe
    lines = ArrivingLines(ours)
    assert not lines.waits()
    theirs.write(b"one\ntwo\nthr")
    assert lines.waits()
    assert (next(lines), next(lines)) == (b"one\n", b"two\n")
    assert not lines.waits()
    theirs.write(b"ee\n")
    assert lines.waits()
    assert next(lines) == b"three\n"


def test_at_the_end_nothing_waits_and_a_last_line_without_an_end_counts(
    pipe: tuple[BinaryIO, BinaryIO],
) -> None:
    ours, theirs = pipe
    lines = ArrivingLines(ours)
    theirs.write(b"\none\r\n\ntwo")
    theirs.close()
    assert list(lines.texts()) == ["", "one", "", "two"]
    assert not lines.waits()
    assert list(lines) == []


def test_a_line_longer_than_a_pipe_holds_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"a" * 300_000 + b"\nb\n")
    with path.open("rb") as file:
        assert [len(line) for line in ArrivingLines(file)] == [300_001, 2]


def test_lines_of_a_pipe_arrive_and_those_of_a_file_are_there(
    tmp_path: Path, pipe: tuple[BinaryIO, BinaryIO]
) -> None:
    (tmp_path / "file").write_bytes(b"a\n")
    with (tmp_path / "file").open("rb") as file:
        assert not arrives(file)
    assert arrives(pipe[0])
    assert not arrives(io.BytesIO(b"a\n"))
