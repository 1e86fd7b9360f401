"""The written-out step of a Neural Turing Machine against the readable one; float64."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.kernels.deferred import deferring
from seq2seq.model.cells.ntm import NTM

B, T, SIZE = 3, 5, 4


def gradients(cell: NTM, inputs_BTI: Tensor, start_BX: Tensor, *, fast: bool) -> list[Tensor]:
    """Outputs, and the gradients of all parameters and of what came in."""
    given = inputs_BTI.clone().requires_grad_(), start_BX.clone().requires_grad_()
    cell.zero_grad()
    if fast:
        with deferring():
            outputs_BTD, state = cell(given[0], cell.start(given[1]))
    else:
        outputs_BTD, state = cell(given[0], cell.start(given[1]))
    content_BNW, weights_BHN = state.memory
    mixed = torch.linspace(-1, 1, outputs_BTD.numel(), dtype=torch.float64)
    loss = (outputs_BTD.flatten() * mixed).sum() + content_BNW.pow(3).sum()
    (loss + weights_BHN.pow(2).sum()).backward()
    found = [*(p.grad for p in cell.parameters()), *(tensor.grad for tensor in given)]
    return [outputs_BTD.detach(), *(g.clone() for g in found if g is not None)]


@pytest.mark.parametrize(
    "options",
    [
        {"slots": 7, "width": 3, "controller": "gru"},
        {"slots": 5, "width": 4, "reads": 3, "shift": 2, "controller": "feed-forward"},
        {"slots": 1, "width": 2, "controller": "lstm"},
    ],
)
def test_it_has_the_values_and_gradients_of_the_readable_step(options: dict[str, Any]) -> None:
    torch.manual_seed(2)
    cell = NTM(3, SIZE, **options).double()
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter)
    inputs_BTI = torch.randn(B, T, 3, dtype=torch.float64)
    start_BX = torch.randn(B, cell.state_size, dtype=torch.float64)
    plain = gradients(cell, inputs_BTI, start_BX, fast=False)
    fast = gradients(cell, inputs_BTI, start_BX, fast=True)
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one, other)
