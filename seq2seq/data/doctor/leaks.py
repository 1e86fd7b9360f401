"""The checks between splits: pairs in two of them, and characters that train lacks."""

from __future__ import annotations

import numpy as np

from seq2seq.data.doctor.report import SHOWN, Finding, make_finding
from seq2seq.data.doctor.scan import Scan


def find_leaks(scan: Scan, earlier: Scan) -> list[Finding]:
    """What of `scan` is in `earlier` too: whole pairs, and the sources and targets of others."""
    found = []
    told = np.zeros(len(scan.pairs), bool)
    for check, here, there, side in (
        ("leaked pairs", scan.pairs, earlier.pairs, scan.source),
        ("leaked sources", scan.source.hashes, earlier.source.hashes, scan.source),
        ("leaked targets", scan.target.hashes, earlier.target.hashes, scan.target),
    ):
        hashes = np.array(here)
        leaked = np.isin(hashes, np.array(there)) & (hashes != hash(""))
        shared = np.flatnonzero(leaked & ~told)
        if check == "leaked pairs":
            told = leaked
        if len(shared):
            places = [side.place(int(index)) for index in shared[:SHOWN]]
            rate, detail = len(shared) / len(hashes), f"in {earlier.split}"
            found.append(make_finding(scan.split, check, len(shared), rate, places, detail))
    return found


def find_unseen(scans: list[Scan]) -> list[Finding]:
    """The characters of the other splits that train does not have, side by side."""
    train = next((scan for scan in scans if scan.split == "train"), None)
    found = []
    for scan in scans:
        if train is None or scan is train:
            continue
        for side, known in ((scan.source, train.source), (scan.target, train.target)):
            unseen = {char: n for char, n in side.alphabet.items() if char not in known.alphabet}
            if unseen:
                count = sum(unseen.values())
                rate = count / sum(side.alphabet.values())
                detail = f"{side.name}: " + " ".join(map(_shown, sorted(unseen)[:10]))
                finding = make_finding(scan.split, "unseen characters", count, rate, (), detail)
                found.append(finding)
    return found


def _shown(char: str) -> str:
    return char if char.isprintable() else f"U+{ord(char):04X}"
