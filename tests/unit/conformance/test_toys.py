"""Toy tasks: their data by hand, their figures from models that are told what to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seq2seq.conformance.laws import Case
from seq2seq.conformance.toys import (
    FIRST,
    LONGEST,
    SHORTEST,
    SYMBOLS,
    TASKS,
    Learnt,
    Sequences,
    alignment_accuracy,
    draw,
    learn,
    token_accuracy,
)


def test_targets_and_alignments_are_those_of_the_task() -> None:
    source = np.array([9, 4, 7])
    targets = {task: source[gold(source)].tolist() for task, gold in TASKS.items()}
    assert targets == {"copy": [9, 4, 7], "reverse": [7, 4, 9], "sort": [4, 7, 9]}
    assert TASKS["sort"](source).tolist() == [1, 2, 0]


@pytest.mark.parametrize("task", TASKS)
def test_symbols_differ_and_the_gold_places_hold_the_target(task: str) -> None:
    sequences = draw(task, 50, np.random.default_rng(3))
    for (source, target), places in zip(sequences.pairs, sequences.places, strict=True):
        assert SHORTEST <= len(source) <= LONGEST
        assert len(set(source.tolist())) == len(source)
        assert set(source.tolist()) <= set(range(FIRST, FIRST + SYMBOLS))
        assert [source[place] for place in places] == target.tolist()


def test_held_out_sequences_are_never_drawn() -> None:
    first = draw("copy", 300, np.random.default_rng(3))
    seen = {tuple(source.tolist()) for source, _ in first.pairs}
    without = draw("copy", 300, np.random.default_rng(3), frozenset(seen))
    assert seen.isdisjoint(tuple(source.tolist()) for source, _ in without.pairs)


def test_accuracies_are_counted_by_hand() -> None:
    pairs = [(np.array([4, 5, 6]), np.array([6, 5, 4])), (np.array([7, 8, 9]), np.array([9, 8, 7]))]
    sequences = Sequences(pairs, [np.array([2, 1, 0]), np.array([2, 1, 0])])
    # 6 5 4 EOS is right throughout; of 9 7 EOS only the 9.
    assert token_accuracy([[6, 5, 4], [9, 7]], sequences) == 5 / 8
    assert token_accuracy([[6, 5, 4, 4], [9, 8, 7]], sequences) == 7 / 8
    weights_BHTS = torch.zeros(2, 2, 4, 4)
    for row, looked_at in enumerate([[2, 1, 0], [2, 0, 3]]):
        for step, place in enumerate(looked_at):
            weights_BHTS[row, 0, step, place] = 0.6  # one head; the other looks elsewhere, less
            weights_BHTS[row, 1, step, 1] = 0.5
    assert alignment_accuracy(weights_BHTS, sequences) == 4 / 6


def test_what_is_learnt_is_told_in_a_line() -> None:
    assert str(Learnt("copy", 1.0, 0.998)) == "PASS  copy      accuracy 100.0%  alignment  99.8%"
    assert str(Learnt("sort", 0.5, None)) == "MISS  sort      accuracy  50.0%  alignment none"
    # Right tokens without right weights are not attention's doing.
    assert str(Learnt("copy", 0.98, 0.2)) == "MISS  copy      accuracy  98.0%  alignment  20.0%"


def test_a_soft_unit_learns_to_copy_and_to_align() -> None:
    found = learn("copy", Case({"kind": "general"}, {"kind": "luong"}), updates=120)
    assert found.accuracy > 0.95
    assert found.alignment is not None
    assert found.alignment > 0.9
    assert found.learnt


def test_one_configuration_always_gives_the_same() -> None:
    case = Case({"kind": "dot"}, {"kind": "luong"})
    one, other = (learn("sort", case, updates=2) for _ in range(2))
    assert one == other
    assert not one.learnt
