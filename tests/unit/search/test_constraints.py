from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from seq2seq.search.constraints import forbid, forbid_early_end, repeats

LOG_PROBS_NW = torch.arange(10, dtype=torch.float64).view(2, 5) - 10


def forbidden(constrain: Callable[..., None], *arguments: Any) -> list[list[int]]:
    """The tokens that a constraint forbids in each row; all others must be untouched."""
    log_probs_NW = LOG_PROBS_NW.clone()
    constrain(log_probs_NW, *arguments)
    banned_NW = log_probs_NW == -torch.inf
    assert torch.equal(log_probs_NW[~banned_NW], LOG_PROBS_NW[~banned_NW])
    return [row.nonzero().flatten().tolist() for row in banned_NW]


def test_forbidden_ids_are_forbidden_in_every_row() -> None:
    assert forbidden(forbid, [0, 3]) == [[0, 3], [0, 3]]
    assert forbidden(forbid, []) == [[], []]


def test_the_end_is_forbidden_until_enough_tokens_precede_it() -> None:
    assert forbidden(forbid_early_end, 1, 2, 3) == [[3], [3]]
    assert forbidden(forbid_early_end, 2, 2, 3) == [[], []]


def repeated(emitted: list[list[int]], ngram: int) -> list[list[int]]:
    """The tokens that would end an n-gram again, of each row."""
    rows, tokens = repeats(np.array(emitted, np.int64).reshape(2, -1), ngram)
    pairs = set(zip(rows.tolist(), tokens.tolist(), strict=True))
    return [sorted(token for row, token in pairs if row == wanted) for wanted in (0, 1)]


def test_a_bigram_may_not_come_twice() -> None:
    assert repeated([[1, 4, 1, 2, 1], [1, 2, 3, 4, 0]], 2) == [[2, 4], []]


def test_a_trigram_may_not_come_twice_even_overlapping_itself() -> None:
    assert repeated([[1, 1, 1], [2, 3, 2]], 3) == [[1], []]
    assert repeated([[0, 1, 2, 4, 0, 1], [4, 0, 1, 0, 0, 2]], 3) == [[2], []]


def test_a_unigram_may_not_come_twice() -> None:
    assert repeated([[1, 4, 1], [2, 2, 2]], 1) == [[1, 4], [2]]


def test_nothing_repeats_before_there_is_an_ngram() -> None:
    assert repeated([[], []], 1) == [[], []]
    assert repeated([[1], [1]], 2) == [[], []]


def test_repeats_agree_with_a_search_by_hand() -> None:
    generator = torch.Generator().manual_seed(3)
    for ngram in (1, 2, 3):
        emitted = torch.randint(5, (2, 17), generator=generator).tolist()
        expected = []
        for row in emitted:
            seen = {tuple(row[i : i + ngram]) for i in range(len(row) - ngram + 1)}
            last = tuple(row[len(row) - ngram + 1 :])
            expected.append([token for token in range(5) if (*last, token) in seen])
        assert repeated(emitted, ngram) == expected
