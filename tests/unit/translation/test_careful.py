"""Batches that do not fit in memory are searched in halves; a sentence at fault is named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest
import torch

from seq2seq.config import DecodingConfig
from seq2seq.errors import UserError
from seq2seq.search.loop import NotFiniteError
from seq2seq.translation.careful import batch_size, carefully
from seq2seq.translation.reading import Source

OPTIONS = DecodingConfig(beam=7, max_length=40)
FULL = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


def sources(count: int) -> list[Source]:
    return [Source(number, "x", [5] * (3 + number)) for number in range(count)]


def room_for(
    most: int, error: Exception, seen: list[int]
) -> Callable[[Sequence[Source]], list[int]]:
    def work(batch: Sequence[Source]) -> list[int]:
        seen.append(len(batch))
        if len(batch) > most:
            raise error
        return [source.number for source in batch]

    return work


@pytest.mark.parametrize("error", FULL, ids=repr)
@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_a_batch_is_halved_until_it_fits_and_results_keep_their_order(
    count: int, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    with caplog.at_level(logging.WARNING, "seq2seq"):
        found = carefully(room_for(2, error, seen), OPTIONS)(sources(count))
    assert found == list(range(count))
    assert len(caplog.records) == (count > 2)  # said once
    assert max(seen) == count


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_a_sentence_that_does_not_fit_alone_is_named(error: Exception) -> None:
    def work(batch: Sequence[Source]) -> list[int]:
        if any(source.number == 4 for source in batch):
            raise error
        return [source.number for source in batch]

    said = (
        r"^sentence 5: out of memory with 7 source pieces, decoding\.beam 7 and "
        r"decoding\.max_length 40; lower decoding\.beam, decoding\.max_length or "
        r"decoding\.max_source$"
    )
    with pytest.raises(UserError, match=said):
        carefully(work, OPTIONS)(sources(6))


def test_a_sentence_without_probabilities_is_named() -> None:
    def work(batch: Sequence[Source]) -> list[int]:
        raise NotFiniteError(2)

    with pytest.raises(UserError, match=r"^sentence 3: the model's log-probabilities are not num"):
        carefully(work, OPTIONS)(sources(6))


def test_another_error_stays_what_it_is() -> None:
    seen: list[int] = []
    with pytest.raises(RuntimeError, match="shapes differ"):
        carefully(room_for(0, RuntimeError("shapes differ"), seen), OPTIONS)(sources(6))
    assert seen == [6]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, 64),
        ({"batch": 10**6, "beam": 1}, 8192),
        ({"beam": 10_000}, 1),
        ({"beam": 1000}, 8),
        ({"sample": True, "n_best": 1000, "beam": 5}, 8),
    ],
)
def test_fewer_sentences_are_searched_together_where_beams_are_wide(
    options: dict[str, object], size: int
) -> None:
    assert batch_size(DecodingConfig.model_validate(options)) == size
