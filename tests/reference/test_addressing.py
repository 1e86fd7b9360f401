"""Every addressing against its paper's equation in NumPy loops, over the scores of `general`.

Shapes: B = 2 sentences of 4 and 3 positions, T = 3 queries, query size 6, memory size 8.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.config import AttentionConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import Attended, Attention, Choices, build_attention
from seq2seq.model.attention.hard import Stochastic
from seq2seq.model.probe import recording

B, T, S, Q, E = 2, 3, 4, 6, 8
LENGTHS = (4, 3)


def unit(addressing: str, **options: Any) -> Attention:
    torch.manual_seed(2)
    settings = {"kind": "general", "addressing": {"kind": addressing, **options}}
    attention = build_attention(AttentionConfig.model_validate(settings), Q, E).double().eval()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    return attention


def attend(attention: Attention, query_BTQ: Tensor | None = None) -> tuple[Attended, Tensor]:
    """What is attended to with random queries, and the scores behind it, shape (B, T, S)."""
    generator = torch.Generator().manual_seed(4)
    memory_BSE = torch.randn(B, S, E, generator=generator, dtype=torch.float64)
    if query_BTQ is None:
        query_BTQ = queries()
    mask_BS = torch.arange(S) < torch.tensor(LENGTHS).unsqueeze(1)
    memory = attention.prepare(memory_BSE, mask_BS)
    with recording() as seen:
        attended: Attended = attention(query_BTQ, memory, attention.start(memory))
    return attended, torch.cat(seen["scores_BHTS"], 2)[:, 0]


def queries() -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(B, T, Q, generator=generator, dtype=torch.float64)


def rows(attended: Attended, scores_BTS: Tensor) -> Iterator[tuple[int, int, Any, Any]]:
    """(sentence, step, weights found, scores) over real positions; none lies on padding."""
    weights_BTS = attended.weights_BHTS[:, 0].detach().numpy()
    for b, t in np.ndindex(B, T):
        assert (weights_BTS[b, t, LENGTHS[b] :] == 0).all()
        yield b, t, weights_BTS[b, t, : LENGTHS[b]], scores_BTS[b, t, : LENGTHS[b]].numpy()


def softmax(scores: Any) -> Any:
    raised = np.exp(scores)
    return raised / raised.sum()


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    for _, _, weights, scores in rows(*attend(unit("sparsemax"))):
        # Martins and Astudillo 2016, algorithm 1.
        falling = sorted(scores, reverse=True)
        ranks = range(1, len(scores) + 1)
        support = max(k for k in ranks if 1 + k * falling[k - 1] > sum(falling[:k]))
        threshold = (sum(falling[:support]) - 1) / support
        expected = [max(score - threshold, 0) for score in scores]
        np.testing.assert_allclose(weights, expected, atol=1e-9)


@pytest.mark.parametrize("alpha", [1.5, 1.3, 2.0])
def test_entmax_is_its_threshold_form(alpha: float) -> None:
    for _, _, weights, scores in rows(*attend(unit("entmax", alpha=alpha))):
        # Peters et al. 2019, equation 3, tau found by halving.
        low, high = -50.0, 50.0
        for _ in range(200):
            middle = (low + high) / 2
            raised = [max((alpha - 1) * z - middle, 0) ** (1 / (alpha - 1)) for z in scores]
            low, high = (middle, high) if sum(raised) > 1 else (low, middle)
        np.testing.assert_allclose(weights, raised, atol=1e-6)


def test_local_m_is_a_softmax_in_a_window_about_the_step() -> None:
    for b, t, weights, scores in rows(*attend(unit("local-m", window=1))):
        centre = min(t, LENGTHS[b] - 1)
        inside = [j for j in range(LENGTHS[b]) if centre - 1 <= j <= centre + 1]
        expected = np.zeros(LENGTHS[b])
        expected[inside] = softmax(scores[inside])
        np.testing.assert_allclose(weights, expected, rtol=1e-9)


def test_local_m_stays_at_the_end_of_a_short_source() -> None:
    attention = unit("local-m", window=1)
    long_BTQ = torch.randn(B, 12, Q, dtype=torch.float64)
    weights_BTS = attend(attention, long_BTQ)[0].weights_BHTS[:, 0]
    torch.testing.assert_close(weights_BTS.sum(-1), torch.ones(B, 12).double())
    assert (weights_BTS[1, 11, :1] == 0).all()


def test_local_p_is_luong_2015_equations_9_and_10() -> None:
    attention = unit("local-p", window=2)
    first, last = (attention.addressing.get_parameter(f"position.{n}.weight") for n in (0, 2))
    w, (v,) = first.detach().numpy(), last.detach().numpy()
    query_BTQ = queries()
    for b, t, weights, scores in rows(*attend(attention)):
        centre = LENGTHS[b] / (1 + math.exp(-v @ np.tanh(w @ query_BTQ[b, t].numpy())))
        inside = [j for j in range(LENGTHS[b]) if abs(j - centre) <= 2]
        expected = np.zeros(LENGTHS[b])
        sigma = 2 / 2
        for j, weight in zip(inside, softmax(scores[inside]), strict=True):
            expected[j] = weight * math.exp(-((j - centre) ** 2) / (2 * sigma**2))
        np.testing.assert_allclose(weights, expected, rtol=1e-9)


def test_local_p_tells_every_position_of_a_long_source_apart_in_bf16() -> None:
    attention = unit("local-p", window=4).to(torch.bfloat16)
    length = 300
    memory_BSE = torch.zeros(1, length, E, dtype=torch.bfloat16)
    memory = attention.prepare(memory_BSE, torch.ones(1, length, dtype=torch.bool))
    query_BTQ = queries()[:1].to(torch.bfloat16)
    weights_TS = attention(query_BTQ, memory, attention.start(memory)).weights_BHTS[0, 0]
    assert ((weights_TS > 0).sum(-1) <= 9).all()


def test_ntm_is_graves_2014_equations_7_to_9() -> None:
    attention = unit("ntm")
    w = attention.addressing.get_parameter("control.weight").detach().numpy()
    bias = attention.addressing.get_parameter("control.bias").detach().numpy()
    query_BTQ = queries()
    last: dict[int, Any] = {b: np.eye(n)[0] for b, n in enumerate(LENGTHS)}
    for b, t, weights, scores in rows(*attend(attention)):
        gate, *shifts, sharpness = w @ query_BTQ[b, t].numpy() + bias
        gate, gamma = 1 / (1 + math.exp(-gate)), 1 + math.log(1 + math.exp(sharpness))
        shift = dict(zip((-1, 0, 1), softmax(shifts), strict=True))
        gated = gate * softmax(scores) + (1 - gate) * last[b]
        n = LENGTHS[b]
        shifted = [sum(gated[(i - k) % n] * shift[k] for k in shift) for i in range(n)]
        raised = np.array(shifted) ** gamma
        last[b] = raised / raised.sum()
        np.testing.assert_allclose(weights, last[b], rtol=1e-8)


@pytest.mark.parametrize("kind", ["hard", "gumbel"])
def test_hard_attention_reads_the_likeliest_position_in_decoding(kind: str) -> None:
    for _, _, weights, scores in rows(*attend(unit(kind))):
        assert weights.tolist() == [float(j == scores.argmax()) for j in range(len(scores))]


def test_hard_attention_draws_positions_as_often_as_their_probability_says() -> None:
    attention = unit("hard", expected=0.0).train()
    drawn = torch.stack([attend(attention)[0].weights_BHTS[:, 0] for _ in range(4000)])
    assert ((drawn == 0) | (drawn == 1)).all()
    _, scores_BTS = attend(attention)
    for b, t in np.ndindex(B, T):
        probabilities = softmax(scores_BTS[b, t, : LENGTHS[b]].numpy())
        found = drawn[:, b, t, : LENGTHS[b]].mean(0).detach().numpy()
        np.testing.assert_allclose(found, probabilities, atol=0.04)  # 5 sigma


def test_reinforce_has_on_average_the_gradient_of_the_expected_reward() -> None:
    """One sentence, one step, rewards r_j: d/dz sum_j p_j r_j, exact against many draws."""
    hard = Stochastic(Q, 1, reward_weight=1.0, entropy_weight=0.3, expected=0.0).double()
    scores_S = torch.tensor([0.2, -0.5, 0.9], dtype=torch.float64, requires_grad=True)
    rewards_S = torch.tensor([-1.0, -3.0, -0.5], dtype=torch.float64)
    memory_mask = torch.ones(1, 3, dtype=torch.bool)
    empty = torch.zeros(1, 1, 3, 1, dtype=torch.float64)
    attention = unit("softmax")
    memory = attention.prepare(torch.zeros(1, 3, E).double(), memory_mask)
    state = attention.start(memory)
    draws = 20000
    torch.manual_seed(7)
    total = torch.zeros(())
    weights, choices = hard(scores_S.expand(1, 1, draws, 3), empty[:, 0], memory, state)
    assert choices is not None
    reward_T = (weights[0, 0].detach() * rewards_S).sum(-1)
    one_by_one = type(choices)(choices.log_probs_BT.T, choices.entropies_BT.T)
    real_BT = torch.ones(draws, 1, dtype=torch.bool)
    total = hard.surrogate(one_by_one, reward_T.unsqueeze(1), real_BT) / draws
    total.backward()
    p = scores_S.detach().softmax(0)
    wanted_S = p * (rewards_S - (p * rewards_S).sum())
    entropy_S = -p * (p.log() - (p * p.log()).sum())
    assert scores_S.grad is not None
    torch.testing.assert_close(-scores_S.grad, wanted_S + 0.3 * entropy_S, atol=0.05, rtol=0)


def test_a_choice_is_rewarded_by_the_tokens_from_its_step_on() -> None:
    hard = Stochastic(Q, 1, reward_weight=2.0, entropy_weight=0.0).eval()
    hard.baseline.fill_(-1.0)
    log_choices_BT = torch.zeros(2, 3, requires_grad=True)
    choices = Choices(log_choices_BT, torch.zeros(2, 3))
    log_probs_BT = torch.tensor([[-1.0, -2.0, -4.0], [-4.0, 0.0, 0.0]])
    real_BT = torch.tensor([[True, True, True], [True, True, False]])
    hard.surrogate(choices, log_probs_BT, real_BT).backward()
    # Better than the baseline by 0, -1, -3 and by -3, 1: summed from the end, and weighted.
    expected_BT = -2 * torch.tensor([[-4.0, -4.0, -3.0], [-2.0, 1.0, 0.0]])
    torch.testing.assert_close(log_choices_BT.grad, expected_BT)


def test_the_baseline_is_a_moving_mean_of_the_log_probability_of_a_token() -> None:
    hard = Stochastic(Q, 1, decay=0.9).train()
    attended, _ = attend(unit("hard").train())
    assert attended.choices is not None
    log_probs_BT = torch.tensor([[-1.0, -2.0, -3.0], [-4.0, -2.0, 0.0]]).double()
    real_BT = torch.tensor([[True, True, True], [True, True, False]])
    hard.surrogate(attended.choices, log_probs_BT, real_BT)
    assert float(hard.baseline) == pytest.approx(0.1 * -12 / 5)
    hard.eval().surrogate(attended.choices, log_probs_BT, real_BT)
    assert float(hard.baseline) == pytest.approx(0.1 * -12 / 5)


def test_straight_through_passes_the_gradient_of_the_softmax() -> None:
    attention = unit("gumbel").train()
    attended, _ = attend(attention)
    assert ((attended.weights_BHTS == 0) | (attended.weights_BHTS == 1)).all()
    attended.context_BTV.sum().backward()
    assert attention.get_parameter("key.weight").grad is not None


@pytest.mark.parametrize(
    ("addressing", "message"),
    [
        ({"kind": "local-p", "window": 0}, "window: expected greater than or equal to 1, found 0"),
        ({"kind": "entmax", "alpha": 1.0}, "alpha: expected greater than 1, found 1.0"),
        ({"kind": "softmx"}, "addressing.kind: expected one of .*did you mean 'softmax'"),
        ({"kind": "local-m", "windw": 3}, "addressing.windw: unknown option.*takes window"),
    ],
)
def test_a_wrong_addressing_is_refused_by_name(addressing: dict[str, Any], message: str) -> None:
    config = AttentionConfig.model_validate({"kind": "general", "addressing": addressing})
    with pytest.raises(UserError, match=message):
        build_attention(config, Q, E)


def test_addressing_needs_weights_to_address() -> None:
    config = AttentionConfig.model_validate({"kind": "none", "addressing": "hard"})
    with pytest.raises(UserError, match="kind none has no weights to address"):
        build_attention(config, Q, E)
