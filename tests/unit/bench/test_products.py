"""The count of matrix products against arithmetic on paper, and against torch's own counter.

Shapes: B sentences, S source and T target places, I embedding size, D layer size, E memory size,
K units of the attention, W vocabulary, N real target tokens.
"""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seq2seq.bench.products import (
    _FUSED,
    Operand,
    Product,
    Recorder,
    _layers_products,
    dominant,
    product,
    seconds_each,
    square,
    total_flops,
)
from seq2seq.config import ModelConfig
from seq2seq.data.batching import Batch
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import batch_loss

B, S, T, I, D, W = 3, 7, 5, 4, 6, 11  # noqa: E741 -- as in the model's files
CPU = torch.device("cpu")


def batch() -> Batch:
    ids = torch.randint(4, W, (B, max(S, T)))
    return Batch(
        source_BS=ids[:, :S],
        source_lengths_B=torch.tensor([7, 4, 6]),
        inputs_BT=ids[:, :T],
        targets_BT=ids[:, :T],
        target_lengths_B=torch.tensor([5, 2, 3]),
        real_BT=torch.arange(T) < torch.tensor([[5], [2], [3]]),
        source_tokens=17,
        target_tokens=10,
    )


def model(**settings: object) -> Seq2Seq:
    encoder = {"size": D, "kind": settings.pop("kind", "gru")}
    config = {"embedding": I, "encoder": encoder, "decoder": {"size": 2 * D}, **settings}
    return Seq2Seq(ModelConfig.model_validate(config), W, W)


def recorded(network: Seq2Seq) -> Counter[Product]:
    with Recorder() as recorder:
        batch_loss(network, batch(), CPU, 0.1).total.backward()
    return recorder.counts


def test_a_layer_costs_two_operations_a_weight_and_row_and_twice_that_backward() -> None:
    layer, rows_BI = nn.Linear(I, D), torch.randn(B, I, requires_grad=True)
    with Recorder() as recorder:
        layer(rows_BI).sum().backward()
    assert total_flops(recorder.counts) == 3 * 2 * B * I * D
    assert {each.flops for each in recorder.counts} == {2 * B * I * D}


def test_a_batch_of_products_costs_as_many_as_it_has() -> None:
    with Recorder() as recorder:
        torch.randn(B, S, I) @ torch.randn(B, I, D)
    ((found, times),) = recorder.counts.items()
    assert (times, found.flops) == (1, 2 * B * S * I * D)
    assert found.render([S, I, D]) == "n x 7 x 4 x 6"


def test_an_update_of_the_standard_model_costs_what_its_equations_say() -> None:
    memory, state, real = 2 * D, 2 * D, 10
    encoder = 2 * (B * S * I * 3 * D + S * B * D * 3 * D)  # two directions
    once = B * S * memory * state + B * memory * state  # keys, bridge
    step = state * state + S * state + S * memory  # query, energies, context
    step += memory * 3 * state + state * 3 * state  # both into the cell
    decoder = B * T * I * 3 * state + T * B * step
    readout = B * T * (state + I + memory) * I
    forward = 2 * (encoder + once + decoder + readout + real * I * W)
    starts = 2 * (2 * B * D * 3 * D)  # the encoder's start from zeros, and need no gradient
    assert total_flops(recorded(model())) == 3 * forward - starts


