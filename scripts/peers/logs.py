"""What the systems say of their own speed, read from what they print.

Their tokens are the same: pieces of the target, the end of a sentence counted, padding not.
`bench_peers.py --what memory` holds them to that, on a corpus whose pieces are counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Window(NamedTuple):
    """Some updates: the target tokens in them, and the seconds they took."""

    tokens: float
    seconds: float


class LogError(ValueError):
    """A system printed something else than it should have."""


def speed(windows: Sequence[Window], *, skipped: int) -> float:
    """Return the tokens a second of all windows but the first, which are for warming up."""
    counted = windows[skipped:]
    if not counted:
        raise LogError(f"expected more than {skipped} windows of updates, found {len(windows)}")
    return sum(w.tokens for w in counted) / sum(w.seconds for w in counted)


def check_count(told: float, counted: int, system: str) -> None:
    """Raise LogError unless a system told of as many tokens as were counted, but for rounding."""
    if abs(told - counted) > 0.01 * counted:
        raise LogError(f"{system} tells of {told:.0f} target tokens where {counted} were counted")


# --- training ------------------------------------------------------------------------------------


def ours_windows(lines: Iterable[str]) -> list[Window]:
    """From our metrics.jsonl, whose tokens and seconds are sums since the start."""
    records = [record for record in map(json.loads, lines) if record["kind"] == "train"]
    sums = [(0, 0.0), *((r["target_tokens"], r["seconds"]) for r in records)]
    return [Window(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(sums)]


def joeynmt_windows(lines: Iterable[str], tokens: float) -> list[Window]:
    """From JoeyNMT's log, which tells rates alone; `tokens` are those of a window on average.

    Its batches are drawn at random, not by length, so that each has about as many.
    """
    rates = _found(r"Step: +\d+, .*Tokens per Sec: +(\d+),", lines)
    return [Window(tokens, tokens / float(rate)) for (rate,) in rates]


def opennmt_windows(lines: Iterable[str], updates: int) -> list[Window]:
    """From OpenNMT-py's log: mean target tokens a batch, and a second, of `updates` each."""
    form = r"Step +\d+/ *\d+; .*bsz: +\d+/ *(\d+)/ *\d+; +\d+/ *(\d+) tok/s;"
    found = ((updates * float(size), float(rate)) for size, rate in _found(form, lines))
    return [Window(tokens, tokens / rate) for tokens, rate in found]


def marian_windows(lines: Iterable[str]) -> list[Window]:
    """From Marian's log, where `words` are pieces of the target."""
    found = _found(r"Up\. \d+ .* Time ([\d.]+)s : ([\d.]+) words/s", lines)
    return [Window(float(seconds) * float(rate), float(seconds)) for seconds, rate in found]


# --- translating ---------------------------------------------------------------------------------


def joeynmt_seconds(lines: Iterable[str]) -> float:
    """Seconds of all batches, without loading the model."""
    return _only(r"Generation took ([\d.]+)\[sec\]", lines)


def opennmt_seconds(lines: Iterable[str]) -> float:
    """Seconds of reading and all batches, without loading the model."""
    return _only(r"Total translation time \(s\): ([\d.]+)", lines)


def marian_seconds(lines: Iterable[str]) -> float:
    """Seconds of reading and all batches, without loading the model."""
    return _only(r"Total time: ([\d.]+)s wall", lines)


def ctranslate2_seconds(lines: Iterable[str]) -> float:
    """Seconds of all batches, without loading the model."""
    return _only(r"translated in ([\d.]+) s", lines)


def output_tokens(lines: Iterable[str]) -> int:
    """Return the tokens of translations in pieces, a line each, their ends counted."""
    return sum(len(line.split()) + 1 for line in lines)


def _found(form: str, lines: Iterable[str]) -> list[tuple[str, ...]]:
    matches = (re.search(form, line) for line in lines)
    return [match.groups() for match in matches if match]


def _only(form: str, lines: Iterable[str]) -> float:
    found = _found(form, lines)
    if len(found) != 1:
        raise LogError(f"expected one line like {form!r}, found {len(found)}")
    return float(found[0][0])
