import pytest
import torch
from pydantic import ValidationError

from seq2seq.config import Config, ModelConfig
from seq2seq.errors import UserError
from seq2seq.model.dropout import Dropout, WordDropout
from seq2seq.model.model import Seq2Seq
from seq2seq.pipeline import describe_model


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_a_share_of_p_is_dropped_and_the_rest_scaled(p: float) -> None:
    torch.manual_seed(1)
    dropped = Dropout(p).train()(torch.ones(1001, 999))
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=0.003)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    kept = dropped[dropped > 0]
    assert kept.unique().item() == pytest.approx(1 / (1 - p), rel=1e-3)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(1)
    kept = Dropout(0.5).train()(torch.ones(4, 250_000)) > 0
    for shift in (1, 2, 3, 4):
        both = (kept[:, shift:] & kept[:, :-shift]).float().mean().item()
        assert both == pytest.approx(0.25, abs=0.003)


def test_nothing_is_dropped_outside_training_or_at_zero() -> None:
    x = torch.randn(3, 5)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0).train()(x) is x


def test_gradients_are_dropped_where_the_output_is() -> None:
    x = torch.ones(100, requires_grad=True)
    dropped = Dropout(0.3).train()(x)
    dropped.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, dropped.detach())


def test_almost_all_may_be_dropped() -> None:
    assert Dropout(0.999999).train()(torch.ones(1000)).isfinite().all()


def test_whole_words_are_dropped_and_the_others_scaled() -> None:
    torch.manual_seed(1)
    vectors = torch.rand(20, 50, 8) + 1
    found = WordDropout(0.3)(vectors)
    kept = found[..., 0] != 0
    torch.testing.assert_close(found[kept], vectors[kept] / 0.7)
    assert not found[~kept].any()
    assert 0.65 < kept.float().mean() < 0.75


def test_no_word_is_dropped_outside_of_training() -> None:
    vectors = torch.rand(2, 3, 4)
    assert WordDropout(0.9).eval()(vectors) is vectors
    assert WordDropout(0.0)(vectors) is vectors


RATES = {"embedding": 0.1, "states": 0.2, "layers": 0.3, "output": 0.4}
PLACES = [  # encoder, decoder, and the rates of the modules of dropout that they have
    ({"layers": 2}, {"kind": "bahdanau", "layers": 2}, {0.1, 0.2, 0.3, 0.4}),
    ({"layers": 2}, {"kind": "stacked", "layers": 2}, {0.1, 0.2, 0.3, 0.4}),
    ({"kind": "transformer", "heads": 2}, {"kind": "luong"}, {0.1, 0.2, 0.3, 0.4}),
    ({"kind": "transformer", "heads": 2}, {"kind": "transformer", "heads": 2}, {0.1, 0.3, 0.4}),
]


@pytest.mark.parametrize(("encoder", "decoder", "expected"), PLACES)
def test_each_place_has_its_own_rate(
    encoder: dict[str, object], decoder: dict[str, object], expected: set[float]
) -> None:
    transformer = decoder["kind"] == "transformer"
    rates = {place: rate for place, rate in RATES.items() if place != "states" or not transformer}
    settings = {"dropouts": rates, "dropout": 0.0, "embedding": 8}
    parts = {"encoder": {"size": 8, **encoder}, "decoder": {"size": 8, **decoder}}
    model = Seq2Seq(ModelConfig.model_validate({**settings, **parts}), 10, 10)
    rates_found = {part.p for part in model.modules() if isinstance(part, Dropout)}
    assert rates_found - {0.0} == expected


def test_a_rate_of_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="states is for recurrent decoders"):
        ModelConfig.model_validate({"decoder": "transformer", "dropouts": {"states": 0.1}})
    for model in ({}, {"encoder": {"layers": 2}}, {"encoder": {"kind": "transformer", "heads": 2}}):
        config = Config.model_validate({"model": {**model, "dropouts": {"layers": 0.1}}})
        if model:
            describe_model(config)
            continue
        with pytest.raises(UserError, match="encoder and decoder have one each"):
            describe_model(config)
