"""Links and entropies of attention against arithmetic on paper, with a model whose weights are set.

Everything is about one pair, `j'ai faim.` for `I'm hungry.`; the pieces are

    I'm  hung  ry  .  </s>        and        j'  ai  faim  .
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from seq2seq.data.tokenizer import WordPieces
from seq2seq.errors import UserError
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.gold import GoldAlignment
from seq2seq.evaluation.links import Links
from seq2seq.evaluation.word_attention import (
    Aligning,
    align,
    mean_entropy,
    mean_weights,
    read_attention,
)
from seq2seq.inference.translator import Translator
from seq2seq.translation.translation import END, Candidate, Translation

ENGLISH = [WordPieces("I'm", (0,)), WordPieces("hungry", (1, 2)), WordPieces(".", (3,))]
FRENCH = [WordPieces(word, (n,)) for n, word in enumerate(["j'", "ai", "faim", "."])]
PAIR = ("I'm hungry.", "j'ai faim.")

AHEAD = [  # I'm, hung, ry, ., </s>
    [0.75, 0.0, 0.25, 0.0, 0.0],  # j'
    [0.25, 0.5, 0.25, 0.0, 0.0],  # ai
    [0.25, 0.25, 0.25, 0.0, 0.25],  # faim
    [0.0, 0.0, 0.0, 0.25, 0.75],  # .
    [0.0, 0.0, 0.0, 0.0, 1.0],  # the end
]
BACK = [  # j', ai, faim, ., </s>
    [0.5, 0.5, 0.0, 0.0, 0.0],  # I'm
    [0.0, 0.0, 1.0, 0.0, 0.0],  # hung
    [0.0, 1.0, 0.0, 0.0, 0.0],  # ry
    [0.0, 0.0, 0.25, 0.75, 0.0],  # .
    [0.0, 0.0, 0.0, 0.0, 1.0],  # the end
]


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


def reader(
    sources: list[WordPieces], targets: list[WordPieces], weights_TS: Sequence[Sequence[float]]
) -> Translator:
    """A translator that reads with these weights, whatever it is given but a blank source."""
    weights_HTS = np.array([weights_TS], np.float32)
    columns = [*sources, WordPieces(END, (weights_HTS.shape[2] - 1,))]

    def force(pairs: Sequence[tuple[str, str]]) -> list[Translation]:
        best = Candidate("", 0.0, [], [], [], [], True, weights_HTS, columns)
        return [
            Translation(source, [], columns, [best]) if source else Translation("", [], [], [])
            for source, _ in pairs
        ]

    spelling = SimpleNamespace(source_words=lambda text: targets if text else [])
    return cast(
        Translator, SimpleNamespace(force=force, tokenizers=SimpleNamespace(target=spelling))
    )


FORWARD = reader(ENGLISH, FRENCH, AHEAD)
BACKWARD = reader(FRENCH, ENGLISH, BACK)


def test_words_are_sums_of_columns_and_means_of_rows_and_the_end_stays_last() -> None:
    (forward,) = read_attention(FORWARD, [PAIR])
    assert forward.weights_IJ.tolist() == [
        [0.75, 0.25, 0.0, 0.0],  # I'm, hungry, ., </s>
        [0.25, 0.75, 0.0, 0.0],
        [0.25, 0.5, 0.0, 0.25],
        [0.0, 0.0, 0.25, 0.75],
    ]
    (backward,) = read_attention(BACKWARD, [PAIR[::-1]])
    assert backward.weights_IJ.tolist() == [
        [0.5, 0.5, 0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5, 0.0, 0.0],  # the mean of hung and ry
        [0.0, 0.0, 0.25, 0.75, 0.0],
    ]


def test_tokens_are_sums_and_means_over_all_their_words() -> None:
    (forward,) = read_attention(FORWARD, [PAIR], tokenized=True)
    assert forward.has_end
    assert forward.weights_IJ.tolist() == [  # I'm, hungry., </s>
        [0.5, 0.5, 0.0],  # j'ai: the mean of j' and ai
        [0.125, 0.375, 0.5],  # faim.: of faim and .
    ]


def test_a_row_that_looks_most_at_the_end_has_no_weight() -> None:
    (forward,) = read_attention(FORWARD, [PAIR])
    assert forward.of_words().tolist() == [
        [0.75, 0.25, 0.0],
        [0.25, 0.75, 0.0],
        [0.25, 0.5, 0.0],
        [0.0, 0.0, 0.0],
    ]


def test_links_of_both_directions_by_both_rules_are_scored_as_by_hand() -> None:
    # argmax:        0-0 1-1 1-2; `.` looks at the end
    # backward:      0-0 1-1 2-3; of equals the first: I'm -> j', hungry -> ai
    # intersection:  0-0 1-1
    # weights >= .5: 0-0 1-1 1-2; backward 0-0 0-1 1-1 1-2 2-3; intersection 0-0 1-1 1-2
    gold = [GoldAlignment(links((0, 0), (1, 2), (2, 3)), links((0, 0), (1, 2), (2, 3), (0, 1)))]
    how = Aligning(threshold=0.5, reverse=BACKWARD, symmetrization="intersection")
    found = align(FORWARD, [PAIR], gold, how)
    assert {name: score.aer for name, score in found.scores.items()} == pytest.approx(
        {
            "argmax": 1 - (2 + 2) / (3 + 3),
            "argmax backward": 1 - (2 + 2) / (3 + 3),
            "argmax intersection": 1 - (1 + 1) / (2 + 3),
            "threshold=0.5": 1 - (2 + 2) / (3 + 3),
            "threshold=0.5 backward": 1 - (3 + 4) / (5 + 3),
            "threshold=0.5 intersection": 1 - (2 + 2) / (3 + 3),
        }
    )
    assert found.plain is not None
    assert found.plain.unshifted == found.scores["argmax"]
    assert found.links == [links((0, 0), (1, 1), (1, 2))]  # of the last


def test_the_links_are_those_of_the_most_particular_kind_and_need_no_gold() -> None:
    found = align(FORWARD, [PAIR])
    assert found.links == [links((0, 0), (1, 1), (1, 2))]
    assert (found.plain, found.scores) == (None, {})
    both = align(FORWARD, [PAIR], None, Aligning(reverse=BACKWARD, symmetrization="union"))
    assert both.links == [links((0, 0), (1, 1), (1, 2), (2, 3))]


def test_mean_takes_links_from_the_mean_weights_of_both_directions() -> None:
    forward, backward = (
        next(read_attention(one, [pair])).of_words()
        for one, pair in ((FORWARD, PAIR), (BACKWARD, PAIR[::-1]))
    )
    expected_IJ = [  # I'm, hungry, .
        [0.625, 0.125, 0.0],  # j'
        [0.375, 0.625, 0.0],  # ai
        [0.125, 0.5, 0.125],  # faim
        [0.0, 0.0, 0.375],  # . looks at the end
    ]
    np.testing.assert_allclose(mean_weights(forward, backward), expected_IJ, rtol=1e-6)
    # Rows choose 0-0, 1-1, 1-2, 2-3; columns 0-0, 1-1, 2-3; 1-2 is next to a link that both have.
    found = align(FORWARD, [PAIR], None, Aligning(reverse=BACKWARD, symmetrization="mean"))
    assert found.links == [links((0, 0), (1, 1), (1, 2), (2, 3))]


def test_gold_of_words_does_not_fit_tokens_and_the_message_says_so() -> None:
    gold = [GoldAlignment(links((2, 3)), links((2, 3)))]
    align(FORWARD, [PAIR], gold)
    with pytest.raises(UserError, match=r"2-3 .* 2 source and 2 target words.*--tokenized"):
        align(FORWARD, [PAIR], gold, Aligning(tokenized=True))


def test_a_blank_source_links_nothing() -> None:
    gold = [GoldAlignment(links(), links())]
    found = align(FORWARD, [("", "j'ai faim.")], gold, Aligning(tokenized=True, reverse=BACKWARD))
    assert (found.links, found.entropy) == ([links()], None)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, float("nan")])
def test_a_threshold_that_is_no_weight_is_refused(threshold: float) -> None:
    with pytest.raises(UserError, match=r"threshold: expected a number above 0, at most 1, found"):
        Aligning(threshold=threshold)


def test_references_of_another_number_are_refused_before_any_work() -> None:
    with pytest.raises(UserError, match="the reference has 2 lines"):
        evaluate(FORWARD, ["I'm hungry."], [["j'ai faim.", "oui"]])


def test_entropy_is_the_mean_over_rows_of_all_matrices() -> None:
    # 1 of 2 alike: log 2; certain: 0; of [1, 1, 2] / 4: 2/4 log 4 + 1/2 log 2 = 3/2 log 2
    found = mean_entropy([np.array([[0.5, 0.5], [1, 0]]), np.array([[1, 1, 2]])])
    assert found == pytest.approx((log(2) + 0 + 1.5 * log(2)) / 3)


def test_rows_without_weight_have_no_entropy() -> None:
    assert mean_entropy([np.array([[0, 0], [0.5, 0.5]])]) == pytest.approx(log(2))
    assert mean_entropy([np.zeros((2, 3)), np.zeros((2, 0)), np.zeros((0, 3))]) is None


def test_entropy_counts_the_end_as_a_place_to_look_at() -> None:
    # [3/4, 1/4] three times and [1/4, 1/2, 1/4]; 1/4 log 4 = 1/2 log 2
    quarters = 0.75 * log(4 / 3) + 0.5 * log(2)
    expected = (3 * quarters + 1.5 * log(2)) / 4
    assert align(FORWARD, [PAIR]).entropy == pytest.approx(expected)


def test_characters_that_share_a_piece_are_words_of_their_own_with_its_weight() -> None:
    shown = [WordPieces("我爱", (0,)), WordPieces("你", (1,))]
    chinese = reader(shown, FRENCH[:2], [[0.75, 0.25, 0.0], [0.25, 0.5, 0.25]])
    (one,) = read_attention(chinese, [("我爱你", "j'ai")])
    assert one.weights_IJ.tolist() == [  # 我, 爱, 你, </s>
        [0.75, 0.75, 0.25, 0.0],
        [0.25, 0.25, 0.5, 0.25],
    ]
