"""Which inputs are forced, and what the model reads where they are not.

B = 40 sentences, T = 6 steps; W = 11 for the model, whose batch has 3 sentences.
"""

import pytest
import torch

from seq2seq.config import ModelConfig, TeacherForcingConfig
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.training.teacher_forcing import (
    CHOICES,
    argmax,
    count_forced,
    draw_forcing,
    sample,
)

INPUTS = torch.zeros(40, 6, dtype=torch.long)


def draw(per: str, ratio: float, seed: int = 1) -> torch.Tensor:
    torch.manual_seed(seed)
    config = TeacherForcingConfig.model_validate({"per": per})
    return draw_forcing(config, ratio, INPUTS).forced_BT


# --- the draw -------------------------------------------------------------------------------------


def test_a_draw_a_token_differs_within_a_sentence() -> None:
    rest_BT = draw("token", 0.5)[:, 1:]
    assert 0.3 < float(rest_BT.float().mean()) < 0.7
    assert len(set(map(tuple, rest_BT.tolist()))) > 10


def test_a_draw_a_sequence_is_one_for_its_tokens_and_differs_between_sequences() -> None:
    rest_BT = draw("sequence", 0.5)[:, 1:]
    assert (rest_BT == rest_BT[:, :1]).all()
    assert 0.2 < float(rest_BT[:, 0].float().mean()) < 0.8


def test_a_draw_a_batch_is_one_for_all_and_differs_between_batches() -> None:
    draws = [draw("batch", 0.5, seed)[:, 1:] for seed in range(20)]
    for rest_BT in draws:
        assert (rest_BT == rest_BT[0, 0]).all()
    assert {bool(rest_BT[0, 0]) for rest_BT in draws} == {True, False}


@pytest.mark.parametrize("per", ["token", "sequence", "batch"])
def test_the_first_input_is_always_given_and_the_ends_of_the_scale_are_all_and_none(
    per: str,
) -> None:
    assert draw(per, 1.0).all()
    assert draw(per, 0.0)[:, 0].all()
    assert not draw(per, 0.0)[:, 1:].any()


@pytest.mark.parametrize("per", ["token", "sequence", "batch"])
def test_the_same_seed_draws_the_same(per: str) -> None:
    assert torch.equal(draw(per, 0.5, seed=3), draw(per, 0.5, seed=3))


def test_forced_inputs_are_counted_after_the_first_and_without_padding() -> None:
    forced_BT = torch.tensor([[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]]).bool()
    real_BT = torch.arange(4) < torch.tensor([[4], [2], [1]])
    assert count_forced(forced_BT, real_BT) == (2 + 1, 3 + 1)


# --- the choice -----------------------------------------------------------------------------------


def test_argmax_takes_the_likeliest() -> None:
    assert argmax(torch.tensor([[0.1, 3.0, 2.0], [5.0, -1.0, 4.9]])).tolist() == [1, 0]


def test_sample_draws_from_the_softmax_under_the_seed() -> None:
    logits_BW = torch.tensor([0.2, 0.5, 0.3]).log().expand(20000, 3)
    torch.manual_seed(1)
    drawn_B = sample(logits_BW)
    frequencies_W = drawn_B.bincount(minlength=3) / len(drawn_B)
    torch.testing.assert_close(frequencies_W, torch.tensor([0.2, 0.5, 0.3]), atol=0.02, rtol=0)
    torch.manual_seed(1)
    assert torch.equal(sample(logits_BW), drawn_B)


def test_sample_never_draws_what_is_impossible() -> None:
    logits_BW = torch.tensor([[0.0, -torch.inf, 0.0]]).expand(1000, 3)
    assert 1 not in sample(logits_BW)


# --- what the model makes of it -------------------------------------------------------------------

DECODERS = [
    {"kind": "luong"},
    {"kind": "luong", "input_feeding": True},
    {"kind": "bahdanau"},
    {"kind": "conditional"},
]
every_decoder = pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: "-".join(map(str, d)))
SOURCE = torch.tensor([[4, 9, 5, 3], [7, 3, 0, 0], [8, 8, 3, 0]])
LENGTHS = torch.tensor([4, 2, 3])
TARGET = torch.tensor([[2, 5, 6, 7, 8], [2, 9, 9, 4, 5], [2, 4, 4, 4, 4]])


def model(decoder: dict[str, object]) -> Seq2Seq:
    torch.manual_seed(2)
    config = ModelConfig.model_validate(
        {"embedding": 6, "dropout": 0, "encoder": {"size": 4}, "decoder": {"size": 8, **decoder}}
    )
    built = Seq2Seq(config, 11, 11).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return built


@every_decoder
def test_all_forced_is_the_plain_forward(decoder: dict[str, object]) -> None:
    network = model(decoder)
    forcing = TeacherForcing(torch.ones(3, 5, dtype=torch.bool), argmax)
    mixed = network(SOURCE, LENGTHS, TARGET, forcing)
    plain = network(SOURCE, LENGTHS, TARGET)
    torch.testing.assert_close(mixed.features_BTF, plain.features_BTF)
    torch.testing.assert_close(mixed.weights_BHTS, plain.weights_BHTS)


@every_decoder
def test_none_forced_is_greedy_decoding(decoder: dict[str, object]) -> None:
    network = model(decoder)
    forced_BT = torch.zeros(3, 5, dtype=torch.bool)
    mixed = network(SOURCE, LENGTHS, TARGET, TeacherForcing(forced_BT, argmax))
    log_probs_BTW = network.output(mixed.features_BTF).log_softmax(-1).float()
    step, state = model_step(network), ModelState(*network.encode(SOURCE, LENGTHS))
    tokens_B = TARGET[:, 0]
    for t in range(5):
        log_probs_BW, weights_BHS, state = step(tokens_B, state)
        torch.testing.assert_close(log_probs_BTW[:, t], log_probs_BW)
        torch.testing.assert_close(mixed.weights_BHTS[:, :, t], weights_BHS)
        tokens_B = log_probs_BW.argmax(-1)


@every_decoder
def test_where_some_are_forced_the_inputs_are_the_mixture(decoder: dict[str, object]) -> None:
    network = model(decoder)
    forced_BT = torch.rand(3, 5, generator=torch.Generator().manual_seed(1)) < 0.5
    mixed = network(SOURCE, LENGTHS, TARGET, TeacherForcing(forced_BT, argmax))
    own_BT = network.output(mixed.features_BTF).argmax(-1).roll(1, 1)
    own_BT[:, 0] = TARGET[:, 0]
    inputs_BT = torch.where(forced_BT, TARGET, own_BT)
    plain = network(SOURCE, LENGTHS, inputs_BT)
    torch.testing.assert_close(mixed.features_BTF, plain.features_BTF)


@pytest.mark.parametrize("next_", CHOICES)
def test_the_output_layer_learns_under_autocast_though_choices_have_no_gradient(
    next_: str,
) -> None:
    network = model({"kind": "bahdanau"}).float()
    forcing = TeacherForcing(torch.ones(3, 5, dtype=torch.bool), CHOICES[next_])
    gradients = []
    for given in (None, forcing):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            decoded = network(SOURCE, LENGTHS, TARGET, given)
            network.output(decoded.features_BTF).float().log_softmax(-1)[..., 4].sum().backward()
        assert network.output.bias.grad is not None
        gradients.append(network.output.weight.grad)
    torch.testing.assert_close(*gradients, rtol=0.05, atol=0.05)
