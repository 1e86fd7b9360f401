"""Counts, medians and memory, against arithmetic on paper."""

from __future__ import annotations

import logging
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch

from seq2seq.bench.machine import Machine, Memory
from seq2seq.bench.spread import Spread
from seq2seq.bench.translating import BeamBench, Pass, count_tokens
from seq2seq.bench.updates import Tally
from seq2seq.data.batching import collate
from seq2seq.machine.resources import peak_memory
from seq2seq.translation.translation import Candidate, Translation

MACHINE = Machine("cpu", "a processor", "AVX2", 4, 1, "2.9", "fp32", 2.0)


def ids(length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(4, 4 + length, dtype=np.int64)


def test_the_end_of_a_sentence_is_a_token_and_padding_is_none() -> None:
    batch = collate([(ids(3), ids(5)), (ids(1), ids(2))], source_end=True)
    tally = Tally().plus(batch)
    assert tally == Tally(sentences=2, source_tokens=6, target_tokens=9, places=2 * 4 + 2 * 6)
    assert tally.padding == pytest.approx(1 - 15 / 20)
    assert tally.plus(batch) == Tally(4, 12, 18, 40)


def test_a_source_without_end_has_a_token_less() -> None:
    batch = collate([(ids(3), ids(5))], source_end=False)
    assert Tally().plus(batch) == Tally(1, 3, 6, 9)


def test_the_spread_is_the_median_and_the_extremes() -> None:
    spread = Spread.of([3.0, 1000.5, 2.0])
    assert spread == (3.0, 2.0, 1000.5)
    assert spread.render(",.1f", 6) == "   3.0  [2.0, 1,000.5]"
    assert Spread.of([1.0, 2.0]).median == 1.5


def test_output_tokens_are_those_of_the_best_candidates_with_their_ends() -> None:
    def candidate(log_probs: list[float]) -> Candidate:
        weights_HTS = np.zeros((1, 0, 0), np.float32)
        return Candidate("", 0.0, log_probs, [], [], [], True, weights_HTS, [])

    def translation(*candidates: Candidate) -> Translation:
        return Translation("", [], [], list(candidates))

    found = [translation(candidate([-1.0] * 3), candidate([-1.0] * 9)), translation()]
    assert count_tokens(found) == 3


def test_the_latency_is_over_sentences_of_their_medians_over_rounds() -> None:
    rounds = [Pass(12, 2.0, [1.0, 9.0, 3.0]), Pass(12, 4.0, [1.0, 2.0, 30.0])]
    rounds.append(Pass(12, 3.0, [5.0, 2.0, 4.0]))
    bench = BeamBench(1, 6, rounds)
    assert bench.latency(50) == 2.0  # of 1, 2 and 4
    assert bench.latency(95) == pytest.approx(3.8)
    assert bench.target_tokens_per_second == (4.0, 3.0, 6.0)
    assert bench.sentences_per_second == (2.0, 1.5, 3.0)


def test_peak_memory_is_what_the_system_says() -> None:
    peak = peak_memory()
    assert peak is not None
    assert peak >= 1e8  # bytes and not kilobytes: torch alone takes more
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak <= 1.1 * most  # the kernel counts the two at different moments


def test_memory_is_told_in_gigabytes() -> None:
    told = "   0.50 GB  resident, of the whole process (0.25 GB before)"
    assert Memory(250_000_000, 500_000_000).render(10) == told
    on_device = Memory(250_000_000, 500_000_000, 10**9).render(10)
    assert on_device == f"{told}; 1.00 GB of tensors on the device"
    assert Memory(None, None).render(3) == "  ?  not told by this system"


def test_a_busy_machine_is_told_of_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "seq2seq"):
        MACHINE.warn_if_busy()
        replace(MACHINE, load=None).warn_if_busy()
        assert not caplog.records
        replace(MACHINE, load=2.1).warn_if_busy()
    (record,) = caplog.records
    assert record.getMessage().startswith("the machine is busy (load 2.1 on 4 cores)")


def test_a_machine_is_told_in_one_line() -> None:
    assert MACHINE.render() == (
        "a processor, 1 thread of 4 cores, AVX2; torch 2.9, fp32; load 2.0 before"
    )
    now = Machine.now(torch.device("cpu"))
    assert now.processor
    assert now.cores >= 1
    assert now.threads == torch.get_num_threads()
