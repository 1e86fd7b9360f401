"""Starting several processes of this program that work together, by torch's own launcher."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from seq2seq.errors import UserError
from seq2seq.machine.launched import MEETING
from seq2seq.machine.resources import usable_cores

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")


def launch(arguments: Sequence[str], processes: int, *, restarts: int = 0) -> None:
    """Run `seq2seq ARGUMENTS` in so many processes on this machine, until all have ended.

    If one dies, all are started again, at most `restarts` times. A signal is passed on to all, and
    they end as they see fit. Raises UserError if a process was killed, and SystemExit with the
    status of a process that failed, which has said why.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable(logging.CRITICAL)  # the launcher's own lines: a process says what is wrong
    try:
        with (
            tempfile.TemporaryDirectory(prefix="seq2seq-", ignore_cleanup_errors=True) as meeting,
            _told({MEETING: meeting, **_environment(processes, os.environ)}),
        ):
            config = LaunchConfig(
                min_nodes=1,
                max_nodes=1,
                nproc_per_node=processes,
                run_id=uuid.uuid4().hex,
                rdzv_backend="c10d",
                rdzv_endpoint="localhost:0",  # any port that is free
                local_addr="localhost",  # a machine need not know its own name
                max_restarts=restarts,
                **_signals(LaunchConfig),
            )
            elastic_launch(config, sys.executable)("-m", "seq2seq", *arguments)
    except SignalException:
        return
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        if failure.exitcode >= 0:
            raise SystemExit(failure.exitcode) from None
        raise UserError(
            f"process {failure.local_rank} of {processes} was killed by "
            f"{signal.Signals(-failure.exitcode).name}; --resume goes on from the last checkpoint, "
            "and --max-restarts 1 does so by itself"
        ) from None
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _told(environment: Mapping[str, str]) -> Iterator[None]:
    """Processes that start within are told this; afterwards the environment is as it was."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _environment(processes: int, given: Mapping[str, str]) -> dict[str, str]:
    """What the processes are told that is not set already."""
    wanted = {
        "OMP_NUM_THREADS": str(max(1, usable_cores() // processes)),
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "600",  # seconds: a validation may have to end first
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    if sys.platform == "linux":
        wanted["GLOO_SOCKET_IFNAME"] = "lo"  # works without any network
    return {name: value for name, value in wanted.items() if name not in given}


def _signals(config: Any) -> dict[str, Any]:
    """The signals that are passed on: not those that are ignored, as `nohup` ignores SIGHUP."""
    if "signals_to_handle" not in config.__dataclass_fields__:  # an older torch has its own list
        return {}
    names = [name for name in _SIGNALS if hasattr(signal, name)]
    heard = [n for n in names if signal.getsignal(signal.Signals[n]) != signal.SIG_IGN]
    return {"signals_to_handle": ",".join(heard)}
