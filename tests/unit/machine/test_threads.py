"""How many threads compute: by the configuration, the user, or the cores that are idle."""

from collections.abc import Callable, Iterator

import pytest
import torch

from seq2seq.machine import threads
from seq2seq.machine.threads import use_threads

Choose = Callable[[int | None, float | None], int]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[Choose]:
    """(asked, idle cores) -> the number taken, where torch would take four."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()

    def chosen(asked: int | None, idle: float | None) -> int:
        monkeypatch.setattr(threads, "_look", lambda: idle)
        torch.set_num_threads(4)
        use_threads(asked)
        return torch.get_num_threads()

    yield chosen
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("idle", "expected"), [(4.0, 4), (3.6, 4), (2.3, 2), (0.2, 1), (0.0, 1), (8.0, 4), (None, 4)]
)
def test_a_thread_is_taken_for_each_core_that_is_idle(
    idle: float | None, expected: int, choose: Choose
) -> None:
    assert choose(None, idle) == expected


def test_what_is_asked_for_is_taken_however_busy_the_machine_is(choose: Choose) -> None:
    assert choose(3, 0.0) == 3


def test_the_users_own_number_is_left_alone(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert choose(None, 0.0) == 4


def test_fewer_are_told_of(choose: Choose, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    choose(None, 1.2)
    assert "computing with 1 of 4 threads" in caplog.text


def test_a_burst_of_other_work_is_not_taken_for_a_busy_machine(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([0.1, 1.8, 3.9])
    monkeypatch.setattr(threads, "_look", lambda: next(looks))
    torch.set_num_threads(4)
    use_threads(None)
    assert torch.get_num_threads() == 4
