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
        reason = str(error).splitlines()[0].partition(" device type at start")[0]
        told = (
            "" if "Expected one of" in reason else f": {reason}"
        )  # a list of all that torch knows
        raise UserError(
            f"device: expected auto, cpu, cuda or cuda:1, found {name!r}{told}"
        ) from None
    return device
