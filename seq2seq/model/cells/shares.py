"""The product of a cell's input with a matrix, taken apart into shares of the input's slices.

Shapes: I input size, G size of what a step reads.
"""

from functools import partial

from torch import Tensor

from seq2seq.kernels.deferred import is_deferring, linear, memoised
from seq2seq.model.contract import Share


def product_shares(
    weight_GI: Tensor, bias_G: Tensor | None, sizes: tuple[int, ...]
) -> tuple[Share, ...]:
    """Return the products with the slices of the matrix, the first with the bias, if any."""
    first_GI, *others = slices(weight_GI, sizes)
    return (
        partial(linear, weight=first_GI, bias=bias_G),
        *(partial(linear, weight=slice_GI) for slice_GI in others),
    )


def slices(weight_GI: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Return the matrix cut into slices of these sizes, each (G, size)."""
    if is_deferring(weight_GI):  # gradients are collected by tensor, so each step needs the same
        return memoised(weight_GI, sizes, lambda: weight_GI.split(sizes, dim=1))
    return weight_GI.split(sizes, dim=1)
