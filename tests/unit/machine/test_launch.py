"""What processes are told when they are started, and what they read of it."""

import os
import signal

import pytest

from seq2seq.machine import launch, launched


def test_each_process_has_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert launch._environment(2, {})["OMP_NUM_THREADS"] == "4"
    assert launch._environment(16, {})["OMP_NUM_THREADS"] == "1"


def test_what_the_user_has_set_stays() -> None:
    assert "OMP_NUM_THREADS" not in launch._environment(2, {"OMP_NUM_THREADS": "3"})


def test_afterwards_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(launched.MEETING, "another")
    monkeypatch.delenv("SEQ2SEQ_NEW", raising=False)
    with launch._told({launched.MEETING: "folder", "SEQ2SEQ_NEW": "1"}):
        assert os.environ[launched.MEETING] == "folder"
        assert os.environ["SEQ2SEQ_NEW"] == "1"
    assert os.environ[launched.MEETING] == "another"
    assert "SEQ2SEQ_NEW" not in os.environ


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    class Config:
        __dataclass_fields__ = ("signals_to_handle",)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        heard = launch._signals(Config)["signals_to_handle"].split(",")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "SIGHUP" not in heard
    assert "SIGTERM" in heard


def test_alone_a_process_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert (launched.world_size(), launched.is_first(), launched.is_first_here()) == (1, True, True)
    assert not launched.is_restarted()


def test_one_of_several_reads_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"RUN_ID": "1", "RESTART_COUNT": "1", "MAX_RESTARTS": "1", "USE_AGENT_STORE": "False"}
    for name, value in told.items():
        monkeypatch.setenv(f"TORCHELASTIC_{name}", value)
    for name, value in {"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert (launched.world_size(), launched.is_first(), launched.is_first_here()) == (
        4,
        False,
        True,
    )
    assert launched.is_restarted()
    assert not launched.would_hang()


def test_processes_meet_in_another_file_whenever_they_are_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert launched.meeting_file() is None  # torchrun says where
    monkeypatch.setenv(launched.MEETING, "folder")
    files = set()
    for restarts in ("0", "1"):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", restarts)
        files.add(launched.meeting_file())
    assert len(files) == 2
