import torch

from seq2seq.inference.beam import choose_best
from seq2seq.inference.frontier import Frontier
from tests.unit.inference.fakes import BOS, EOS


def frontier(scores_K: list[float], sentences: int = 1) -> Frontier:
    return Frontier.start([9] * sentences, scores_K, bos=BOS, device="cpu")


def test_a_step_on_paper() -> None:
    # Two places at -1 and -2, five tokens, 3 the end; summed, best first:
    # place 1 token 3: -2.1   place 0 token 4: -2.2   place 0 token 3: -2.3   place 1 token 1: -2.4
    log_probs_BKW = torch.full((1, 2, 5), -9.0)
    log_probs_BKW[0, 0, 4], log_probs_BKW[0, 0, 3] = -1.2, -1.3
    log_probs_BKW[0, 1, 3], log_probs_BKW[0, 1, 1] = -0.1, -0.4
    choice = choose_best(EOS)(frontier([-1.0, -2.0]), log_probs_BKW)
    assert choice.tokens_BC.tolist() == [[3, 4, 3, 1]]
    assert choice.parents_BC.tolist() == [[1, 0, 0, 1]]
    assert choice.ended_BC.tolist() == [[True, False, False, False]]  # the third isn't among 2
    assert choice.survivors_BK.tolist() == [[1, 3]]
    torch.testing.assert_close(choice.log_probs_BC, torch.tensor([[-0.1, -1.2, -1.3, -0.4]]))
    torch.testing.assert_close(choice.scores_BK, torch.tensor([[-2.2, -2.4]]))


def test_an_empty_place_neither_ends_nor_lives() -> None:
    log_probs_BKW = torch.zeros(1, 2, 4)
    log_probs_BKW[0, 0] = torch.tensor([-torch.inf, -torch.inf, -1.0, -torch.inf])
    choice = choose_best(EOS)(frontier([0.0, -torch.inf]), log_probs_BKW)
    assert not choice.ended_BC.any()
    assert choice.scores_BK.tolist() == [[-1.0, -torch.inf]]
    assert choice.of_survivors(choice.tokens_BC)[0, 0] == 2


def test_a_beam_of_one_takes_the_likeliest_and_ends_with_the_end() -> None:
    log_probs_BKW = torch.tensor([[[-3.0, -1.0, -1.5, -2.0]], [[-3.0, -2.0, -2.5, -1.0]]])
    choice = choose_best(EOS)(frontier([0.0], sentences=2), log_probs_BKW)
    assert choice.of_survivors(choice.tokens_BC).tolist() == [[1], [1]]
    assert choice.ended_BC.tolist() == [[False, False], [True, False]]
    assert choice.in_place
