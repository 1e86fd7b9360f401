"""What a search asks of NumPy and of torch is the same of both."""

from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.config import DecodingConfig
from seq2seq.search.arrays import Arrays, NumpyArrays
from seq2seq.search.beam import beam_search
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import Request
from seq2seq.search.tensors import TensorArrays
from tests.unit.search.fakes import (
    BOS,
    EOS,
    PAD,
    Prefixes,
    Row,
    Table,
    constant_row,
    in_numpy,
    random_row,
)

BOTH = pytest.mark.parametrize("arrays", [NumpyArrays(), TensorArrays()], ids=["NumPy", "torch"])


@BOTH
@pytest.mark.parametrize("vocabulary", [5, 64, 200, 640, 1001])
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("count", [2, 6, 25])
def test_the_best_are_those_of_sorting_everything(
    arrays: Arrays, vocabulary: int, slots: int, count: int
) -> None:
    random = np.random.default_rng(vocabulary + count)
    for _ in range(20):
        scores_BK = random.standard_normal((2, slots), np.float32)
        log_probs_NW = random.standard_normal((2 * slots, vocabulary), np.float32)
        log_probs_NW[:, ::3] = -np.inf
        sums_BX = (scores_BK.reshape(-1, 1) + log_probs_NW).reshape(2, -1)
        numbers_BC, log_probs_BC = arrays.best(scores_BK, arrays.give(log_probs_NW), count)
        assert numbers_BC.shape[1] == min(count, sums_BX.shape[1])
        for b in (0, 1):
            assert len(set(numbers_BC[b].tolist())) == numbers_BC.shape[1]
            expected_C = np.sort(sums_BX[b])[::-1][: numbers_BC.shape[1]]
            assert np.array_equal(sums_BX[b, numbers_BC[b]], expected_C)
            log_probs_X = log_probs_NW.reshape(2, -1)[b]
            assert np.array_equal(log_probs_BC[b], log_probs_X[numbers_BC[b]])


@BOTH
def test_weights_are_gathered_head_by_head_and_have_none_where_positions_were_cut(
    arrays: Arrays,
) -> None:
    first_NHS = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    second_NHS = np.arange(100, 104, dtype=np.float32).reshape(1, 2, 2)
    rows_TM = np.array([[1, 0], [0, 0]])
    weights_MHTS = arrays.gather([arrays.give(first_NHS), arrays.give(second_NHS)], rows_TM)
    assert weights_MHTS.tolist() == [
        [[[6, 7, 8], [100, 101, 0]], [[9, 10, 11], [102, 103, 0]]],
        [[[0, 1, 2], [100, 101, 0]], [[3, 4, 5], [102, 103, 0]]],
    ]


def found_by_both(
    row: Row, options: DecodingConfig, forbidden: tuple[int, ...]
) -> list[list[list[dict[str, Any]]]]:
    """The hypotheses of four sentences, by NumPy and by torch, as plain values."""
    request = Request(
        max_lengths=(6, 1, 4, 9),
        bos=BOS,
        eos=EOS,
        forbidden=forbidden,
        min_length=options.min_length,
        no_repeat_ngram=options.no_repeat_ngram,
    )
    table = Table(row, torch.float32)
    by_both = [
        beam_search(
            step,
            Prefixes.of(0, 1, 2, 3),
            request,
            arrays=arrays,
            beam=options.beam,
            n_best=options.n_best,
            length_penalty=options.length_penalty,
        )
        for step, arrays in ((in_numpy(table), NumpyArrays()), (table, TensorArrays()))
    ]
    return [[[plain(best) for best in hypotheses] for hypotheses in found] for found in by_both]


def plain(hypothesis: Hypothesis) -> dict[str, Any]:
    return {**vars(hypothesis), "weights_HTS": hypothesis.weights_HTS.tolist()}


@pytest.mark.parametrize("beam", [1, 2, 5])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"length_penalty": 0},
        {"min_length": 3},
        {"no_repeat_ngram": 1},
        {"no_repeat_ngram": 2, "min_length": 2},
    ],
    ids=str,
)
def test_a_search_finds_the_same_by_both(beam: int, changes: dict[str, int]) -> None:
    options = DecodingConfig.model_validate({"beam": beam, "n_best": beam, **changes})
    for seed in range(5):
        by_numpy, by_torch = found_by_both(random_row(7, seed), options, (PAD, BOS))
        assert by_numpy == by_torch


@pytest.mark.parametrize("beam", [1, 3])
def test_what_nothing_may_follow_is_cut_off_by_both(beam: int) -> None:
    options = DecodingConfig(beam=beam, n_best=beam, min_length=5, no_repeat_ngram=1)
    by_numpy, by_torch = found_by_both(random_row(7, 1), options, (PAD, BOS))
    assert by_numpy == by_torch
    never = constant_row(0.25, 0.25, 0.25, 0.25)  # all forbidden but the end, which is too early
    by_numpy, by_torch = found_by_both(never, options, (0, 1, 2))
    assert by_numpy == by_torch
    assert [len(hypotheses) for hypotheses in by_numpy] == [1] * 4
