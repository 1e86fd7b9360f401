"""A comparison as a table (Markdown), as rows (CSV), and as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import NamedTuple

from seq2seq.compare.differences import Differences, Example, Range
from seq2seq.compare.measuring import Measured
from seq2seq.compare.results import SystemResult

_STUDENT = {
    **dict(enumerate((12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228), 1)),
    12: 2.179,
    14: 2.145,
    16: 2.120,
    18: 2.101,
    20: 2.086,
    25: 2.060,
    30: 2.042,
    40: 2.021,
    60: 2.000,
    120: 1.980,
}
"""Half a 95 % interval of a mean in standard errors, by degrees of freedom."""


class _Column(NamedTuple):
    title: str
    figure: Callable[[Measured], float | None]
    digits: int


_COLUMNS = (
    _Column("BLEU", lambda m: m.bleu, 2),
    _Column("chrF", lambda m: m.chrf, 2),
    _Column("BLEU, Moses, lower case", lambda m: m.moses_bleu, 2),
    _Column("AER %", lambda m: m.aer_percent, 1),
    _Column("entropy, nats", lambda m: m.entropy_nats, 2),
    _Column("exposure bias, chrF", lambda m: m.exposure_chrf, 2),
    _Column("parameters", lambda m: m.parameters, 0),
    _Column("target tokens/s", lambda m: m.tokens_per_second, 0),
    _Column("minutes", lambda m: m.minutes, 1),
    _Column("memory, GB", lambda m: m.memory_bytes and m.memory_bytes / 1e9, 2),
)


def render_table(results: Sequence[SystemResult], tested_on: str) -> str:
    """Return a Markdown table, a row a system, the baseline first, and what its figures mean."""
    columns = [c for c in _COLUMNS if any(c.figure(m) is not None for r in results for m in r.runs)]
    several = any(len(result.runs) > 1 for result in results)
    tested = len(results) > 1
    heads = ["system", *(["seeds"] if several else []), *(column.title for column in columns)]
    heads += ["p, bootstrap", "p, randomisation"] if tested else []
    lines = [_row(heads), "|" + "---|" * len(heads)]
    for result in results:
        cells = [result.name, *([str(len(result.runs))] if several else [])]
        cells += [_cell(result, column) for column in columns]
        if tested:
            cells += [
                ", ".join(f"{p_values[test]:.4f}" for p_values in result.p_values) or "baseline"
                for test in (0, 1)
            ]
        lines.append(_row(cells))
    return "\n".join([*lines, "", tested_on, *_notes(results, several=several)])


def _notes(results: Sequence[SystemResult], *, several: bool) -> list[str]:
    notes = []
    if several:
        notes.append("± is half the 95 % interval of the mean over seeds (Student's t).")
    if any(len(result.runs) == 1 for result in results):
        notes.append("[lowest, highest]: 95 % interval over sentences (bootstrap), of one model.")
    if len(results) > 1:
        notes.append(f"p: paired tests of BLEU against {results[0].name}, one for each seed.")
    return notes


def interval(values: Sequence[float], digits: int) -> str:
    """Return the mean, and of several values half its 95 % interval."""
    text = f"{mean(values):,.{digits}f}"
    if len(values) < 2:
        return text
    student = _STUDENT[max(freedom for freedom in _STUDENT if freedom < len(values))]
    return f"{text} ± {student * stdev(values) / sqrt(len(values)):,.{digits}f}"


def _cell(result: SystemResult, column: _Column) -> str:
    values = [value for m in result.runs if (value := column.figure(m)) is not None]
    if not values:
        return "-"
    if column.title == "parameters":
        return f"{values[0]:,.0f}"
    text = interval(values, column.digits)
    bounds = result.runs[0].bleu_interval
    if column.title == "BLEU" and len(result.runs) == 1 and bounds:
        text += f" [{bounds[0]:.2f}, {bounds[1]:.2f}]"
    return text


def render_csv(results: Sequence[SystemResult]) -> str:
    """Return a row for each model, all figures as they are; what there isn't is empty."""
    text = io.StringIO()
    names = [name for name in results[0].runs[0].figures if name != "bleu_interval"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "bleu_lowest", "bleu_highest"])
    for result in results:
        for run in result.runs:
            figures = run.figures
            bounds = figures["bleu_interval"] or ("", "")
            cells = ["" if figures[name] is None else figures[name] for name in names]
            writer.writerow([*cells, *bounds])
    return text.getvalue()


def render_differences(results: Sequence[SystemResult]) -> str:
    """Return where each system differs from the baseline, as Markdown."""
    baseline = results[0].name
    return "\n\n".join(
        _differences(*(result.compared or (baseline, result.name)), result.differences)
        for result in results
        if result.differences is not None
    )


def _differences(baseline: str, system: str, found: Differences) -> str:
    parts = [f"## {system} against {baseline}"]
    if found.lengths:
        parts.append(_ranges(("words of the source", "sentences", "BLEU"), baseline, system,
                             found.lengths))  # fmt: skip
    parts.append(
        _ranges((f"times in {found.seen_in}", "words", "F1 %"), baseline, system, found.frequencies)
    )
    for title, examples in (("gained", found.better), ("lost", found.worse)):
        if examples:
            parts.append(f"The sentences that {title} most:")
            parts += [_example(example, baseline, system) for example in examples]
    return "\n\n".join(parts)


def _ranges(
    heads: tuple[str, str, str], baseline: str, system: str, ranges: Sequence[Range]
) -> str:
    name, count, figure = heads
    lines = [_row([name, count, f"{figure}, {baseline}", f"{figure}, {system}", "difference"])]
    lines.append("|---|---|---|---|---|")
    lines += [
        _row(
            [
                each.name,
                f"{each.size:,}",
                f"{each.baseline:.2f}",
                f"{each.system:.2f}",
                f"{round(each.system - each.baseline, 2) + 0.0:+.2f}",  # no -0.00
            ]
        )
        for each in ranges
    ]
    return "\n".join(lines)


def _example(example: Example, baseline: str, system: str) -> str:
    texts = {
        "source": example.source,
        "reference": example.reference,
        baseline: example.baseline,
        f"{system} ({example.gain:+.1f} chrF)": example.system,
    }
    if not example.source:
        del texts["source"]
    return "\n".join(f"- {title}: {text or '(nothing)'}" for title, text in texts.items())


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
