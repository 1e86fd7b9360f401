"""A subclass that computes something of its own has no faster form, unless it says so."""

import pytest
import torch
from torch import nn

from seq2seq.model.fast import offers


class Plain(nn.Module):
    fused = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.score(x)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Larger(Plain):
    """The same equation, of another size."""

    def __init__(self) -> None:
        super().__init__()

    def extra_repr(self) -> str:
        return "larger"


class Doubled(Plain):
    def score(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class DoubledFast(Doubled):
    fused = True


class Slow(Plain):
    fused = False


class HeirOfDoubled(Doubled):
    """Inherits another equation."""


CASES = {Plain: True, Larger: True, Doubled: False, DoubledFast: True, Slow: False}


@pytest.mark.parametrize(("kind", "expected"), [*CASES.items(), (HeirOfDoubled, False)])
def test_a_form_goes_with_the_equation(kind: type[nn.Module], expected: bool) -> None:
    assert offers(kind(), "fused") is expected


def test_a_form_may_depend_on_some_methods_only() -> None:
    assert offers(Doubled(), "fused", ["forward"])
    assert not offers(Doubled(), "fused", ["score"])


def test_a_form_that_no_class_names_is_not_there() -> None:
    assert not offers(nn.Linear(1, 1), "fused")
