"""The checks of a whole split: languages, lengths, repeats, ways of writing, size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.counted import counted
from seq2seq.data.corpus import OneFile
from seq2seq.data.doctor.report import SHOWN, Finding, make_finding
from seq2seq.data.doctor.rules import OF_FILES, ONLY_ABOVE
from seq2seq.data.doctor.scan import Scan
from seq2seq.data.identification import find_oddness
from seq2seq.data.leftovers import LEFTOVERS
from seq2seq.data.readers.tables import Table

LENGTH_FACTOR = 3.0
"""A length is an outlier when target / source characters is this far from the corpus's own."""
LENGTH_SLACK = 30
"""Characters of the longer side below which no length is an outlier."""
BLOCK = 500
"""Pairs looked at together to see whether long sentences still face long ones."""


def check_split(scan: Scan) -> list[Finding]:
    """Everything found in this split alone."""
    _check_counts(scan)
    found = [*(_tallied(scan, check) for check in scan.tallies), *_columns(scan)]
    found = [f for f in found if f.severity != "info" or f.check not in ONLY_ABOVE]
    if not scan.pairs:
        return [*found, make_finding(scan.split, "no text", 0, None, [scan.text.name])]
    return [
        *found,
        *_check_languages(scan),
        *_check_lengths(scan),
        *_check_repeats(scan),
        *_check_style(scan),
        *_sizes(scan),
    ]


def _tallied(scan: Scan, check: str) -> Finding:
    tally, detail = scan.tallies[check], scan.details.get(check, "")
    lines = sum(max(files.values()) for files in scan.lines)
    whole = scan.pieces if check == "unknown pieces" else lines
    whole *= 2 if check in LEFTOVERS else 1  # of the lines of both sides
    rate = None if check in OF_FILES else tally.count / max(whole, 1)
    return make_finding(scan.split, check, tally.count, rate, tally.examples, detail)


def _check_counts(scan: Scan) -> None:
    for files in scan.lines:
        counts = list(files.values())
        if len(set(counts)) > 1:
            scan.tallies["line counts"].count += abs(counts[0] - counts[1])
            scan.details["line counts"] = ", ".join(
                f"{path} has {lines:,}" for path, lines in files.items()
            )


def _columns(scan: Scan) -> list[Finding]:
    """Which columns are read, of each table of which it is not plain."""
    tables = [p.content for p in scan.text.parts if isinstance(p, OneFile)]
    return [
        make_finding(scan.split, "columns", 2, None, (), f"{table.file}: {table.note}")
        for table in tables
        if isinstance(table, Table) and table.note
    ]


def _check_languages(scan: Scan) -> list[Finding]:
    """Whether each side of each part is in its language, or they are exchanged."""
    found = []
    for part, samples in enumerate(zip(scan.source.samples, scan.target.samples, strict=True)):
        name = scan.text.parts[part].name
        odd = find_oddness(*samples, *scan.languages)
        if order := odd.exchanged:
            source, target = scan.languages
            detail = f"{name}: the source looks like {target}, the target like {source}"
            count, rate = order.exchanged, order.exchanged / order.lines
            found.append(make_finding(scan.split, "exchanged", count, rate, (), detail))
        for side, looks_like in odd.others:
            detail = f"{name}: {scan.languages[side]} looks like {looks_like}"
            lines = len(samples[side])
            found.append(make_finding(scan.split, "other language", lines, None, (), detail))
    return found


def _check_style(scan: Scan) -> list[Finding]:
    """What a model that is trained on this text will not have seen."""
    if scan.split != "train":
        return []
    found = []
    for side in (scan.source, scan.target):
        one_case = side.style.one_case
        if one_case:
            detail = f"{side.name}: every letter is {one_case}-case"
            count = side.style.lines
            found.append(make_finding(scan.split, "one case", count, 1.0, (), detail))
        unseen = list(side.style.unseen())
        if unseen:
            detail = f"{side.name}: {'; '.join(unseen)}"
            found.append(make_finding(scan.split, "not seen", len(unseen), None, (), detail))
    return found


def _check_lengths(scan: Scan) -> list[Finding]:
    source, target = (
        np.array(side.characters, dtype=np.float64) for side in (scan.source, scan.target)
    )
    both = (source > 0) & (target > 0)
    if not both.any():
        return []
    ratio = np.log(np.where(both, target, 1) / np.where(both, source, 1))
    usual = np.log(target[both].sum() / source[both].sum())
    far = both & (np.abs(ratio - usual) > np.log(LENGTH_FACTOR))
    found = np.flatnonzero(far & (np.maximum(source, target) >= LENGTH_SLACK))
    findings = _at(scan, "length outliers", found)
    blocks, looked_at = _misaligned_blocks(source, target)
    if blocks:
        rate = len(blocks) / looked_at
        places = [scan.source.place(start) for start in blocks[:SHOWN]]
        detail = f"of {counted(looked_at, 'block')} of {BLOCK} lines"
        findings.append(make_finding(scan.split, "misaligned", len(blocks), rate, places, detail))
    return findings


def _check_repeats(scan: Scan) -> list[Finding]:
    pairs, sources = np.array(scan.pairs), np.array(scan.source.hashes)
    _, first = np.unique(pairs, return_index=True)
    repeated = np.ones(len(pairs), dtype=bool)
    repeated[first] = False
    distinct = np.sort(first)
    values, place, times = np.unique(sources[distinct], return_index=True, return_counts=True)
    several = np.sort(distinct[place[(times > 1) & (values != hash(""))]])
    return [
        *_at(scan, "duplicates", np.flatnonzero(repeated)),
        *_at(scan, "several targets", several),
    ]


def _sizes(scan: Scan) -> list[Finding]:
    sides = (scan.source, scan.target)
    words = ", ".join(f"{side.name} {counted(side.words, 'word')}" for side in sides)
    found = [make_finding(scan.split, "size", len(scan.pairs), None, (), words)]
    for side in sides:
        length, index = side.longest
        place = side.place(-index)
        found.append(make_finding(scan.split, "longest", length, None, (place,)))
    return found


def _at(scan: Scan, check: str, indices: npt.NDArray[Any]) -> list[Finding]:
    """The finding of `check` at these pairs, or none."""
    if not len(indices):
        return []
    places = [scan.source.place(int(index)) for index in indices[:SHOWN]]
    rate = len(indices) / len(scan.pairs)
    return [make_finding(scan.split, check, len(indices), rate, places)]


def _misaligned_blocks(
    source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> tuple[list[int], int]:
    """The first lines of blocks whose two lengths are unrelated, and how many blocks can tell.

    Translations of a long sentence are long: their log lengths correlate at 0.7 and more. A block
    of sentences of one length, as in a sorted corpus, can't tell.
    """
    starts, looked_at = [], 0
    for start in range(0, len(source) - BLOCK + 1, BLOCK):
        lengths = np.log1p(np.stack([source, target])[:, start : start + BLOCK])
        if lengths.std(axis=1).min() < 0.25:
            continue
        looked_at += 1
        if np.corrcoef(lengths)[0, 1] < 0.25:
            starts.append(start)
    return starts, looked_at
