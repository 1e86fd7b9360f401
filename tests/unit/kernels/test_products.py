"""oneDNN's products and torch's own are the same, and each is taken where it may be."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.errors import UserError
from seq2seq.kernels import products

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
    monkeypatch.setattr(products, "library", lambda: "onednn")
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


# --- packed --------------------------------------------------------------------------------------


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> products.Packs:
    monkeypatch.setattr(products, "WORTH_PACKING", 0)
    return products.Packs()


@needs_onednn
@pytest.mark.parametrize("shape", [(3, 8), (2, 3, 8), (8,), (0, 8)])
@pytest.mark.parametrize(
    "weight",
    [WIDE, WIDE.t().contiguous().t(), torch.cat((BIAS.view(4, 1), WIDE), 1)[:, 1:]],
    ids=["rows", "columns", "slice"],
)
@pytest.mark.parametrize("bias", [None, BIAS], ids=["plain", "bias"])
def test_a_packed_matrix_gives_what_torch_gives(
    shape: tuple[int, ...], weight: Tensor, bias: Tensor | None, packs: products.Packs
) -> None:
    input = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = functional.linear(input, weight, bias)
    with torch.no_grad(), products.packing(packs):
        for _ in range(2):
            torch.testing.assert_close(products.linear(input, weight, bias), expected)
    with torch.no_grad():  # outside it is forgotten
        torch.testing.assert_close(products.linear(input, weight, bias), expected)


@needs_onednn
def test_a_matrix_is_packed_once(packs: products.Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    pack: Callable[[Tensor], Tensor] = torch.ops.mkldnn._reorder_linear_weight
    made: list[Tensor] = []

    def noting(weight: Tensor) -> Tensor:
        made.append(weight)
        return pack(weight)

    monkeypatch.setattr(products, "ONEDNN_PACK", noting)
    input = torch.ones(3, 8)
    with torch.no_grad(), products.packing(packs):
        for slice_ in (WIDE[:2], WIDE[2:], WIDE[:2]):  # one storage, two matrices
            torch.testing.assert_close(
                products.linear(input, slice_), functional.linear(input, slice_)
            )
    assert len(made) == 2


def test_without_bf16_in_the_processor_nothing_is_packed_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "BF16", False)
    assert not products.can_pack(torch.bfloat16)
    with torch.no_grad(), products.packing(products.Packs(torch.bfloat16)):
        found = products.linear(torch.ones(3, 8), WIDE, BIAS)
    torch.testing.assert_close(found, functional.linear(torch.ones(3, 8), WIDE, BIAS))


@pytest.mark.skipif(not products.BF16, reason="this processor has no bf16")
@pytest.mark.usefixtures("packs")
def test_a_packed_product_may_be_in_another_type() -> None:
    input = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), products.packing(products.Packs(torch.bfloat16)):
        found = products.linear(input, WIDE, BIAS)
    expected = functional.linear(input, WIDE, BIAS)
    torch.testing.assert_close(found, expected, atol=0.5, rtol=0.02)
    assert found.dtype is torch.float32
    assert not torch.equal(found, expected)


@torch.no_grad()
def test_other_types_and_autocast_are_not_packed(
    packs: products.Packs, taken: list[tuple[int, ...]]
) -> None:
    with products.packing(packs):
        products.linear(torch.ones(3, 8).double(), WIDE.double())
        with torch.autocast("cpu", torch.bfloat16):
            assert products.linear(torch.ones(3, 8), WIDE).dtype is torch.bfloat16
    assert not taken


def test_with_gradients_nothing_is_packed(packs: products.Packs) -> None:
    weight = WIDE.clone().requires_grad_()
    with products.packing(packs):
        products.linear(torch.ones(3, 8), weight).sum().backward()
    torch.testing.assert_close(weight.grad, torch.full((4, 8), 3.0))


LIBRARY = products.library
"""Not what the fixture puts in its place."""


@pytest.fixture
def torch_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """What makes this processor one of Intel's or another, with these libraries in torch."""

    def make(*, intel: bool, mkl: bool, onednn: bool) -> None:
        monkeypatch.setattr(products, "is_intel", lambda: intel)
        monkeypatch.setattr(products, "_has_onednn", lambda: onednn)
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)

    yield make
    products.use("auto")


@pytest.mark.parametrize(
    ("intel", "mkl", "onednn", "expected"),
    [
        (True, True, True, "mkl"),
        (False, True, True, "onednn"),
        (False, True, False, "mkl"),
        (False, False, True, "onednn"),
        (True, False, True, "onednn"),
        (False, False, False, "torch"),
    ],
)
def test_auto_is_mkl_on_intel_and_onednn_elsewhere(
    intel: bool, mkl: bool, onednn: bool, expected: str, torch_with: Callable[..., None]
) -> None:
    torch_with(intel=intel, mkl=mkl, onednn=onednn)
    assert LIBRARY() == expected


@pytest.mark.parametrize("intel", [True, False])
def test_a_library_that_is_set_is_taken(intel: bool, torch_with: Callable[..., None]) -> None:
    torch_with(intel=intel, mkl=True, onednn=True)
    for library in ("mkl", "onednn"):
        products.use(library)
        assert LIBRARY() == library


@pytest.mark.parametrize("library", ["mkl", "onednn"])
def test_a_library_that_torch_lacks_is_refused(
    library: str, torch_with: Callable[..., None]
) -> None:
    torch_with(intel=True, mkl=False, onednn=False)
    with pytest.raises(UserError, match=f"training.products {library}: .* lacks it; set auto"):
        products.use(library)


def test_what_one_thread_sets_another_does_not_see(torch_with: Callable[..., None]) -> None:
    torch_with(intel=True, mkl=True, onednn=True)
    products.use("onednn")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(LIBRARY).result() == "mkl"
