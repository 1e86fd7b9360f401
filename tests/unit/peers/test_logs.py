"""What other systems print, read as they print it."""

import json

import pytest

from scripts.peers.learning import minutes_to
from scripts.peers.logs import (
    LogError,
    Window,
    check_count,
    joeynmt_seconds,
    joeynmt_windows,
    marian_seconds,
    marian_windows,
    opennmt_seconds,
    opennmt_windows,
    ours_windows,
    output_tokens,
    speed,
)


def test_a_speed_is_all_tokens_over_all_seconds_of_the_windows_that_count() -> None:
    windows = [Window(1, 100), Window(300, 2), Window(100, 2)]
    assert speed(windows, skipped=1) == 100


def test_a_speed_needs_a_window_beyond_those_for_warming_up() -> None:
    with pytest.raises(LogError, match="more than 1 windows of updates, found 1"):
        speed([Window(1, 1)], skipped=1)


def test_our_windows_are_the_differences_of_sums() -> None:
    records = [
        {"kind": "train", "target_tokens": 100, "seconds": 1.0},
        {"kind": "train", "target_tokens": 250, "seconds": 1.5},
        {"kind": "valid", "seconds": 9.0},
    ]
    assert ours_windows(map(json.dumps, records)) == [Window(100, 1.0), Window(150, 0.5)]


def test_joeynmt_tells_a_rate() -> None:
    lines = [
        "2026-01-01 12:00:00,000 - INFO - joeynmt.training - Epoch   1, Step:       10, "
        "Batch Loss:     6.912345, Batch Acc: 0.061234, Tokens per Sec:      680, Lr: 0.001000",
        "2026-01-01 12:00:01,000 - INFO - joeynmt.training - Training ended since ...",
    ]
    assert joeynmt_windows(lines, 1360.0) == [Window(1360.0, 2.0)]


def test_opennmt_tells_tokens_a_batch_and_a_rate_of_both_sides() -> None:
    line = (
        "[2026-01-01 12:00:00,000 INFO] Step 10/   20; acc: 8.4; ppl: 1043.5; xent: 7.0; "
        "lr: 0.00100; sents:     640; bsz:  901/1067/64; 982/1163 tok/s;      9 sec;"
    )
    assert opennmt_windows([line], 10) == [Window(10670.0, 10670 / 1163)]


def test_marian_tells_seconds_and_a_rate() -> None:
    line = (
        "[2026-01-01 12:00:00] Ep. 1 : Up. 10 : Sen. 640 : Cost 8.70113659 : Time 4.00s : "
        "563.25 words/s : gNorm 0.0000"
    )
    assert marian_windows([line, "[2026-01-01 12:00:00] Training finished"]) == [Window(2253, 4)]


def test_the_seconds_of_translating() -> None:
    assert joeynmt_seconds(["x", "... - INFO - Generation took 12.3456[sec]."]) == 12.3456
    assert opennmt_seconds(["[... INFO] Total translation time (s): 3.5"]) == 3.5
    assert marian_seconds(["[2026-01-01 12:00:00] Total time: 28.53133s wall"]) == 28.53133


def test_a_log_without_what_is_looked_for_is_an_error() -> None:
    with pytest.raises(LogError, match=r"expected one line like .*Generation took.*, found 0"):
        joeynmt_seconds(["something else"])


def test_the_end_of_a_translation_is_a_token_of_an_empty_one_too() -> None:
    assert output_tokens(["▁un ▁homme .", ""]) == 5


def test_a_system_that_counts_other_tokens_is_found_out() -> None:
    check_count(9733, 9737, "opennmt")
    with pytest.raises(LogError, match="marian tells of 8219 target tokens where 9737"):
        check_count(8219, 9737, "marian")


def test_a_level_is_reached_at_the_first_validation_at_or_above_it() -> None:
    records = [
        {"kind": "train", "seconds": 30.0},
        {"kind": "valid", "bleu": 12.0, "seconds": 60.0},
        {"kind": "valid", "bleu": 20.0, "seconds": 120.0},
        {"kind": "valid", "bleu": 19.0, "seconds": 180.0},
    ]
    assert minutes_to(map(json.dumps, records), [10, 20, 30]) == [1.0, 2.0, None]
