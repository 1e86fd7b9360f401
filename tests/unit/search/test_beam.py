import pytest
import torch

from seq2seq.search.beam import choose_best, top
from seq2seq.search.frontier import Frontier
from tests.unit.search.fakes import BOS, EOS


def frontier(scores_K: list[float], sentences: int = 1) -> Frontier:
    start = Frontier.start([9] * sentences, len(scores_K), bos=BOS, device="cpu")
    return start._replace(scores_BK=torch.tensor(scores_K).repeat(sentences, 1))


def test_a_step_on_paper() -> None:
    # Two places at -1 and -2, five tokens, 3 the end; summed, best first:
    # place 1 token 3: -2.1   place 0 token 4: -2.2   place 0 token 3: -2.3   place 1 token 1: -2.4
    log_probs_BKW = torch.full((1, 2, 5), -9.0)
    log_probs_BKW[0, 0, 4], log_probs_BKW[0, 0, 3] = -1.2, -1.3
    log_probs_BKW[0, 1, 3], log_probs_BKW[0, 1, 1] = -0.1, -0.4
    choice = choose_best(EOS, 2)(frontier([-1.0, -2.0]), log_probs_BKW)
    assert choice.tokens_BC.tolist() == [[3, 4, 3, 1]]
    assert choice.parents_BC.tolist() == [[1, 0, 0, 1]]
    assert choice.ended_BC.tolist() == [[True, False, False, False]]  # the third isn't among 2
    assert choice.survivors_BK.tolist() == [[1, 3]]
    torch.testing.assert_close(choice.log_probs_BC, torch.tensor([[-0.1, -1.2, -1.3, -0.4]]))
    torch.testing.assert_close(choice.scores_BK, torch.tensor([[-2.2, -2.4]]))


def test_an_empty_place_neither_ends_nor_lives() -> None:
    log_probs_BKW = torch.zeros(1, 2, 4)
    log_probs_BKW[0, 0] = torch.tensor([-torch.inf, -torch.inf, -1.0, -torch.inf])
    choice = choose_best(EOS, 2)(frontier([0.0, -torch.inf]), log_probs_BKW)
    assert not choice.ended_BC.any()
    assert choice.scores_BK.tolist() == [[-1.0, -torch.inf]]
    assert choice.of_survivors(choice.tokens_BC)[0, 0] == 2


def test_a_beam_of_one_takes_the_likeliest_and_ends_with_the_end() -> None:
    log_probs_BKW = torch.tensor([[[-3.0, -1.0, -1.5, -2.0]], [[-3.0, -2.0, -2.5, -1.0]]])
    choice = choose_best(EOS, 1)(frontier([0.0], sentences=2), log_probs_BKW)
    assert choice.of_survivors(choice.tokens_BC).tolist() == [[1], [1]]
    assert choice.ended_BC.tolist() == [[False, False], [True, False]]
    assert choice.in_place


def test_a_beam_starts_from_one_place() -> None:
    log_probs_BPW = torch.tensor([[[-9.0, -9.0, -9.0, -2.0, -1.0, -3.0]]])
    choice = choose_best(EOS, 2)(frontier([0.0]), log_probs_BPW)
    assert choice.parents_BC.tolist() == [[0] * 4]
    assert choice.of_survivors(choice.tokens_BC).tolist() == [[4, 5]]
    assert choice.ended_BC.tolist() == [[False, True, False, False]]


def test_where_there_are_too_few_continuations_places_stay_empty() -> None:
    choice = choose_best(EOS, 4)(frontier([0.0]), torch.full((1, 1, 5), -1.0))
    assert (choice.scores_BK > -torch.inf).tolist() == [[True] * 4]
    choice = choose_best(EOS, 6)(frontier([0.0]), torch.full((1, 1, 5), -1.0))
    assert (choice.scores_BK > -torch.inf).sum() == 4  # the fifth is the end
    assert choice.tokens_BC.shape == (1, 12)


@pytest.mark.parametrize("vocabulary", [5, 64, 200, 640, 1001])
@pytest.mark.parametrize("places", [1, 3])
@pytest.mark.parametrize("count", [2, 6, 25])
def test_the_best_are_those_of_sorting_everything(vocabulary: int, places: int, count: int) -> None:
    generator = torch.Generator().manual_seed(vocabulary + count)
    for _ in range(20):
        log_probs_BPW = torch.randn(2, places, vocabulary, generator=generator)
        log_probs_BPW[:, :, ::3] = -torch.inf
        scores_BP = torch.randn(2, places, generator=generator)
        best = top(scores_BP, log_probs_BPW, count)
        sorted_BX = (scores_BP[..., None] + log_probs_BPW).flatten(1).sort(descending=True).values
        found = min(count, sorted_BX.shape[1])
        assert torch.equal(best.scores_BC[:, :found], sorted_BX[:, :count])
        assert (best.scores_BC[:, found:] == -torch.inf).all()
        for b, c in (best.scores_BC > -torch.inf).nonzero().tolist():
            place, token = int(best.places_BC[b, c]), int(best.tokens_BC[b, c])
            assert best.log_probs_BC[b, c] == log_probs_BPW[b, place, token]
            assert best.scores_BC[b, c] == scores_BP[b, place] + log_probs_BPW[b, place, token]
        taken = list(zip(best.places_BC[0].tolist(), best.tokens_BC[0].tolist(), strict=True))
        real = [each for each, s in zip(taken, best.scores_BC[0], strict=True) if s > -torch.inf]
        assert len(set(real)) == len(real)
