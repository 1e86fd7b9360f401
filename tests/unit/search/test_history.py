"""A search of two steps written by hand: two sentences, two places, three candidates each."""

import torch

from seq2seq.search.frontier import Choice, Frontier
from seq2seq.search.history import History
from seq2seq.search.hypothesis import Hypothesis
from tests.unit.search.fakes import BOS

INF = torch.inf
END = 3


def attention(step: int, rows: int, positions: int = 2) -> torch.Tensor:
    """weights_NHS that tell the step and the row."""
    return (10.0 * step + torch.arange(rows))[:, None, None].expand(rows, 1, positions)


def written(positions: int = 2) -> History:
    """Sentence 0: 4 then 5 | 6; 4 ends in step 2. Sentence 1: ends at once and at 7; leaves."""
    history = History()
    frontier = Frontier.start([9, 9], 2, bos=BOS, device="cpu")
    choice = Choice(
        tokens_BC=torch.tensor([[4, 6, 8], [END, 7, 8]]),
        parents_BC=torch.zeros(2, 3, dtype=torch.int64),
        log_probs_BC=torch.tensor([[-1.0, -2.0, -9.0], [-3.0, -4.0, -9.0]]),
        ended_BC=torch.tensor([[False, False, False], [True, False, False]]),
        survivors_BK=torch.tensor([[0, 1], [1, 2]]),
        scores_BK=torch.tensor([[-1.0, -2.0], [-4.0, -INF]]),
    )
    frontier = frontier.advance(choice, history.record(frontier, choice, attention(1, 4)))
    frontier = frontier.keep(torch.tensor([0]))
    choice = Choice(
        tokens_BC=torch.tensor([[END, 5, 8]]),
        parents_BC=torch.tensor([[1, 0, 0]]),
        log_probs_BC=torch.tensor([[-0.5, -2.0, -9.0]]),
        ended_BC=torch.tensor([[True, False, False]]),
        survivors_BK=torch.tensor([[1, 2]]),
        scores_BK=torch.tensor([[-3.0, -INF]]),
    )
    history.record(frontier, choice, attention(2, 2, positions))
    return history


def read(n_best: int, penalty: float = 0) -> list[list[Hypothesis]]:
    return written().hypotheses(2, n_best=n_best, length_penalty=penalty)


def test_edges_are_numbered_through_the_steps() -> None:
    history = History()
    frontier = Frontier.start([9], 1, bos=BOS, device="cpu")
    one = torch.tensor([[0]])
    scores = torch.tensor([[-1.0]])
    choice = Choice(one + 4, one, scores, one > 0, one, scores)
    numbers = []
    for step in range(3):
        edges_BK = history.record(frontier, choice, attention(step, 1))
        frontier = frontier.advance(choice, edges_BK)
        numbers.append(edges_BK.item())
    assert numbers == [0, 1, 2]


def test_a_hypothesis_is_read_back_along_its_parents() -> None:
    first, second = (best[0] for best in read(1))
    assert (first.tokens, first.log_probs, first.finished) == ([6], [-2.0, -0.5], True)
    assert (second.tokens, second.log_probs, second.finished) == ([], [-3.0], True)
    assert first.weights_THS.tolist() == [[[10.0, 10.0]], [[21.0, 21.0]]]  # rows 0, then 1
    assert second.weights_THS.tolist() == [[[12.0, 12.0]]]  # its place 0 is row 2


def test_the_cut_off_come_after_the_ended_and_empty_places_never() -> None:
    [[_, first], [_, second]] = read(9)
    assert (first.tokens, first.log_probs, first.finished) == ([4, 5], [-1.0, -2.0], False)
    assert (second.tokens, second.log_probs, second.finished) == ([7], [-4.0], False)


def test_the_score_has_the_length_penalty() -> None:
    assert [h.score for h in read(2, penalty=1)[0]] == [-1.25, -1.5]
    assert [h.score for h in read(2, penalty=0)[0]] == [-2.5, -3.0]


def test_source_positions_that_were_cut_have_no_weight() -> None:
    best = written(positions=1).hypotheses(2, n_best=1, length_penalty=0)[0][0]
    assert best.weights_THS.tolist() == [[[10.0, 10.0]], [[21.0, 0.0]]]
