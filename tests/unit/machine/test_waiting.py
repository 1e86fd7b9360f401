"""How torch's threads wait: chosen before torch is imported, by the user first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def python(program: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**plain, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


SHOW = f"import os; print(*(os.environ.get(name) for name in {NAMES}))"


def test_importing_the_package_chooses_before_torch_is_there() -> None:
    told = python(f"import sys, seq2seq; assert 'torch' not in sys.modules; {SHOW}")
    assert told.startswith("PASSIVE ")


@pytest.mark.parametrize("name", NAMES)
def test_what_the_user_has_set_is_left_alone_and_nothing_set_beside_it(name: str) -> None:
    expected = " ".join("0" if other == name else "None" for other in NAMES)
    assert python(f"import seq2seq; {SHOW}", **{name: "0"}) == expected


def test_the_doctor_says_what_holds() -> None:
    show = "from seq2seq.machine.waiting import describe_waiting; print(describe_waiting())"
    assert "asleep" in python(show)
    assert python(show, OMP_WAIT_POLICY="ACTIVE") == "as set: OMP_WAIT_POLICY=ACTIVE"
    assert python(f"import torch; {show}").startswith("too late to choose: torch was imported")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux only")
def test_a_sleeping_team_outnumbers_the_cores_and_leaves_no_thread_behind() -> None:
    program = """
import os, time
from pathlib import Path
from seq2seq.machine.waiting import SleepingTeam, find_libgomp
library = find_libgomp()
if library is None:
    raise SystemExit(print("none"))
count = lambda: len(list(Path("/proc/self/task").iterdir()))
before = count()
team = SleepingTeam(library)
until = time.monotonic() + 20
while count() < before + len(os.sched_getaffinity(0)) + 1 and time.monotonic() < until:
    time.sleep(0.01)
grown = count() - before - len(os.sched_getaffinity(0))
team.end()
while count() > before and time.monotonic() < until:
    time.sleep(0.01)
print(grown, count() - before)
"""
    assert python(program) in ("1 0", "none")
