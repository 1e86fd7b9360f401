"""The search over arrays finds what the search over tensors does, on the same tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
import torch

from seq2seq.config import DecodingConfig
from seq2seq.export import search as light
from seq2seq.export.network import Ids, State, Stepped
from seq2seq.search.search import search
from tests.unit.search.fakes import (
    BOS,
    EOS,
    PAD,
    Prefixes,
    Row,
    Table,
    constant_row,
    random_row,
)

VOCABULARY = 7
LIMITS = (6, 1, 4, 9)


@dataclass(frozen=True)
class Rows:
    """The fakes' state, whose rows are given as arrays."""

    prefixes: Prefixes

    def reorder(self, rows_N: Ids) -> Rows:
        return Rows(self.prefixes.reorder(torch.from_numpy(rows_N)))

    def keep(self, rows_N: Ids) -> Rows:
        few = 0 < len(rows_N) < len(self.prefixes.rows)
        return Rows(self.prefixes.keep(torch.from_numpy(rows_N))) if few else self

    def repeat(self, times: int) -> Rows:
        return Rows(self.prefixes.repeat(times))


def lightly(row: Row, options: DecodingConfig, forbidden: tuple[int, ...]) -> list[list[object]]:
    table = Table(row, torch.float32)

    def step(tokens_N: Ids, state: State) -> Stepped:
        stepped = table(torch.from_numpy(tokens_N), cast(Rows, state).prefixes)
        after = cast(State, Rows(stepped.state))
        return Stepped(stepped.log_probs_NW.numpy(), stepped.weights_NHS.numpy(), after)

    found = light.beam_search(
        step,
        cast(State, Rows(Prefixes.of(*range(len(LIMITS))))),
        limits=LIMITS,
        options=options,
        bos=BOS,
        eos=EOS,
        forbidden=forbidden,
    )
    return [[plain(each) for each in best] for best in found]


def heavily(row: Row, options: DecodingConfig, forbidden: tuple[int, ...]) -> list[list[object]]:
    found = search(
        Table(row, torch.float32),
        Prefixes.of(*range(len(LIMITS))),
        sentences=len(LIMITS),
        max_lengths=LIMITS,
        options=options,
        bos=BOS,
        eos=EOS,
        forbidden=forbidden,
    )
    return [[plain(each) for each in best] for best in found]


def plain(found: object) -> object:
    values = vars(found)
    assert isinstance(values["weights_THS"], np.ndarray)
    return {**values, "weights_THS": values["weights_THS"].tolist()}


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
def test_both_searches_find_the_same(beam: int, changes: dict[str, int]) -> None:
    options = DecodingConfig.model_validate({"beam": beam, "n_best": beam, **changes})
    for seed in range(5):
        row = random_row(VOCABULARY, seed)
        assert lightly(row, options, (PAD, BOS)) == heavily(row, options, (PAD, BOS))


@pytest.mark.parametrize("beam", [1, 3])
def test_what_nothing_may_follow_is_cut_off_in_both(beam: int) -> None:
    options = DecodingConfig(beam=beam, n_best=beam, min_length=5, no_repeat_ngram=1)
    row = random_row(VOCABULARY, 1)
    found = lightly(row, options, (PAD, BOS))
    assert found == heavily(row, options, (PAD, BOS))
    never = constant_row(0.25, 0.25, 0.25, 0.25)  # all forbidden but the end, which is too early
    found = lightly(never, options, (0, 1, 2))
    assert found == heavily(never, options, (0, 1, 2))
    assert [len(best) for best in found] == [1] * len(LIMITS)
