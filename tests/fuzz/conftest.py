"""How long to try, a watch against hangs, and a count of what was tried."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from seq2seq.errors import UserError
from tests.watch import watched

SECONDS = 60  # that no reading takes; one that does hangs
TRIED: Counter[str] = Counter()

_HABITS = settings(
    deadline=None,  # machines are busy; SECONDS is the limit
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.register_profile("short", _HABITS, derandomize=True, max_examples=60)
settings.register_profile("long", _HABITS, max_examples=500)
settings.register_profile("again", _HABITS, phases=(Phase.reuse,))  # what failed before
settings.load_profile(os.environ.get("SEQ2SEQ_FUZZ", "short"))
costly = settings(
    max_examples=settings().max_examples // 5,
    phases=[phase for phase in settings().phases if phase != Phase.shrink],  # minutes long
)
"""For what trains or translates."""


def read_or_refused(name: str, read: Callable[[], object]) -> None:
    """Hold that reading ends, with a value or with one line."""
    TRIED[name] += 1
    said = ""
    try:
        with watched(SECONDS):
            read()
    except UserError as error:
        said = str(error)
    assert "\n" not in said


def pytest_sessionfinish() -> None:
    """Add what was tried to the file that scripts/fuzz.sh reads."""
    if TRIED and (path := os.environ.get("SEQ2SEQ_FUZZED")):
        with Path(path).open("a") as file:
            file.writelines(f"{count}\t{name}\n" for name, count in TRIED.items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the one file that is written again and again."""
    return tmp_path_factory.mktemp("fuzz")
