"""Links that attention makes between words."""

import numpy as np

from seq2seq.evaluation.links import Links, links_from_attention


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


WEIGHTS_TS = np.array([[0.1, 0.6, 0.3], [0.45, 0.1, 0.45], [0, 0, 0]])


def test_each_target_word_links_to_its_greatest_weight() -> None:
    assert links_from_attention(WEIGHTS_TS) == links((1, 0), (0, 1))


def test_a_threshold_links_to_every_weight_that_reaches_it() -> None:
    assert links_from_attention(WEIGHTS_TS, threshold=0.3) == links((1, 0), (2, 0), (0, 1), (2, 1))


def test_no_threshold_links_to_a_word_without_weight() -> None:
    assert links_from_attention(np.array([[0, 0.5], [0, 0]]), threshold=0) == links((1, 0))


def test_no_words_have_no_links() -> None:
    assert links_from_attention(np.zeros((0, 3))) == links()
    assert links_from_attention(np.zeros((3, 0))) == links()
