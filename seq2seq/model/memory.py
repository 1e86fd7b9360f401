"""How a machine finds, reads and writes the slots of its memory: each equation once.

Shapes: B batch, H heads, N slots, W width of a slot, R shifts; X anything.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

EMPTY = 1e-3
"""The length below which a slot counts as empty: its cosine with any key falls to 0. Without it the
cosine jumps at 0, and its gradient is the inverse of the length. The programs of the authors have
the same: github.com/google-deepmind/dnc, addressing.py."""

LEAST = 1e-30
"""The least weight of which a logarithm is taken."""


def oneplus(raw: Tensor) -> Tensor:
    """Return 1 + softplus(raw), above 1 -- Graves et al. 2016, methods."""
    return 1 + functional.softplus(raw)


def cosines(keys_BHW: Tensor, content_BNW: Tensor) -> Tensor:
    """Return cosines_BHN of keys and slots -- Graves et al. 2014, equation 6."""
    products_BHN = (keys_BHW * _inverse_length(keys_BHW)) @ content_BNW.transpose(1, 2)
    return products_BHN * _inverse_length(content_BNW).transpose(1, 2)


def look_up(keys_BHW: Tensor, strengths_BH1: Tensor, content_BNW: Tensor) -> Tensor:
    """Return weights_BHN by content: softmax(beta cos) -- Graves et al. 2014, equation 5."""
    return (strengths_BH1 * cosines(keys_BHW, content_BNW)).softmax(-1)


def _inverse_length(vectors_BXW: Tensor) -> Tensor:
    squares_BX1 = (vectors_BXW * vectors_BXW).sum(-1, keepdim=True)
    return (squares_BX1 + EMPTY**2).rsqrt()


def interpolate(found: Tensor, last: Tensor, gate: Tensor) -> Tensor:
    """Return the weights found by content where the gate is 1, the last step's where it is 0.

    -- Graves et al. 2014, equation 7.
    """
    return torch.lerp(last, found, gate)


def neighbours(weights_BHN: Tensor, count: int) -> Tensor:
    """Return neighbours_BHNR: of each slot in the ring of slots the weights from the one before
    to the one after, or from as many as make up `count`, an odd number, with the slot itself."""
    reach, slots = count // 2, weights_BHN.size(-1)
    before_BHR, after_BHR = weights_BHN[..., slots - reach :], weights_BHN[..., :reach]
    ring_BHM = torch.cat((before_BHR, weights_BHN, after_BHR), -1)
    return torch.stack([ring_BHM[..., first : first + slots] for first in range(count)], -1)


def shift(neighbours_BHNR: Tensor, shifts_BHR: Tensor) -> Tensor:
    """Return weights_BHN moved up by -1, 0, 1 (or by -2 to 2, and so on), a share by each.

    -- Graves et al. 2014, equation 8. What moves up by one comes from the slot before.
    """
    return (neighbours_BHNR @ shifts_BHR.flip(-1).unsqueeze(-1)).squeeze(-1)


def sharpen(weights: Tensor, sharpness: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return weights^gamma over their sum -- Graves et al. 2014, equation 9; 0 outside the mask.

    As the softmax of gamma log(w), which neither a gamma of 50 nor a weight of 0 makes 0 / 0.
    """
    logits = sharpness * weights.clamp_min(LEAST).log()
    return (logits if mask is None else logits.masked_fill(~mask, float("-inf"))).softmax(-1)


def write(content_BNW: Tensor, weights_BHN: Tensor, erase_BHW: Tensor, add_BHW: Tensor) -> Tensor:
    """Return the content after every head has erased, then every head has added.

    -- Graves et al. 2014, equations 3 and 4.
    """
    for weights_BN, erase_BW in zip(weights_BHN.unbind(1), erase_BHW.unbind(1), strict=True):
        erased_BNW = weights_BN.unsqueeze(2) * erase_BW.unsqueeze(1)
        content_BNW = torch.addcmul(content_BNW, content_BNW, erased_BNW, value=-1)
    return torch.baddbmm(content_BNW, weights_BHN.transpose(1, 2), add_BHW)


def read(content_BNW: Tensor, weights_BHN: Tensor) -> Tensor:
    """Return what each head reads, reads_BHW -- Graves et al. 2014, equation 2."""
    return weights_BHN @ content_BNW


# --- which slots are free, and the order of writing: Graves et al. 2016, methods ------------------

UNUSED = 1e-6
"""The least usage that counts in a product of usages, of which logarithms are taken."""

SAME = 64
"""Usages whose logarithms, in roundings, come to the same multiple of this count as equal."""


def use(usage_BN: Tensor, written_BN: Tensor, read_BHN: Tensor, free_gates_BH: Tensor) -> Tensor:
    """Return the usage after the last step's writing, less what it read and now sets free."""
    kept_BHN = 1 - free_gates_BH.unsqueeze(-1) * read_BHN
    kept_BN = reduce(torch.mul, kept_BHN.unbind(1))  # prod()'s gradient waits for a GPU
    return torch.addcmul(usage_BN + written_BN, usage_BN, written_BN, value=-1) * kept_BN


def allocate(usage_BN: Tensor) -> Tensor:
    """Return allocation_BN: all of it to the least used slot if that is free, else the next.

    a[i] = (1 - u[i]) times the product of u over all slots that are used less -- equation 1. The
    first of equal ones counts as the least used, and usages that differ by rounding alone, as after
    one write to all slots of an empty memory, as equal: which of them is the least would depend on
    the batch.
    """
    kind = torch.finfo(usage_BN.dtype)
    ranks_BN = (usage_BN.detach().clamp_min(kind.tiny).log() / (SAME * kind.eps)).round()
    used_BN = UNUSED + (1 - UNUSED) * usage_BN
    if torch.onnx.is_in_onnx_export():
        order_BN = ranks_BN.argsort()  # ONNX's sort is stable, and has no option that says so
    else:
        order_BN = ranks_BN.argsort(stable=True)
    logs_BN = used_BN.log().gather(-1, order_BN)
    sorted_BN = functional.pad(logs_BN[:, :-1].cumsum(-1), (1, 0)).exp()
    product_BN = torch.zeros_like(sorted_BN).scatter(-1, order_BN, sorted_BN)
    return (1 - used_BN) * product_BN


def precede(precedence_BN: Tensor, written_BN: Tensor) -> Tensor:
    """Return how far each slot is now the last one written."""
    return (1 - written_BN.sum(-1, keepdim=True)) * precedence_BN + written_BN


def link(links_BNN: Tensor, written_BN: Tensor, precedence_BN: Tensor) -> Tensor:
    """Return links_BNN: row i, column j is how far slot i was written next after slot j."""
    kept_BNN = 1 - written_BN.unsqueeze(2) - written_BN.unsqueeze(1)
    linked_BNN = torch.addcmul(
        written_BN.unsqueeze(2) * precedence_BN.unsqueeze(1), kept_BNN, links_BNN
    )
    slots = written_BN.size(-1)
    return linked_BNN * (1 - torch.eye(slots, dtype=linked_BNN.dtype, device=linked_BNN.device))
