"""What torchrun, if it started this process, says in its environment; read without torch."""

import os

MEETING = "SEQ2SEQ_MEETING"
"""The folder in which the processes of `seq2seq train --processes` find each other. By a port they
might not: torch's launcher picks a free one, and it may be taken when they come to open it."""


def is_launched() -> bool:
    """Whether torchrun started this process, or `seq2seq train --processes`."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_restarted() -> bool:
    """Whether it started this process once more, since one of those beside it had died."""
    return is_launched() and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def meeting_file() -> str | None:
    """The file by which these processes find each other, another one whenever they are started.

    None if not `seq2seq train --processes` but torchrun started them, which says where.
    """
    if (folder := os.environ.get(MEETING)) is None:
        return None
    return os.path.join(folder, os.environ["TORCHELASTIC_RESTART_COUNT"])


def would_hang() -> bool:
    """Whether processes that were started again would wait for the addresses of those before."""
    if MEETING in os.environ:
        return False
    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return is_launched() and shared and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0"


def world_size() -> int:
    """Return how many processes it started that work together; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if is_launched() else 1


def is_first() -> bool:
    """Whether this is the first of these processes, which writes results."""
    return world_size() == 1 or os.environ["RANK"] == "0"


def is_first_here() -> bool:
    """Whether this is the first of these processes on its machine."""
    return world_size() == 1 or os.environ["LOCAL_RANK"] == "0"