@pytest.mark.parametrize("attention", ["additive", "general", "multihead", "location-aware"])
@pytest.mark.parametrize("decoder", ["bahdanau", "luong", "conditional"])
def test_the_count_is_that_of_torchs_own_counter(attention: str, decoder: str) -> None:
    settings = {"attention": attention, "decoder": {"kind": decoder, "size": 2 * D}}
    with FlopCounterMode(display=False) as counter:
        batch_loss(model(**settings), batch(), CPU, 0.1).total.backward()
    assert total_flops(recorded(model(**settings))) == counter.get_total_flops()


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="the layer is not fused here")
def test_a_layer_in_one_fused_call_costs_what_its_steps_do() -> None:
    layer, inputs_BTI = nn.LSTM(I, D, batch_first=True), torch.randn(B, T, I, requires_grad=True)
    with Recorder() as recorder:
        layer(inputs_BTI)[0].sum().backward()
    assert total_flops(recorder.counts) == 3 * 2 * B * T * (I + D) * 4 * D
    with FlopCounterMode(display=False) as counter:  # in float64 it goes step by step
        layer.double()(inputs_BTI.detach().double().requires_grad_())[0].sum().backward()
    start = 2 * B * D * 4 * D  # its gradient, which the steps can leave out
    assert total_flops(recorder.counts) == counter.get_total_flops() + start


@pytest.mark.parametrize("flat", [False, True], ids=["matrices", "columns"])
@pytest.mark.parametrize(("name", "forward"), [("_cudnn_rnn", 1), ("_cudnn_rnn_backward", 2)])
def test_fused_layers_of_cuda_cost_the_same(name: str, forward: int, flat: bool) -> None:
    """Two layers in two directions by one call; autocast hands their matrices over as columns."""
    shapes = [(4 * D, I), (4 * D, D), (4 * D,), (4 * D,)] * 2
    shapes += [(4 * D, 2 * D), (4 * D, D), (4 * D,), (4 * D,)] * 2
    weights = [torch.zeros(shape) for shape in shapes]
    if flat:
        weights = [weight.reshape(-1, 1) if weight.dim() == 2 else weight for weight in weights]
    state_LBD = torch.zeros(4, B, D)
    arguments = [torch.zeros(B, T, I), weights, 4, None, state_LBD, state_LBD]  # by its schema
    counts = _layers_products(_FUSED[getattr(torch.ops.aten, name)], arguments)
    assert total_flops(counts) == forward * 2 * B * T * 4 * D * 2 * ((I + D) + (2 * D + D))


def test_the_products_of_bf16_are_of_bf16() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        counts = recorded(model(attention="general"))  # additive energies stay in float32
    assert {operand.dtype for each in counts for operand in each.operands} == {torch.bfloat16}


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_each_product_of_an_update_can_be_made_again_and_timed(kind: str) -> None:
    counts = recorded(model(kind=kind, attention="location-aware"))
    by_library = list(seconds_each(counts, CPU))
    assert all(min(seconds.values()) > 0 for seconds in by_library)


def test_an_operand_is_laid_out_as_the_tensor_that_it_stands_for() -> None:
    whole = torch.randn(B, S, I, dtype=torch.float64)
    for tensor in (whole, whole[:, 2:5], whole.transpose(0, 2), whole[:1].expand(B, S, I)):
        drawn = Operand.of(tensor).drawn(CPU)
        assert (drawn.shape, drawn.stride()) == (tensor.shape, tensor.stride())
        assert drawn.dtype == torch.float64
        assert drawn.isfinite().all()
    assert Operand.of(whole[0]).turned == Operand.of(whole[0].T)


def test_the_dominant_products_are_the_fewest_that_make_the_share() -> None:
    small, middle, large = (square(size, torch.float32) for size in (1, 2, 4))
    counts = {small: 8, large: 1, middle: 2}  # 16, 128 and 32 operations
    assert total_flops(counts) == 176
    assert dominant(counts, 0.5) == [large]
    assert dominant(counts, 128 / 176) == [large]
    assert dominant(counts, 0.8) == [large, middle]
    assert dominant(counts, 1.0) == [large, middle, small]


def test_a_product_is_told_by_its_sizes() -> None:
    left, right = (Operand.dense(*shape, dtype=torch.float32) for shape in ((5, 3000), (3000, 6)))
    assert product(left, right).flops == 2 * 5 * 3000 * 6
    assert product(left, right).render([3000, 6]) == "n x 3,000 x 6"
