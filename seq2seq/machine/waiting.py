"""How torch's threads wait for each other: awake on a quiet machine, asleep on a busy one.

The threads of OpenMP meet after every operation. Whoever is there first spins, so as not to sleep
for a microsecond; but where other programs want the cores too, it spins on the core that the last
one needs, and two threads get through a twentieth of what one does alone. Asleep they keep pace
beside any work, but sleeping and waking cost small models half of their speed on a quiet machine.
So they spin while nothing else wants the cores, and sleep while something does: see
`scripts/bench_busy.py`.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

_ASLEEP = {
    "OMP_WAIT_POLICY": "PASSIVE",  # libgomp: sleep at once; unless told, after 3 ms or so
    "KMP_BLOCKTIME": "1",  # LLVM's and Intel's: after so many ms; unless told, 200
}
_BY_LOOKING = {**_ASLEEP, "GOMP_SPINCOUNT": "300000"}
"""libgomp sleeps at once only where its threads outnumber the cores; else it waits as it would."""

_PERIOD = 0.2  # seconds between two looks
_BUSY = 0.1  # seconds that threads wait for a core, of a second
_CALM = 10  # looks without such a wait before threads spin again
_TASKS = Path("/proc/self/task")

_chosen_in_time: bool | None = None
_watch: threading.Thread | None = None


def choose_waiting() -> None:
    """Tell OpenMP how to wait, unless the user has; without effect once torch is imported."""
    global _chosen_in_time
    if _chosen_in_time is not None:
        return
    _chosen_in_time = "torch" not in sys.modules
    if not any(name in os.environ for name in _BY_LOOKING):
        os.environ.update(_ASLEEP if _waited() is None else _BY_LOOKING)


def describe_waiting() -> str:
    """Return how threads wait, in one line; says so if it was too late to choose."""
    chosen = {name: os.environ[name] for name in _BY_LOOKING if name in os.environ}
    if chosen not in (_ASLEEP, _BY_LOOKING):
        return "as set: " + ", ".join(f"{name}={value}" for name, value in chosen.items())
    if not _chosen_in_time:
        return "too late to choose: torch was imported before seq2seq; slow beside other work"
    return "asleep" if chosen == _ASLEEP else "awake on a quiet machine, asleep on a busy one"


def sleep_when_busy() -> None:
    """From now on let waiting threads of torch sleep whenever others want the cores too.

    Linux only, with torch's usual OpenMP, libgomp; elsewhere do nothing.
    """
    global _watch
    library = None if _watch is not None or not _by_looking() else find_libgomp()
    if library is None:
        return
    _watch = threading.Thread(target=_look, args=(library,), name="waiting", daemon=True)
    _watch.start()


def _by_looking() -> bool:
    return all(os.environ.get(name) == value for name, value in _BY_LOOKING.items())


def _look(library: ctypes.CDLL) -> None:
    """Look again and again whether this process gets the cores it wants, and act on it."""
    team: SleepingTeam | None = None
    calm = 0
    before = _waited()
    while before is not None:
        time.sleep(_PERIOD)
        now = _waited()
        if now is None:
            return
        calm = 0 if now - before > _BUSY * _PERIOD else calm + 1
        before = now
        if calm == 0 and team is None:
            team = SleepingTeam(library)
        elif calm > _CALM and team is not None:
            team.end()
            team = None


class SleepingTeam:
    """Threads that only sleep, but outnumber the cores in the eyes of libgomp.

    It then lets threads sleep that wait, of all teams. There is no other way to tell it while it
    runs: it reads its variables once.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(library,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the threads."""
        self._end.set()
        self._thread.join()

    def _hold(self, library: ctypes.CDLL) -> None:
        cores = len(os.sched_getaffinity(0))
        # A team in a thread of its own lives as long as that thread. All it does is free(NULL).
        library.GOMP_parallel(ctypes.CDLL(None).free, None, cores + 1, 0)
        self._end.wait()


def _waited() -> float | None:
    """Seconds that the process's threads could have run and had no core; None if not told."""
    waited = ran = 0
    try:
        for task in _TASKS.iterdir():
            try:
                times = (task / "schedstat").read_text().split()
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            ran += int(times[0])
            waited += int(times[1])
    except (OSError, ValueError, IndexError):
        return None
    return waited / 1e9 if ran else None  # a kernel that keeps no count says 0 of both


def find_libgomp() -> ctypes.CDLL | None:
    """Return the libgomp that torch has loaded, which others may have beside it; None if none."""
    if not _TASKS.exists():
        return None
    import torch

    beside = Path(torch.__file__).parent / "lib" / "libgomp.so.1"
    try:
        return ctypes.CDLL(str(beside) if beside.exists() else "libgomp.so.1", os.RTLD_NOLOAD)
    except OSError:  # another OpenMP
        return None
