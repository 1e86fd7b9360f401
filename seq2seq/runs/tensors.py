"""Tensors that are read or written: finite, of the shape and type expected, and written whole."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from seq2seq.runs.files import first_line

_SYSTEM_ERROR = re.compile(r"os error (\d+)")


def why_not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return the name of the first tensor that holds NaN or infinity, and which; or nothing.

    The least and the greatest value tell, as NaN is both: one pass, and no tensor beside.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.numel():
            wide = tensor.float() if tensor.itemsize == 1 else tensor  # of 8 bits torch knows none
            extremes = torch.stack(wide.detach().aminmax())
            if not extremes.isfinite().all():
                worst = extremes[~extremes.isfinite()][0]
                return f"{name} holds {float(worst)}, where every number must be finite"
    return ""


def why_unlike(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Return the first name, type or shape in which `tensors` are not as `expected`; or nothing."""
    if unknown := sorted(tensors.keys() ^ expected.keys()):
        return f"only the {'model' if unknown[0] in expected else 'file'} has {unknown[0]}"
    for name, tensor in expected.items():
        if kind(tensor) != kind(tensors[name]):
            return f"{name}: expected {kind(tensor)}, found {kind(tensors[name])}"
    return ""


def kind(tensor: Tensor) -> str:
    """Return type and shape in a few words: `float32 of 3 x 4`, `float32 of one number`."""
    shape = " x ".join(map(str, tensor.shape)) if tensor.dim() else "one number"
    return f"{str(tensor.dtype).removeprefix('torch.')} of {shape}"


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors with safetensors; OSError where they can't be written."""
    try:
        save_file(dict(weights), path)
    except SafetensorError as error:
        if number := _SYSTEM_ERROR.search(str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
        raise OSError(first_line(error)) from None


def save_tensors(content: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values with `torch.save`; OSError where they can't be written.

    torch itself tells of a full disk with a RuntimeError on positions in its archive.
    """
    try:
        with path.open("wb") as file:
            torch.save(content, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise OSError(first_line(error)) from None
