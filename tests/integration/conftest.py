"""One tiny run, trained once a session through the command line, and a way to call the command."""

from __future__ import annotations

import io
import logging
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from seq2seq.cli import main

WORDS = {
    "the": "le",
    "a": "un",
    "cat": "chat",
    "dog": "chien",
    "bird": "oiseau",
    "sees": "voit",
    "hears": "entend",
    "likes": "aime",
    "big": "grand",
    "small": "petit",
}
"""English -> French, word for word: every gold alignment is the diagonal."""

CONFIG = """\
data: {train: train, valid: valid, test: test}
tokenizer: {vocab_size: 72}
batching: {tokens: 400}
model:
  embedding: 32
  dropout: 0.0
  encoder: {size: 32}
  attention: general
  decoder: {kind: luong, size: 72}
training:
  max_steps: 150
  validate_every: 75
  log_every: 50
  label_smoothing: 0.0
  keep: 2
  samples: 0
  device: cpu
  threads: 1
  optimizer: {lr: 0.01}
"""


class Outcome(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Command = Callable[..., Outcome]
"""(*arguments, stdin=b"") -> Outcome; the working directory is `world`."""


def sentence(draw: random.Random) -> str:
    def things() -> list[str]:
        middle = [draw.choice(["big", "small"])] * draw.randrange(2)
        return [draw.choice(["the", "a"]), *middle, draw.choice(["cat", "dog", "bird"])]

    return " ".join([*things(), draw.choice(["sees", "hears", "likes"]), *things()])


def french(english: str) -> str:
    return " ".join(WORDS[word] for word in english.split())


def write_corpora(folder: Path) -> None:
    draw = random.Random(1)
    for name, count in (("train", 240), ("valid", 10), ("test", 10)):
        sentences = [sentence(draw) for _ in range(count)]
        links = (" ".join(f"{i}-{i}" for i in range(len(s.split()))) for s in sentences)
        for ending, lines in (("en", sentences), ("fr", map(french, sentences)), ("align", links)):
            (folder / f"{name}.{ending}").write_text("".join(f"{line}\n" for line in lines))


@contextmanager
def logging_restored() -> Iterator[None]:
    """Undo what the command does to this process's logging."""
    logger = logging.getLogger("seq2seq")
    handlers, level, raising = logger.handlers[:], logger.level, logging.raiseExceptions
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logging.raiseExceptions = raising


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with train, valid and test, tiny.yaml, and runs/tiny, which knows it by heart."""
    folder = tmp_path_factory.mktemp("trained")
    write_corpora(folder)
    (folder / "tiny.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["seq2seq", "--quiet", "train", "-c", "tiny.yaml"])
        with logging_restored(), pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        yield folder


@pytest.fixture
def world(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained` to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "world", symlinks=True))


@pytest.fixture
def command(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """`seq2seq` in this process, which has torch already."""
    monkeypatch.chdir(world)

    def call(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["seq2seq", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Outcome(int(end.value.code or 0), *capsys.readouterr())

    with logging_restored():
        yield call


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Every file's bytes and every link's target, but for logs."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file() and path.suffix != ".log":
            found[name] = path.read_bytes()
    return found
