import torch

from seq2seq.search.frontier import ROOT, Choice, Frontier, continue_each
from tests.unit.search.fakes import BOS, EOS

INF = torch.inf


def chosen(tokens_BK: list[list[int]], parents_BK: list[list[int]]) -> Choice:
    """Candidates that all live on, each at -1."""
    tokens = torch.tensor(tokens_BK)
    scores = torch.full(tokens.shape, -1.0)
    places = torch.arange(tokens.shape[1]).expand_as(tokens)
    none = torch.zeros_like(tokens, dtype=torch.bool)
    return Choice(tokens, torch.tensor(parents_BK), scores, none, places, scores)


def test_it_starts_with_the_start_token_in_every_place() -> None:
    frontier = Frontier.start([3, 5], 2, bos=BOS, device="cpu")
    assert (frontier.sentences, frontier.length) == (2, 0)
    assert frontier.tokens_N.tolist() == [BOS] * 4
    assert frontier.emitted_NT.shape == (4, 0)
    assert frontier.scores_BK.tolist() == [[0.0, 0.0]] * 2
    assert frontier.edges_BK.tolist() == [[ROOT, ROOT]] * 2
    assert frontier.open_B.tolist() == [True, True]


def test_prefixes_follow_their_parents() -> None:
    frontier = Frontier.start([3, 5], 2, bos=BOS, device="cpu")
    edges_BK = torch.zeros(2, 2, dtype=torch.int64)
    frontier = frontier.advance(chosen([[4, 5], [6, 7]], [[0, 0], [0, 0]]), edges_BK)
    frontier = frontier.advance(chosen([[8, 9], [8, 9]], [[1, 0], [1, 1]]), edges_BK)
    assert frontier.emitted_NT.tolist() == [[5, 8], [4, 9], [7, 8], [7, 9]]
    assert frontier.tokens_N.tolist() == [8, 9, 8, 9]
    assert frontier.length == 2


def test_a_sentence_closes_when_full_or_long_enough_or_dead() -> None:
    frontier = Frontier.start([3, 3, 1, 3, 3], 2, bos=BOS, device="cpu")
    choice = chosen([[4, 5]] * 5, [[0, 1]] * 5)
    ended = [[False, False], [True, True], [False, False], [False, False], [True, False]]
    scores = [[-1.0, -INF], [-1.0, -1.0], [-1.0, -1.0], [-INF, -INF], [-1.0, -1.0]]
    choice = choice._replace(ended_BC=torch.tensor(ended), scores_BK=torch.tensor(scores))
    edges_BK = torch.zeros(5, 2, dtype=torch.int64)
    closing = frontier.advance(choice, edges_BK, length_penalty=0)
    assert closing.open_B.tolist() == [True, False, False, False, True]
    # By the mean a token, one that lives promises more than those that ended: -1 / 2 > -1.
    assert frontier.advance(choice, edges_BK).open_B.tolist() == [True, True, False, False, True]


def test_rows_are_counted_sentence_by_sentence() -> None:
    frontier = Frontier.start([3, 3, 3], 2, bos=BOS, device="cpu")
    places_BX = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    assert frontier.rows(places_BX).tolist() == [[1, 0, 0], [3, 3, 2], [4, 4, 4]]
    assert frontier.rows_of(torch.tensor([0, 2])).tolist() == [0, 1, 4, 5]


def test_keeping_sentences_keeps_all_of_them() -> None:
    frontier = Frontier.start([3, 4, 5], 2, bos=BOS, device="cpu")
    kept = frontier.keep(torch.tensor([0, 2]))
    assert kept.sentences_B.tolist() == [0, 2]
    assert kept.max_lengths_B.tolist() == [3, 5]
    assert all(len(column) == 2 for column in kept)


def test_each_hypothesis_continues_in_its_place_or_ends() -> None:
    frontier = Frontier.start([9], 3, bos=BOS, device="cpu")
    frontier = frontier._replace(scores_BK=torch.tensor([[-1.0, -2.0, -INF]]))
    log_probs_BKW = torch.full((1, 3, 5), -0.5)
    choice = continue_each(frontier, torch.tensor([[4, EOS, EOS]]), log_probs_BKW, EOS)
    assert choice.ended_BC.tolist() == [[False, True, False]]  # the last place was empty
    assert choice.scores_BK.tolist() == [[-1.5, -INF, -INF]]
    assert choice.log_probs_BC.tolist() == [[-0.5] * 3]
    assert choice.parents_BC.tolist() == choice.survivors_BK.tolist() == [[0, 1, 2]]
