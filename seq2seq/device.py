"""The device that computes."""

import torch

from seq2seq.errors import UserError


def find_device(name: str) -> torch.device:
    """Return the device called `name`; `auto` is CUDA where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # it can compute, unlike `meta`
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device: expected auto, cpu or cuda, found {name!r}: {reason}") from None
    return device
