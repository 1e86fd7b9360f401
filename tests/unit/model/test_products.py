"""oneDNN's products and torch's own are the same, and each is taken where it may be."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.model import products

WIDE = torch.zeros(4, 8).add(torch.arange(8.0)).mul(torch.arange(1.0, 5).unsqueeze(1))
BIAS = torch.arange(4.0)


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Every product is worth it; the shapes of those that oneDNN made."""
    shapes: list[tuple[int, ...]] = []
    onednn_linear = products.onednn_linear

    def noting(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        shapes.append(tuple(input.shape))
        return onednn_linear(input, weight, bias)

    monkeypatch.setattr(products, "WORTH", 0)
    monkeypatch.setattr(products, "onednn_linear", noting)
    return shapes


needs_onednn = pytest.mark.skipif(
    not products.suits_onednn(WIDE, WIDE), reason="this build of torch has no oneDNN"
)


@needs_onednn
@pytest.mark.parametrize("shape", [(3, 8), (2, 3, 8), (8,), (0, 8)])
@pytest.mark.parametrize("weight", [WIDE, WIDE.t().contiguous().t()], ids=["rows", "columns"])
@pytest.mark.parametrize("bias", [None, BIAS], ids=["plain", "bias"])
def test_onednn_gives_what_torch_gives(
    shape: tuple[int, ...], weight: Tensor, bias: Tensor | None, taken: list[tuple[int, ...]]
) -> None:
    generator = torch.Generator().manual_seed(1)
    input = torch.randn(shape, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(
            products.linear(input, weight, bias), functional.linear(input, weight, bias)
        )
    assert taken == [shape]


def test_with_gradients_it_is_torchs_own(taken: list[tuple[int, ...]]) -> None:
    weight = WIDE.clone().requires_grad_()
    products.linear(torch.ones(3, 8), weight).sum().backward()
    torch.testing.assert_close(weight.grad, torch.full((4, 8), 3.0))
    assert not taken


@torch.no_grad()
def test_slices_other_types_and_autocast_are_torchs_own(taken: list[tuple[int, ...]]) -> None:
    input = torch.ones(3, 4)
    torch.testing.assert_close(
        products.linear(input, WIDE[:, 2:6]), functional.linear(input, WIDE[:, 2:6])
    )
    assert products.linear(input.double(), WIDE[:, :4].double()).dtype is torch.float64
    with torch.autocast("cpu", torch.bfloat16):
        assert products.linear(torch.ones(3, 8), WIDE).dtype is torch.bfloat16
    assert not taken


@torch.no_grad()
def test_a_small_product_is_torchs_own(
    taken: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "WORTH", 3 * WIDE.numel())
    products.linear(torch.ones(2, 8), WIDE)
    assert not taken
