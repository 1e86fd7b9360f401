import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.links import Links, reverse_links
from seq2seq.evaluation.symmetrization import symmetrize


def links(*pairs: tuple[int, int]) -> Links:
    return frozenset(pairs)


FORWARD = links((0, 0), (1, 1), (2, 1), (4, 4))
BACKWARD = links((0, 0), (1, 1), (1, 2), (4, 3))


def test_intersection_and_union_are_those_of_sets() -> None:
    assert symmetrize(FORWARD, BACKWARD, "intersection") == links((0, 0), (1, 1))
    assert symmetrize(FORWARD, BACKWARD, "union") == FORWARD | BACKWARD


def test_growing_adds_neighbours_and_finishing_adds_what_reaches_a_new_word() -> None:
    # (2, 1) and (1, 2) touch (1, 1) and each brings a new word; (4, 4) touches nothing, but comes
    # in at the end, and so does (4, 3), whose target is new
    assert symmetrize(FORWARD, BACKWARD) == FORWARD | BACKWARD


def test_a_link_between_words_that_are_aligned_already_stays_out() -> None:
    held = links((0, 0), (1, 1))
    assert symmetrize(held | links((0, 1)), held) == held
    assert symmetrize(held, held | links((0, 1))) == held


def test_of_two_loose_links_with_one_word_the_forward_one_wins() -> None:
    held = links((0, 0), (3, 3))
    forward, backward = held | links((5, 3)), held | links((5, 0))
    assert symmetrize(forward, backward) == held | links((5, 3))


def test_growing_comes_before_finishing() -> None:
    held, near, far = links((0, 0)), links((1, 1)), links((1, 4), (4, 1))
    # the far links would cover both words of the near one, if they came first
    assert symmetrize(held | far, held | near) == held | near | far


def test_growth_goes_on_from_what_has_grown() -> None:
    chain = links((0, 0), (1, 1), (2, 2), (3, 3))
    assert symmetrize(chain, links((0, 0))) == chain


def test_the_other_direction_mirrors_the_result() -> None:
    turned = symmetrize(reverse_links(FORWARD), reverse_links(BACKWARD), "union")
    assert reverse_links(turned) == FORWARD | BACKWARD


def test_an_unknown_method_is_refused_with_a_hint() -> None:
    with pytest.raises(UserError, match="did you mean 'union'"):
        symmetrize(FORWARD, BACKWARD, "unoin")
