"""Which type numbers are computed in."""

import logging

import torch
from torch import Tensor

from seq2seq.kernels import products

logger = logging.getLogger(__name__)


def multiplies_bf16(device: str) -> bool:
    """Whether a device of this type multiplies matrices of bf16.

    On a CPU that does not, torch emulates it, in 13 times the time of fp32 (AMD EPYC, AVX2).
    """
    return device != "cpu" or products.BF16


def precision_used(precision: str, device: str) -> str:
    """Return the precision that is computed in where this one is wanted."""
    return "fp32" if precision == "bf16" and not multiplies_bf16(device) else precision


def warn_of_precision(setting: str, precision: str, device: str) -> None:
    """Say that another precision is computed in than `setting` asks for."""
    if (found := precision_used(precision, device)) != precision:
        logger.warning(
            "%s %s: this processor does not multiply %s, computing in %s",
            *(setting, precision, precision, found),
        )


def autocast(precision: str, device: str) -> torch.autocast:
    """Return the block in which matrix products are computed in `precision`, where that is used."""
    return torch.autocast(
        device, torch.bfloat16, enabled=precision_used(precision, device) == "bf16"
    )


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return `tensor` in float32 or wider, as probabilities and losses are computed."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
