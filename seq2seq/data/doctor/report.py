"""What the data doctor found, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from seq2seq.data.doctor.rules import RULES

Severity: TypeAlias = Literal["error", "warning", "info"]

SHOWN = 3
"""Examples kept of each finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found in one split."""

    severity: Severity
    split: str
    check: str
    count: int
    rate: float | None
    """A fraction of the split's lines (or of what the check says); None where it has no sense."""
    examples: tuple[str, ...]
    """The first places, file:line."""
    detail: str = ""

    @property
    def meaning(self) -> str:
        """What the check looks for."""
        return RULES[self.check].meaning


@dataclass(frozen=True)
class Report:
    """Everything found, errors first."""

    findings: tuple[Finding, ...]
    pairs: Mapping[str, int] = field(default_factory=dict)
    """How many unlike ones each split has, of those that can be read."""

    @property
    def must_fix(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def table(self) -> str:
        """Return the findings as a plain-text table, and what each check in it means."""
        rows = [("severity", "split", "check", "count", "rate", "where, what")]
        for one in self.findings:
            rate = "" if one.rate is None else f"{one.rate:.2%}"
            where = "; ".join(filter(None, (one.detail, ", ".join(one.examples))))
            rows.append((one.severity, one.split, one.check, f"{one.count:,}", rate, where))
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [
            f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  "
            f"{row[3]:>{widths[3]}}  {row[4]:>{widths[4]}}  {row[5]}".rstrip()
            for row in rows
        ]
        checks = dict.fromkeys(one.check for one in self.findings if one.severity != "info")
        lines += ["", *(f"{check}: {RULES[check].meaning}" for check in checks)] if checks else []
        return "\n".join(lines)


def make_finding(
    split: str,
    check: str,
    count: int,
    rate: float | None,
    examples: Sequence[str],
    detail: str = "",
) -> Finding:
    """Return the finding, as bad as its rate makes it."""
    rule = RULES[check]
    level = 0.0 if rate is None else rate
    severity: Severity = (
        "error" if level > rule.error else "warning" if level > rule.warning else "info"
    )
    return Finding(severity, split, check, count, rate, tuple(examples), detail)
