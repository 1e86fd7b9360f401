"""What torchrun, if it started this process, says in its environment; read without torch."""

import os


def world_size() -> int:
    """Return how many processes torchrun started that work together; 1 if it did not."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def speaks() -> bool:
    """Whether this process tells of a mistake that all of its machine see."""
    return world_size() == 1 or os.environ["LOCAL_RANK"] == "0"


def is_restarted() -> bool:
    """Whether torchrun started the processes once more, since one of them had died."""
    return world_size() > 1 and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
