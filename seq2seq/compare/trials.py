"""The trainings of a comparison: a process each, some at once, each resumed where it stopped."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, current_thread, main_thread
from types import FrameType

from seq2seq.compare.members import Member
from seq2seq.config import Config, differences, dump_config
from seq2seq.data.corpus import locate_corpus
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.machine.resources import usable_cores
from seq2seq.pipeline import describe_model, trust
from seq2seq.runs.finding import read_result
from seq2seq.runs.run import Run
from seq2seq.training.judgement import render

logger = logging.getLogger(__name__)

_UNIMPORTANT = ("data.train", "data.valid", "data.test", "data.workers", "code", "training.threads")
"""Settings that a run notes in its own way, or that change nothing but time and last digits."""


def train_members(members: Sequence[Member], *, jobs: int, trust_code: bool = False) -> None:
    """Train what is not trained yet, `jobs` at once, and share the CPU's cores among them.

    A training that was stopped goes on; one that is finished stays as it is. Raises UserError,
    before any training, for a network that can't be, a corpus that is missing, or a finished run
    of other settings; and for a training that failed, when the others are done. Stopped by Ctrl-C
    or SIGTERM, all save first.
    """
    planned = [member for member in members if member.config is not None]
    missing = [member for member in planned if read_result(member.path) is None]
    for member in planned:
        if member not in missing:
            _check_finished(member)
    if not missing:
        return
    for member in missing:
        _check(member, trust_code=trust_code)
    logger.info("%d of %d models are to be trained", len(missing), len(members))
    trainings = _Trainings(len(missing), jobs, trust_code)
    with _ending_by_signals(), ThreadPoolExecutor(jobs) as threads:
        futures = [threads.submit(trainings.train, member) for member in missing]
        try:
            failures = [failure for future in futures if (failure := future.result())]
        except BaseException:
            trainings.stop()
            raise
    if failures:
        others = f" (and {len(failures) - 1} more failed)" if failures[1:] else ""
        raise UserError(f"{failures[0]}{others}")


def _check_finished(member: Member) -> None:
    """Raise UserError if the run that is there was trained by other settings than are wanted."""
    assert member.config is not None
    for key, before, now in differences(Run.open(member.path).config, member.config):
        if key not in _UNIMPORTANT:
            raise UserError(
                f"{member.path}: was trained with {key} {before!r}, and now it is {now!r}; give "
                "another folder with --into, or remove this one"
            )


@contextmanager
def _ending_by_signals() -> Iterator[None]:
    """Have SIGTERM, and a terminal that closes, raise SystemExit in the block, as Ctrl-C does."""
    if current_thread() is not main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {n: handler for n in numbers if (handler := signal.getsignal(n)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check(member: Member, *, trust_code: bool) -> None:
    """Raise UserError if the network can't be, or a corpus is missing, before any is trained."""
    assert member.config is not None
    data = member.config.data
    if trust_code:
        trust(member.config, member.path, resume=True)
    try:
        describe_model(member.config)
        for corpus in (data.train, data.valid):
            locate_corpus(corpus, data.source, data.target, data.columns)
    except UserError as error:
        raise UserError(f"{member.name}: {error}") from None


class _Trainings:
    """Processes of `seq2seq train`."""

    def __init__(self, count: int, jobs: int, trust_code: bool) -> None:
        self._count, self._jobs, self._trust_code = count, jobs, trust_code
        self._done = 0
        self._stopped = Event()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = Lock()

    def train(self, member: Member) -> str:
        """Train one; return what went wrong, or nothing."""
        assert member.config is not None
        config = _shared(member.config, self._jobs) if self._jobs > 1 else member.config
        recipe, log = (member.path.with_name(f"{member.path.name}{e}") for e in (".yaml", ".log"))
        with writing(recipe):
            recipe.parent.mkdir(parents=True, exist_ok=True)
            recipe.write_text(dump_config(config), "utf-8")
        command = [sys.executable, "-m", "seq2seq", "train", "--config", str(recipe)]
        command += ["--run", str(member.path), "--resume"]
        command += ["--trust-code"] if self._trust_code else []
        with writing(log), log.open("ab") as file:
            if (process := self._start(command, file.fileno())) is None:
                return ""
            status = process.wait()
        with self._lock:
            self._running.discard(process)
            self._done += 1
        if self._stopped.is_set():
            return ""
        result = read_result(member.path)
        if status or result is None:
            return f"{member.name}: its training failed: {_last_line(log)}; the log is {log}"
        logger.info(
            "%s: validation %s, %.1f min (%d of %d)",
            *(member.name, render(result), result.get("seconds", 0) / 60),
            *(self._done, self._count),
        )
        return ""

    def _start(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopped.is_set():
                return None
            # A session of its own, so that Ctrl-C at the terminal comes from here alone.
            process = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True
            )
            self._running.add(process)
            return process

    def stop(self) -> None:
        """Have all save and end; those that have not begun never do."""
        with self._lock:
            self._stopped.set()
            running = [process for process in self._running if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        if running:
            logger.info("stopping %d trainings; the same command goes on with them", len(running))
        for process in running:
            process.wait()


def _shared(config: Config, jobs: int) -> Config:
    """`config` with its share of the cores, unless it says how many threads it takes."""
    if config.training.threads is not None:
        return config
    threads = max(1, usable_cores() // jobs)
    training = config.training.model_copy(update={"threads": threads})
    return config.model_copy(update={"training": training})


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
