"""What all tests share: one thread, since at these sizes more of them only wait for each other.

And signals reach the processes that tests start. What a script runs in the background ignores
SIGINT, what `nohup` runs SIGHUP, and processes inherit what is ignored, but no handlers.
"""

import signal
from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that are slow take their time."""
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the user's commands remember out of the home folder of who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_STATE", str(tmp_path_factory.mktemp("state")))
        yield
