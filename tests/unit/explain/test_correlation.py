"""Rank correlations against arithmetic on paper."""

from __future__ import annotations

import math

import pytest

from seq2seq.explain.correlation import kendall, ranks, spearman


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks([30, 10, 20]).tolist() == [3, 1, 2]
    assert ranks([5, 1, 5, 5, 9]).tolist() == [3, 1, 3, 3, 5]
    assert ranks([]).tolist() == []


@pytest.mark.parametrize(
    ("ours", "theirs", "rho", "tau"),
    [
        ([1, 2, 3], [10, 20, 30], 1, 1),
        ([1, 2, 3], [3, 2, 1], -1, -1),
        ([1, 2, 3, 4], [1, 3, 2, 4], 1 - 6 * 2 / (4 * 15), (5 - 1) / 6),
        ([1, 5, 2, 3, 4], [1, 2, 3, 4, 5], 1 - 6 * 12 / (5 * 24), (7 - 3) / 10),
        # ranks 1, 2.5, 2.5, 4: 4.5 / sqrt(4.5 x 5); 5 pairs of 6 are not tied, all concordant
        ([1, 2, 2, 4], [1, 2, 3, 4], 4.5 / math.sqrt(4.5 * 5), 5 / math.sqrt(5 * 6)),
        ([1, 1, 2], [3, 3, 0], -1, -1),
    ],
)
def test_rank_correlations_by_hand(
    ours: list[float], theirs: list[float], rho: float, tau: float
) -> None:
    assert spearman(ours, theirs) == spearman(theirs, ours) == pytest.approx(rho)
    assert kendall(ours, theirs) == kendall(theirs, ours) == pytest.approx(tau)


@pytest.mark.parametrize("ours", [[1, 1, 1], [1, math.nan, 2]])
def test_without_an_order_there_is_no_correlation(ours: list[float]) -> None:
    for correlation in (spearman, kendall):
        assert math.isnan(correlation(ours, [1, 2, 3]))
        assert math.isnan(correlation([1, 2, 3], ours))
        assert math.isnan(correlation([1], [2]))
