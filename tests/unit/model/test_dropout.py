import pytest
import torch

from seq2seq.model.dropout import Dropout, WordDropout


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
