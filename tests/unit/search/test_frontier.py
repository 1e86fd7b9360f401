import numpy as np

from seq2seq.search.frontier import ROOT, Choice, Frontier, continue_each
from tests.unit.search.fakes import BOS, EOS

INF = np.inf


def chosen(tokens_BK: list[list[int]]) -> Choice:
    """Candidates that all live on, each in its slot at -1."""
    tokens = np.array(tokens_BK)
    scores = np.full(tokens.shape, -1.0)
    numbers = np.arange(tokens.size).reshape(tokens.shape)
    return Choice(tokens, numbers, scores, scores, tokens < 0, numbers, scores)


def test_it_starts_with_the_start_token_in_every_slot() -> None:
    frontier = Frontier.start([3, 5], 2, bos=BOS)
    assert (frontier.sentences, frontier.slots, frontier.length) == (2, 2, 0)
    assert frontier.tokens_BK.tolist() == [[BOS] * 2] * 2
    assert frontier.scores_BK.tolist() == [[0.0, 0.0]] * 2
    assert frontier.back_BK.tolist() == [[ROOT, ROOT]] * 2
    assert frontier.open_B.tolist() == [True, True]


def test_survivors_take_the_slots_and_point_back() -> None:
    frontier = Frontier.start([3, 5], 2, bos=BOS)
    choice = chosen([[4, 5], [6, 7]])._replace(survivors_BK=np.array([[1, 0], [2, 2]]))
    frontier = frontier.advance(choice)
    assert frontier.tokens_BK.tolist() == [[5, 4], [6, 6]]
    assert frontier.back_BK.tolist() == [[1, 0], [2, 2]]
    assert frontier.length == 1


def test_a_sentence_closes_when_full_or_long_enough_or_dead() -> None:
    frontier = Frontier.start([3, 3, 1, 3, 3], 2, bos=BOS)
    ended = [[False, False], [True, True], [False, False], [False, False], [True, False]]
    scores = [[-1.0, -INF], [-1.0, -1.0], [-1.0, -1.0], [-INF, -INF], [-1.0, -1.0]]
    choice = chosen([[4, 5]] * 5)._replace(ended_BC=np.array(ended), scores_BK=np.array(scores))
    closing = frontier.advance(choice, length_penalty=0)
    assert closing.open_B.tolist() == [True, False, False, False, True]
    assert (closing.scores_BK[~closing.open_B] == -INF).all()
    # By the mean a token, one that lives promises more than those that ended: -1 / 2 > -1.
    assert frontier.advance(choice).open_B.tolist() == [True, True, False, False, True]


def test_rows_are_counted_sentence_by_sentence() -> None:
    frontier = Frontier.start([3, 3, 3], 2, bos=BOS)
    assert frontier.rows_of(np.array([0, 2])).tolist() == [0, 1, 4, 5]


def test_keeping_sentences_keeps_all_of_them() -> None:
    frontier = Frontier.start([3, 4, 5], 2, bos=BOS)
    length, *columns = frontier.keep(np.array([0, 2]))
    assert length == 0
    assert all(len(column) == 2 for column in columns)
    assert frontier.keep(np.array([0, 2])).sentences_B.tolist() == [0, 2]


def test_each_hypothesis_continues_in_its_slot_or_ends() -> None:
    frontier = Frontier.start([9], 3, bos=BOS)
    frontier = frontier._replace(scores_BK=np.array([[-1.0, -2.0, -INF]]))
    choice = continue_each(frontier, np.array([[4, EOS, EOS]]), np.full((1, 3), -0.5), EOS)
    assert choice.ended_BC.tolist() == [[False, True, False]]  # the last slot was empty
    assert choice.scores_BK.tolist() == [[-1.5, -INF, -INF]]
    assert choice.log_probs_BC.tolist() == [[-0.5] * 3]
    assert choice.rows_BC.tolist() == choice.survivors_BK.tolist() == [[0, 1, 2]]
