"""Measured processes: what they print, what they take, and how a failure is told."""

import sys
from pathlib import Path

import pytest

from scripts.peers.processes import Job, JobError, run

ECHO = "import os, sys; print(sys.stdin.read() + os.environ['MARK']); print('log', file=sys.stderr)"


def test_a_job_reads_prints_and_is_measured(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("input ", "utf-8")
    job = Job([sys.executable, "-c", ECHO], {"MARK": "mark"}, tmp_path / "in")
    done = run(job, tmp_path / "job")
    assert (done.out, done.log) == ("input mark\n", "log\n")
    assert done.seconds > 0


def test_the_memory_is_the_job_s_own_and_not_that_of_who_starts_it(tmp_path: Path) -> None:
    ballast = bytearray(200_000_000)
    ballast[::4096] = bytes([1]) * len(ballast[::4096])
    small = run(Job([sys.executable, "-S", "-c", ""]), tmp_path / "small")
    large = run(Job([sys.executable, "-S", "-c", "b'1' * 10**8"]), tmp_path / "large")
    assert small.peak_memory < 10**8 < large.peak_memory < 2 * 10**8


def test_a_job_that_fails_says_its_last_words(tmp_path: Path) -> None:
    job = Job([sys.executable, "-c", "import sys; sys.exit('no such thing')"])
    with pytest.raises(JobError, match=r"exit status 1 of: .*\nno such thing"):
        run(job, tmp_path)
