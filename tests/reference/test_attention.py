"""Every attention unit against its paper's equation in NumPy loops, or torch's own module.

Shapes: B = 2 sentences of 4 and 3 positions, T = 3 queries, query size 6, memory size 8.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import AttentionConfig
from seq2seq.model.attention import Attended, Attention, build_attention
from seq2seq.model.attention.luong import General
from seq2seq.model.attention.sigma_pi import SigmaPi

Vector = npt.NDArray[np.float64]
B, T, S, Q, E = 2, 3, 4, 6, 8
LENGTHS = (4, 3)


def unit(kind: str, query_size: int = Q, **options: Any) -> Attention:
    torch.manual_seed(2)
    config = AttentionConfig.model_validate({"kind": kind, **options})
    return build_attention(config, query_size, E, token_size=0).double()


def attend(attention: Attention, query_BTQ: Tensor, memory_BSE: Tensor) -> Attended:
    mask_BS = torch.arange(S) < torch.tensor(LENGTHS).unsqueeze(1)
    memory = attention.prepare(memory_BSE, mask_BS)
    attended: Attended = attention(query_BTQ, memory, attention.start(memory))
    return attended


def tensors(query_size: int = Q) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    return (
        torch.randn(B, T, query_size, generator=generator, dtype=torch.float64),
        torch.randn(B, S, E, generator=generator, dtype=torch.float64),
    )


def matrix(layer: nn.Module) -> Vector:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    values: Vector = weight.detach().numpy()
    return values


def softmax(scores: list[float]) -> Vector:
    raised = np.array([math.exp(score) for score in scores])
    return raised / raised.sum()


def check(
    attention: Attention,
    score: Callable[[Vector, Vector], float],
    value: Callable[[Vector], Vector] = lambda h: h,
) -> None:
    """Hold the unit against: weights = softmax over real positions of score(s, h)."""
    query_BTQ, memory_BSE = tensors(attention.query_size)
    attended = attend(attention, query_BTQ, memory_BSE)
    for b, t in np.ndindex(B, T):
        states = memory_BSE[b, : LENGTHS[b]].numpy()
        s = query_BTQ[b, t].numpy()
        weights = softmax([score(s, h) for h in states])
        context = sum(w * value(h) for w, h in zip(weights, states, strict=True))
        found = attended.weights_BHTS[b, 0, t].detach().numpy()
        np.testing.assert_allclose(found[: LENGTHS[b]], weights, rtol=1e-10)
        np.testing.assert_allclose(attended.context_BTV[b, t].detach().numpy(), context, rtol=1e-9)


def test_dot_is_luong_2015_equation_8_first_line() -> None:
    check(unit("dot", query_size=E), lambda s, h: float(s @ h))


def test_general_is_luong_2015_equation_8_second_line() -> None:
    attention = unit("general")
    w = matrix(attention.get_submodule("key"))
    check(attention, lambda s, h: float(s @ w @ h))


@pytest.mark.parametrize(("query_factors", "key_factors"), [(1, 1), (1, 2), (2, 1), (2, 3)])
def test_sigma_pi_adds_up_products_of_units_of_both(query_factors: int, key_factors: int) -> None:
    attention = unit("sigma-pi", rank=5, query_factors=query_factors, key_factors=key_factors)
    assert isinstance(attention, SigmaPi)
    factors = [
        [dict(factor.named_parameters()) for factor in factors]
        for factors in (attention.query, attention.key)
    ]

    def score(s: Vector, h: Vector) -> float:
        total = 0.0
        for r in range(5):
            conjunct = 1.0
            for vector, own in zip((s, h), factors, strict=True):
                for factor in own:
                    weights = factor["weight"][r].tolist()
                    net = sum(w * x for w, x in zip(weights, vector, strict=True))
                    if "bias" in factor:  # a unit that is always on
                        net += float(factor["bias"][r].detach())
                    conjunct *= net
            total += conjunct
        return total

    check(attention, score)


def test_sigma_pi_of_pairs_is_luongs_general() -> None:
    sigma_pi, general = unit("sigma-pi", rank=Q, key_factors=1), unit("general")
    assert isinstance(sigma_pi, SigmaPi)
    assert isinstance(general, General)
    with torch.no_grad():  # s . W h is the sum over r of s_r (W h)_r
        sigma_pi.get_parameter("query.0.weight").copy_(torch.eye(Q))
        sigma_pi.get_parameter("key.0.weight").copy_(general.key.weight)
    one, other = (attend(attention, *tensors()).weights_BHTS for attention in (sigma_pi, general))
    torch.testing.assert_close(one, other)


def test_additive_is_bahdanau_2015_appendix_1_2() -> None:
    attention = unit("additive", size=5)
    w, u = (matrix(attention.get_submodule(name)) for name in ("query", "key"))
    (v,) = matrix(attention.get_submodule("energy"))
    check(attention, lambda s, h: sum(v[k] * math.tanh(w[k] @ s + u[k] @ h) for k in range(5)))


def test_concat_is_luong_2015_equation_8_third_line() -> None:
    attention = unit("concat", size=5)
    both = np.concatenate(
        [matrix(attention.get_submodule(name)) for name in ("query", "key")], axis=1
    )
    (v,) = matrix(attention.get_submodule("energy"))
    check(attention, lambda s, h: float(v @ np.tanh(both @ np.concatenate([s, h]))))


def test_qkv_is_the_articles_variant_2() -> None:
    attention = unit("qkv", size=7)
    q, k, v = (matrix(attention.get_submodule(name)) for name in ("query", "key", "value"))
    check(attention, lambda s, h: float((k @ h) @ (q @ s)) / math.sqrt(7), lambda h: v @ h)


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_multihead_is_torchs_own_module(heads: int) -> None:
    attention = unit("multihead", size=6, heads=heads)
    query_BTQ, memory_BSE = tensors()
    reference = nn.MultiheadAttention(
        6, heads, bias=False, kdim=E, vdim=E, batch_first=True, dtype=torch.float64
    )
    with torch.no_grad():
        reference.q_proj_weight.copy_(attention.get_parameter("query.weight"))
        reference.k_proj_weight.copy_(attention.get_parameter("key.weight"))
        reference.v_proj_weight.copy_(attention.get_parameter("value.weight"))
        reference.out_proj.weight.copy_(attention.get_parameter("output.weight"))
    padding_BS = torch.arange(S) >= torch.tensor(LENGTHS).unsqueeze(1)
    context_BTV, weights_BHTS = reference(
        query_BTQ,
        memory_BSE,
        memory_BSE,
        key_padding_mask=padding_BS,
        average_attn_weights=False,
    )
    attended = attend(attention, query_BTQ, memory_BSE)
    torch.testing.assert_close(attended.context_BTV, context_BTV)
    torch.testing.assert_close(attended.weights_BHTS, weights_BHTS)


def test_cosine_is_graves_2014_equations_5_and_6() -> None:
    attention = unit("cosine")
    w, b = matrix(attention.get_submodule("query")), attention.get_parameter("query.bias")
    (beta,) = matrix(attention.get_submodule("strength"))
    offset = float(attention.get_parameter("strength.bias").detach())

    def score(s: Vector, h: Vector) -> float:
        key = w @ s + b.detach().numpy()
        cosine = float(key @ h) / math.sqrt(float(key @ key) * float(h @ h))
        return math.log(1 + math.exp(beta @ s + offset)) * cosine

    check(attention, score)


def test_location_scores_a_position_whatever_stands_there() -> None:
    attention = unit("location", positions=S, query_size=Q)
    w = matrix(attention.get_submodule("coefficients"))
    b = attention.get_parameter("coefficients.bias").detach().numpy()
    query_BTQ, memory_BSE = tensors()
    attended = attend(attention, query_BTQ, memory_BSE)
    for i, t in np.ndindex(B, T):
        scores = w @ query_BTQ[i, t].numpy() + b
        weights = softmax(list(scores[: LENGTHS[i]]))
        found = attended.weights_BHTS[i, 0, t].detach().numpy()
        np.testing.assert_allclose(found[: LENGTHS[i]], weights, rtol=1e-10)


def test_location_gives_no_weight_to_positions_it_has_no_score_for() -> None:
    attended = attend(unit("location", positions=2), *tensors())
    assert (attended.weights_BHTS[..., 2:] == 0).all()
    torch.testing.assert_close(attended.weights_BHTS.sum(-1), torch.ones(B, 1, T).double())


@pytest.mark.parametrize("addressing", ["local-m", "local-p", "ntm", "entmax", "hard"])
def test_no_addressing_gives_weight_where_location_has_no_score(addressing: str) -> None:
    attended = attend(unit("location", positions=1, addressing=addressing), *tensors())
    assert (attended.weights_BHTS[..., 1:] == 0).all()
    assert (attended.weights_BHTS[..., 0] > 0).all()


def test_location_reads_the_token_before_the_state() -> None:
    config = AttentionConfig.model_validate({"kind": "location"})
    attention = build_attention(config, Q, E, token_size=3)
    assert attention.get_parameter("coefficients.weight").shape == (101, 3 + Q)


def test_location_aware_is_chorowski_2015_equations_8_and_9() -> None:
    attention = unit("location-aware", size=5, filters=2, width=3)
    w, u, mix = (matrix(attention.get_submodule(n)) for n in ("query", "key", "location"))
    (v,) = matrix(attention.get_submodule("energy"))
    filters = matrix(attention.get_submodule("filters"))[:, 0]
    query_BTQ, memory_BSE = tensors()
    found = attend(attention, query_BTQ, memory_BSE).weights_BHTS[:, 0].detach().numpy()
    for b in range(B):
        last = np.zeros(S)
        for t in range(T):
            padded = np.concatenate([[0], last, [0]])
            scores = []
            for j in range(LENGTHS[b]):
                seen = np.array([f @ padded[j : j + 3] for f in filters])
                h, s = memory_BSE[b, j].numpy(), query_BTQ[b, t].numpy()
                scores.append(float(v @ np.tanh(w @ s + u @ h + mix @ seen)))
            last = np.concatenate([softmax(scores), np.zeros(S - LENGTHS[b])])
            np.testing.assert_allclose(found[b, t], last, rtol=1e-9)


def test_coverage_is_see_2017_equation_11() -> None:
    attention = unit("coverage", size=5)
    w, u, c = (matrix(attention.get_submodule(n)) for n in ("query", "key", "coverage"))
    (v,) = matrix(attention.get_submodule("energy"))
    query_BTQ, memory_BSE = tensors()
    found = attend(attention, query_BTQ, memory_BSE).weights_BHTS[:, 0].detach().numpy()
    for b in range(B):
        covered = np.zeros(LENGTHS[b])
        for t in range(T):
            scores = [
                float(v @ np.tanh(w @ query_BTQ[b, t].numpy() + u @ h + c[:, 0] * covered[j]))
                for j, h in enumerate(memory_BSE[b, : LENGTHS[b]].numpy())
            ]
            weights = softmax(scores)
            covered += weights
            np.testing.assert_allclose(found[b, t, : LENGTHS[b]], weights, rtol=1e-9)


def test_uniform_is_the_mean_of_the_memory() -> None:
    query_BTQ, memory_BSE = tensors()
    attended = attend(unit("uniform"), query_BTQ, memory_BSE)
    for b, length in enumerate(LENGTHS):
        mean_E = memory_BSE[b, :length].mean(0)
        torch.testing.assert_close(attended.context_BTV[b], mean_E.expand(T, -1))


def test_none_gives_a_context_of_size_0() -> None:
    attended = attend(unit("none"), *tensors())
    assert attended.context_BTV.shape == (B, T, 0)
    assert attended.weights_BHTS.shape == (B, 0, T, S)
