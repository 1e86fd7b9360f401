"""Signals, closed streams and foreign locales, as shells and batch systems have them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.conftest import french

SENTENCE = "the big cat sees a dog"
SLOW = (  # SentencePiece's trainer, as the main thread has it: in C, deaf to signals
    "import ctypes, sys, sentencepiece; from seq2seq.cli import main\n"
    "def train(**_): print('learning', flush=True); ctypes.CDLL(None).sleep(60)\n"
    "sentencepiece.SentencePieceTrainer.train = train\n"
)


def bash(world: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", line.replace("seq2seq ", f"'{sys.executable}' -m seq2seq ")],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_good_as_none(closed: str, world: Path) -> None:
    done = bash(world, f"seq2seq translate '{SENTENCE}' {closed}")
    said = "" if ">&-" in closed.split() else f"{french(SENTENCE)}\n"
    logged = "" if "2>&-" in closed else "model: runs/tiny (best)\n"
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, said, logged)


def test_training_with_all_streams_closed_writes_a_run_that_translates(world: Path) -> None:
    settings = "training.max_steps=4 training.validate_every=2"
    line = f"seq2seq train -c tiny.yaml --run runs/new {settings} <&- >&- 2>&-"
    assert bash(world, line).returncode == 0
    done = bash(world, f"seq2seq -q translate -m runs/new '{SENTENCE}'")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_mistake_with_standard_error_closed_has_its_status(world: Path) -> None:
    assert bash(world, "seq2seq translate -m none x 2>&-").returncode == 2


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    ],
    ids=["C", "C, without UTF-8 mode", "ascii"],
)
def test_names_and_text_beyond_ascii_pass_in_every_locale(
    environment: dict[str, str], world: Path
) -> None:
    (world / "runs/tiny").rename(world / "runs/été")
    (world / "entrée.en").write_text(f"{SENTENCE}\n☃\n", encoding="utf-8")
    line = "seq2seq translate -m runs/été -i entrée.en -o 'sortie ☃.fr' && cat 'sortie ☃.fr'"
    done = bash(world, line, **environment)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines()[0] == french(SENTENCE)
    assert "model: runs/été (best)" in done.stderr.decode()
    typed = bash(world, "seq2seq -q translate -m runs/été --json 'the ☃ é'", **environment)
    assert json.loads(typed.stdout)["source"] == "the ☃ é", typed.stderr.decode()
    missing = bash(world, "seq2seq translate -m runs/où x", **environment)
    assert (missing.returncode, missing.stderr.decode()) == (
        2,
        "error: runs/où: no such run directory\n",
    )


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_training_saved_with_status_0_and_resume_goes_on(
    number: signal.Signals, world: Path
) -> None:
    arguments = ["train", "-c", "tiny.yaml", "--run", "runs/new", "training.max_steps=100000"]
    with subprocess.Popen(
        [sys.executable, "-m", "seq2seq", *arguments],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 75"):
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 0
    assert f"stopped by {number.name} at step" in rest
    assert (world / "runs/new/last/state.json").exists()


def test_ctrl_c_while_the_tokenizer_learns_is_ctrl_c(world: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    program = f"{SLOW}sys.argv = ['seq2seq', 'prepare', '-c', 'tiny.yaml']\nmain()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1", "SEQ2SEQ_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "learning\n"
        time.sleep(0.1)  # until the main thread waits
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert list((cache / "prepared").iterdir()) == []
