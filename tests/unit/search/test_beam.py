import numpy as np
import pytest

from seq2seq.search.arrays import NumpyArrays
from seq2seq.search.beam import choose_best
from seq2seq.search.frontier import Choice, Frontier
from tests.unit.search.fakes import BOS, EOS

INF = np.inf


def chosen(scores_BK: list[list[float]], log_probs_BKW: list[list[list[float]]]) -> Choice:
    """By a beam of two: the choice that follows hypotheses of these scores."""
    frontier = Frontier.start([9] * len(scores_BK), len(scores_BK[0]), bos=BOS)
    frontier = frontier._replace(scores_BK=np.array(scores_BK))
    log_probs_NW = np.array(log_probs_BKW).reshape(frontier.scores_BK.size, -1)
    return choose_best(NumpyArrays(), EOS, 2)(frontier, log_probs_NW)


def test_a_step_on_paper() -> None:
    # Two slots at -1 and -2, five tokens, 3 the end; summed, best first:
    # slot 1 token 3: -2.1   slot 0 token 4: -2.2   slot 0 token 3: -2.3   slot 1 token 1: -2.4
    choice = chosen([[-1, -2]], [[[-9, -9, -9, -1.3, -1.2], [-9, -0.4, -9, -0.1, -9]]])
    assert choice.tokens_BC.tolist() == [[3, 4, 3, 1]]
    assert choice.rows_BC.tolist() == [[1, 0, 0, 1]]
    assert choice.ended_BC.tolist() == [[True, False, False, False]]  # the third isn't among 2
    assert choice.survivors_BK.tolist() == [[1, 3]]
    assert choice.log_probs_BC.tolist() == [[-0.1, -1.2, -1.3, -0.4]]
    assert choice.scores_BC[0].tolist() == pytest.approx([-2.1, -2.2, -2.3, -2.4])
    assert choice.scores_BK[0].tolist() == pytest.approx([-2.2, -2.4])


def test_rows_and_candidates_are_numbered_through_the_batch() -> None:
    log_probs_KW = [[-9, -9, -9, -1.3, -1.2], [-9, -0.4, -9, -0.1, -9]]
    choice = chosen([[-1, -2]] * 2, [log_probs_KW] * 2)
    assert choice.rows_BC.tolist() == [[1, 0, 0, 1], [3, 2, 2, 3]]
    assert choice.survivors_BK.tolist() == [[1, 3], [5, 7]]


def test_an_empty_slot_neither_ends_nor_lives() -> None:
    choice = chosen([[0.0, -INF]], [[[-INF, -INF, -1.0, -INF], [0.0] * 4]])
    assert not choice.ended_BC.any()
    assert choice.scores_BK.tolist() == [[-1.0, -INF]]
    assert choice.tokens_BC.take(choice.survivors_BK)[0, 0] == 2


def test_a_beam_of_one_takes_the_likeliest_and_ends_with_the_end() -> None:
    frontier = Frontier.start([9, 9], 1, bos=BOS)
    log_probs_NW = np.array([[-3.0, -1.0, -1.5, -2.0], [-3.0, -2.0, -2.5, -1.0]])
    choice = choose_best(NumpyArrays(), EOS, 1)(frontier, log_probs_NW)
    assert choice.tokens_BC.take(choice.survivors_BK).tolist() == [[1], [1]]
    assert choice.ended_BC.tolist() == [[False, False], [True, False]]
    assert choice.keeps_slots


def test_a_beam_starts_from_one_slot() -> None:
    choice = chosen([[0.0]], [[[-9.0, -9.0, -9.0, -2.0, -1.0, -3.0]]])
    assert choice.rows_BC.tolist() == [[0] * 4]
    assert choice.tokens_BC.take(choice.survivors_BK).tolist() == [[4, 5]]
    assert choice.ended_BC.tolist() == [[False, True, False, False]]


def test_where_there_are_too_few_continuations_slots_stay_empty() -> None:
    frontier = Frontier.start([9], 1, bos=BOS)
    choose = choose_best(NumpyArrays(), EOS, 4)
    choice = choose(frontier, np.full((1, 5), -1.0))
    assert (choice.scores_BK > -INF).tolist() == [[True] * 4]
    assert choice.ended_BC.sum() <= 1
    choice = choose(frontier, np.full((1, 4), -1.0))
    assert (choice.scores_BK > -INF).tolist() == [[True] * 3 + [False]]
