"""The fast path of training against the readable one: the same outputs, the same gradients."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import seq2seq.kernels.energies
from seq2seq.bundled import find_recipe
from seq2seq.config import load_config
from seq2seq.kernels.deferred import deferring, is_deferring, linear, matmul, readable
from seq2seq.kernels.energies import energies, plain_energies
from seq2seq.model.model import Seq2Seq, TeacherForcing

SIZES = ["model.embedding=6", "model.encoder.size=4", "model.decoder.size=8", "model.dropout=0.1"]
PIECES = 20

MODELS = {
    "additive before the cell": [],
    "between two cells": ["model.decoder.kind=conditional"],
    "after the cell": ["model.decoder.kind=luong"],
    "input feeding": ["model.decoder.kind=luong", "model.decoder.input_feeding=true"],
    "two layers": ["model.decoder.layers=2", "model.encoder.layers=2"],
    "lstm": ["model.decoder.cell=lstm", "model.encoder.kind=lstm"],
    "general": ["model.attention=general"],
    "multihead": ["model.attention={kind: multihead, heads: 2}"],
    "location-aware": ["model.attention=location-aware"],
    "coverage": ["model.attention=coverage"],
    "cosine, ntm": ["model.attention={kind: cosine, addressing: ntm}"],
    "local-p": ["model.attention={kind: additive, addressing: local-p}"],
    "none": ["model.attention=none"],
    "self-attention": ["model.encoder.self_attention=additive"],
}


@pytest.fixture(autouse=True)
def _nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.kernels.deferred.SMALL", 0)


def loss_of(model: Seq2Seq, forced: bool) -> Tensor:
    torch.manual_seed(2)
    source_BS, inputs_BT = torch.randint(4, PIECES, (3, 5)), torch.randint(4, PIECES, (3, 4))
    forcing = None
    if not forced:
        forcing = TeacherForcing(torch.rand(3, 4) < 0.5, lambda logits_BW: logits_BW.argmax(-1))
    decoded = model(source_BS, torch.tensor([5, 3, 1]), inputs_BT, forcing)
    features_BTF = decoded.features_BTF
    log_probs_BTW: Tensor = model.output(features_BTF).log_softmax(-1)
    return -log_probs_BTW[..., 3].sum()


def gradients(model: Seq2Seq) -> dict[str, Tensor]:
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return {name: each.clone() for name, each in found.items()}


def assert_same(ours: list[Tensor], theirs: list[Tensor], leaves: list[Tensor]) -> None:
    """Outputs, and gradients of something of them."""
    torch.testing.assert_close(ours, theirs)
    wanted = [each.detach().cos() for each in theirs]
    mine, others = (torch.autograd.grad(each, leaves, wanted) for each in (ours, theirs))
    torch.testing.assert_close(mine, others)


def build(settings: list[str]) -> Seq2Seq:
    overrides = ["data.train=x", "data.valid=x", *SIZES, *settings]
    torch.manual_seed(1)
    config = load_config(find_recipe(Path("base")), overrides)
    model = Seq2Seq(config.model, PIECES, PIECES).double().train()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


@pytest.mark.parametrize("forced", [True, False])
@pytest.mark.parametrize("settings", MODELS.values(), ids=MODELS.keys())
def test_a_model_has_the_gradients_of_the_readable_path(settings: list[str], forced: bool) -> None:
    model = build(settings)
    fast = loss_of(model, forced)
    fast.backward()
    deferred = gradients(model)
    with readable():
        plain = loss_of(model, forced)
        plain.backward()
    expected = gradients(model)
    torch.testing.assert_close(fast, plain)
    assert deferred.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(deferred[name], gradient)


def test_gradients_of_products_are_those_of_torch() -> None:
    torch.manual_seed(1)
    inputs = [torch.randn(2, 3, dtype=torch.double, requires_grad=True) for _ in range(4)]
    weight = torch.randn(5, 3, dtype=torch.double, requires_grad=True)
    bias = torch.randn(5, dtype=torch.double, requires_grad=True)
    leaves = [*inputs, weight, bias]
    with deferring():
        ours = [linear(x, weight, bias) for x in inputs]
    theirs = [functional.linear(x, weight, bias) for x in inputs]
    assert_same(ours, theirs, leaves)


def test_a_matrix_may_be_met_with_its_bias_and_without() -> None:
    x, weight = torch.randn(2, 3), torch.randn(5, 3, requires_grad=True)
    bias = torch.randn(5, requires_grad=True)
    with deferring():
        ours = [linear(x, weight, bias), linear(x, weight)]
    theirs = [functional.linear(x, weight, bias), functional.linear(x, weight)]
    assert_same(ours, theirs, [weight, bias])


@pytest.mark.parametrize("transposed", [True, False])
def test_gradients_of_batched_products_are_those_of_torch(transposed: bool) -> None:
    torch.manual_seed(1)
    shape = (2, 1, 5, 3) if transposed else (2, 1, 3, 5)
    right = torch.randn(shape, dtype=torch.double, requires_grad=True)
    lefts = [torch.randn(2, 1, t, 3, dtype=torch.double, requires_grad=True) for t in (1, 1, 2)]
    with deferring():
        ours = [matmul(left, right, transposed=transposed) for left in lefts]
    theirs = [left @ (right.mT if transposed else right) for left in lefts]
    assert_same(ours, theirs, [*lefts, right])


def test_a_second_backward_does_not_count_the_first_again() -> None:
    x = torch.randn(2, 3, requires_grad=True)
    weight = torch.randn(5, 3, requires_grad=True)
    with deferring():
        loss = linear(linear(x, weight).sin() @ weight.detach(), weight).sum()
    torch.autograd.grad(loss, x, retain_graph=True)  # does not want that of the weight
    (first,) = torch.autograd.grad(loss, weight, retain_graph=True)
    (second,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(first, second)
    plain = functional.linear(functional.linear(x, weight).sin() @ weight.detach(), weight).sum()
    torch.testing.assert_close(first, torch.autograd.grad(plain, weight)[0])


def test_products_under_autocast_are_in_its_type() -> None:
    x, weight = torch.randn(2, 3), torch.randn(5, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16), deferring():
        product = linear(x, weight)
        product.sum().backward()
    assert product.dtype == torch.bfloat16
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, x.sum(0).expand(5, 3), atol=0.05, rtol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [[1, 1, 1], [3]])
def test_energies_and_their_gradients_are_those_of_the_equation(
    steps: list[int], dtype: torch.dtype
) -> None:
    torch.manual_seed(1)
    queries = [torch.randn(2, 1, t, 6, dtype=dtype, requires_grad=True) for t in steps]
    keys_BHSK = torch.randn(2, 1, 4, 6, dtype=dtype, requires_grad=True)
    vector_K = torch.randn(6, dtype=dtype, requires_grad=True)
    leaves = [*queries, keys_BHSK, vector_K]
    with deferring():
        ours = [energies(query, keys_BHSK, vector_K) for query in queries]
    theirs = [plain_energies(query, keys_BHSK, vector_K) for query in queries]
    assert_same(ours, theirs, leaves)


@pytest.mark.parametrize("chunk", [1, 50, 2**19])  # a sentence at a time, two, all
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_without_gradients_energies_are_those_of_the_equation(
    chunk: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seq2seq.kernels.energies, "UNRECORDED_CHUNK", chunk)
    torch.manual_seed(1)
    inputs = [torch.randn(*shape, dtype=dtype) for shape in ((3, 1, 2, 6), (3, 1, 4, 6), (6,))]
    with torch.no_grad():
        found = energies(*inputs)
    wide = [each.to(found.dtype) for each in inputs]
    torch.testing.assert_close(found, plain_energies(*wide))
    assert found.dtype is torch.promote_types(dtype, torch.float32)


def test_another_thread_does_not_defer() -> None:
    weight = torch.randn(5, 3, requires_grad=True)
    with deferring(), ThreadPoolExecutor(1) as pool:
        assert is_deferring(weight)
        assert not pool.submit(is_deferring, weight).result()


def test_inside_readable_nothing_defers() -> None:
    weight = torch.randn(5, 3, requires_grad=True)
    with readable(), deferring():
        assert not is_deferring(weight)
    with deferring(), readable():
        assert not is_deferring(weight)
