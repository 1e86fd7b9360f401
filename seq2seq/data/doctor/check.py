"""All checks of all splits of a corpus."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seq2seq.data.corpus import Columns, Spec, locate_corpus
from seq2seq.data.doctor.leaks import find_leaks, find_unseen
from seq2seq.data.doctor.report import Finding, Report, make_finding
from seq2seq.data.doctor.scan import Scan
from seq2seq.data.doctor.split_checks import check_split
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError


def check_corpora(
    splits: Mapping[str, Spec],
    source_language: str,
    target_language: str,
    *,
    columns: Columns | None = None,
    tokenizers: Tokenizers | None = None,
) -> Report:
    """Return what is suspicious in each split and between them.

    `splits` are corpus paths by name, and `columns` those of tables, as in the configuration; the
    others are compared with "train" and with those before them. With `tokenizers` the pieces
    they do not know are counted, else the characters that train does not have. What is wrong with
    the files is a finding, never an exception.
    """
    findings: list[Finding] = []
    scans: list[Scan] = []
    for split, spec in splits.items():
        try:
            text = locate_corpus(spec, source_language, target_language, columns)
        except UserError as error:
            findings.append(make_finding(split, "unreadable", 1, None, (), str(error)))
            continue
        scan = Scan(split, text, (source_language, target_language), tokenizers)
        scan.read()
        scans.append(scan)
        findings += check_split(scan)
    for index, scan in enumerate(scans):
        for earlier in scans[:index]:
            findings += find_leaks(scan, earlier)
    findings += find_unseen(scans) if tokenizers is None else []
    order = ("error", "warning", "info")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Report(tuple(findings), {scan.split: len(np.unique(scan.pairs)) for scan in scans})
