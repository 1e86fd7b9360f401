"""Which settings a corpus of so many words gets, and what time makes of them."""

from itertools import pairwise

import pytest

from seq2seq.planning.sizes import (
    ROWS,
    held_out_for,
    hurried,
    is_hurried,
    is_too_short,
    row_for,
    smaller_model,
    vocabulary_for,
)
from seq2seq.planning.survey import Side, Survey


def surveyed(alphabet: int) -> Survey:
    side = Side(words=10_000, distinct_words=2000, alphabet=alphabet, unseen=0.1)
    return Survey(1000, side, side)


def test_a_larger_corpus_gets_more_of_everything_but_epochs() -> None:
    for small, large in pairwise(ROWS):
        assert small.words < large.words
        assert small.vocabulary < large.vocabulary
        assert small.decoder <= large.decoder
        assert small.tokens < large.tokens
        assert small.epochs > large.epochs


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_a_row_is_for_corpora_up_to_its_words(row: int) -> None:
    assert row_for(ROWS[row].words) is ROWS[row]
    assert row_for(1) is ROWS[0]
    assert row_for(1e12) is ROWS[-1]


def test_a_smaller_model_keeps_the_corpus_s_own_settings() -> None:
    for row in ROWS:
        smaller = smaller_model(row)
        if smaller is None:
            assert row is ROWS[0]
            continue
        assert smaller.decoder < row.decoder
        kept = ("vocabulary", "tokens", "epochs")
        assert [getattr(smaller, name) for name in kept] == [getattr(row, name) for name in kept]


def test_models_grow_smaller_until_there_is_none() -> None:
    row, sizes = ROWS[-1], [ROWS[-1].decoder]
    while (smaller := smaller_model(row)) is not None:
        row = smaller
        sizes.append(row.decoder)
    assert sizes == sorted({other.decoder for other in ROWS}, reverse=True)


def test_some_hundred_updates_are_spent_on_a_smaller_model() -> None:
    assert is_too_short(steps=500, wanted=7000)
    assert not is_too_short(steps=700, wanted=7000)
    assert not is_too_short(steps=400, wanted=1000)  # all that a small corpus takes


def test_a_hurried_training_has_a_high_rate_and_little_dropout() -> None:
    assert is_hurried(steps=2000, wanted=7000)
    assert not is_hurried(steps=3000, wanted=7000)
    for row in ROWS:
        changed = hurried(row, epochs=4)
        assert row.rate <= changed.rate == 0.005
        assert changed.dropout <= 0.1
        assert changed._replace(rate=row.rate, dropout=row.dropout) == row
        assert hurried(row, epochs=6).dropout == min(0.3, row.dropout)  # else learnt by heart


def test_every_character_has_a_piece_and_words_have_some_too() -> None:
    row = ROWS[1]
    assert vocabulary_for(row, surveyed(alphabet=60)) == row.vocabulary
    assert vocabulary_for(row, surveyed(alphabet=3000)) == 6000 + row.vocabulary // 2


@pytest.mark.parametrize(
    ("pairs", "held_out"),
    [(1, 0), (9, 0), (10, 1), (300, 30), (500, 50), (1000, 50), (3000, 150), (10**6, 1000)],
)
def test_a_twentieth_is_held_out_and_a_tenth_of_a_small_corpus(pairs: int, held_out: int) -> None:
    assert held_out_for(pairs) == held_out
