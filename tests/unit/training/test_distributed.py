"""A process that is alone, and devices for several.

tests/integration/test_processes.py has several at work.
"""

import pytest
import torch

from seq2seq.errors import UserError
from seq2seq.training.distributed import ALONE, check_devices, joined


def test_alone_everything_is_what_it_was() -> None:
    module = torch.nn.Linear(2, 3)
    assert ALONE.replicate(module) is module
    assert ALONE.first("a") == "a"
    assert ALONE.gather("a") == ["a"]
    assert ALONE.sum([1.5, 2]) == ALONE.greatest([1.5, 2]) == [1.5, 2]
    assert (ALONE.leads, ALONE.name) == (True, "")


def test_a_process_that_torchrun_did_not_start_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # as another launcher sets them
    monkeypatch.setenv("WORLD_SIZE", "2")
    with joined("cpu") as world:
        assert world is ALONE


def test_restarts_that_would_wait_for_ever_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "TORCHELASTIC_RUN_ID": "1",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_MAX_RESTARTS": "2",
        "WORLD_SIZE": "2",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(UserError, match="expected TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"),
        joined("cpu"),
    ):
        pass


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
def test_each_process_has_a_gpu_or_the_cpu() -> None:
    assert check_devices("auto", 2)
    assert check_devices("cuda", 1)
    assert not check_devices("cpu", 3)
    with pytest.raises(UserError, match="expected a GPU for each of 3 processes, found 2; start"):
        check_devices("auto", 3)
    with pytest.raises(UserError, match="for 2 processes, which take a GPU each, found 'cuda:1'"):
        check_devices("cuda:1", 2)


def test_without_a_gpu_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not check_devices("auto", 2)
