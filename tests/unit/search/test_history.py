"""A search of two steps written by hand: two sentences, two beam slots, three candidates each."""

import numpy as np
import numpy.typing as npt

from seq2seq.search.arrays import NumpyArrays
from seq2seq.search.frontier import Choice, Frontier
from seq2seq.search.history import History
from seq2seq.search.hypothesis import Hypothesis
from tests.unit.search.fakes import BOS

INF = np.inf
END = 3


def attention(step: int, rows: int, positions: int = 2) -> npt.NDArray[np.float32]:
    """weights_NHS that tell the step and the row."""
    weights_N = 10 * step + np.arange(rows, dtype=np.float32)
    return weights_N[:, None, None].repeat(positions, 2)


def written(positions: int = 2) -> tuple[History, Frontier]:
    """Sentence 0: 4 then 5 | 6; 6 ends in step 2. Sentence 1: ends at once and at 7; leaves."""
    history = History(NumpyArrays())
    frontier = Frontier.start([9, 1], 2, bos=BOS)
    first = Choice(
        tokens_BC=np.array([[4, 6, 8], [END, 7, 8]]),
        rows_BC=np.array([[0, 0, 0], [2, 2, 2]]),
        log_probs_BC=np.array([[-1.0, -2.0, -9.0], [-3.0, -4.0, -9.0]]),
        scores_BC=np.array([[-1.0, -2.0, -9.0], [-3.0, -4.0, -9.0]]),
        ended_BC=np.array([[False, False, False], [True, False, False]]),
        survivors_BK=np.array([[0, 1], [4, 5]]),
        scores_BK=np.array([[-1.0, -2.0], [-4.0, -INF]]),
    )
    frontier = follow(history, frontier, first, attention(1, 4)).keep(np.array([0]))
    second = Choice(
        tokens_BC=np.array([[END, 5, 8]]),
        rows_BC=np.array([[1, 0, 0]]),
        log_probs_BC=np.array([[-0.5, -2.0, -9.0]]),
        scores_BC=np.array([[-2.5, -3.0, -10.0]]),
        ended_BC=np.array([[True, False, False]]),
        survivors_BK=np.array([[1, 2]]),
        scores_BK=np.array([[-3.0, -INF]]),
    )
    frontier = frontier._replace(max_lengths_B=np.array([2]))
    return history, follow(history, frontier, second, attention(2, 2, positions))


def follow(
    history: History, before: Frontier, choice: Choice, weights_NHS: npt.NDArray[np.float32]
) -> Frontier:
    history.record(before, choice, weights_NHS)
    after = before.advance(choice)
    history.cut_off(before, choice, after)
    return after


def read(n_best: int, penalty: float = 0) -> list[list[Hypothesis]]:
    return written()[0].hypotheses(2, n_best=n_best, length_penalty=penalty)


def test_a_hypothesis_is_read_along_its_back_pointers() -> None:
    first, second = (best[0] for best in read(1))
    assert (first.tokens, first.log_probs, first.finished) == ([6], [-2.0, -0.5], True)
    assert (second.tokens, second.log_probs, second.finished) == ([], [-3.0], True)
    assert first.weights_HTS.tolist() == [[[10.0, 10.0], [21.0, 21.0]]]  # rows 0, then 1
    assert second.weights_HTS.tolist() == [[[12.0, 12.0]]]  # its slot 0 is row 2


def test_what_was_emitted_is_read_along_the_back_pointers() -> None:
    history, frontier = written()
    assert history.emitted(frontier).tolist() == [[4, 5], [4, 8]]


def test_the_cut_off_come_after_the_ended_and_empty_slots_never() -> None:
    [[_, first], [_, second]] = read(9)
    assert (first.tokens, first.log_probs, first.finished) == ([4, 5], [-1.0, -2.0], False)
    assert (second.tokens, second.log_probs, second.finished) == ([7], [-4.0], False)


def test_the_score_has_the_length_penalty() -> None:
    assert [h.score for h in read(2, penalty=1)[0]] == [-1.25, -1.5]
    assert [h.score for h in read(2, penalty=0)[0]] == [-2.5, -3.0]


def test_source_positions_that_were_cut_have_no_weight() -> None:
    history, _ = written(positions=1)
    best = history.hypotheses(2, n_best=1, length_penalty=0)[0][0]
    assert best.weights_HTS.tolist() == [[[10.0, 10.0], [21.0, 0.0]]]
