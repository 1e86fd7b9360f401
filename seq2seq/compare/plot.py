"""A comparison as a picture: BLEU of each system, a point a seed, drawn by matplotlib."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from matplotlib.figure import Figure

from seq2seq.compare.comparison import Comparison

_ROW, _WIDTH = 0.4, 7.0  # inches
_DOTS = 150  # of a PNG, to the inch


def save_plot(comparison: Comparison, path: Path) -> None:
    """Write the picture to a file in the format of its ending: .png, .svg, .pdf.

    A line a system, the baseline at the top; a point for each seed, a mark for their mean. Of a
    system with one seed the bar is the 95 % interval over the sentences of the test set.
    """
    systems = comparison.systems
    figure = Figure(figsize=(_WIDTH, 1.2 + _ROW * len(systems)), layout="constrained")
    axes = figure.subplots()
    for row, result in enumerate(systems):
        values = [run.bleu for run in result.runs]
        axes.plot(values, [row] * len(values), "o", color="tab:blue", alpha=0.6)
        axes.plot(mean(values), row, "|", color="black", markersize=18)
        bounds = result.runs[0].bleu_interval
        if len(values) == 1 and bounds is not None:
            axes.plot(bounds, [row, row], color="tab:blue", linewidth=1)
    axes.set_yticks(range(len(systems)), [result.name for result in systems])
    axes.invert_yaxis()
    axes.set_xlabel(f"BLEU, {comparison.conditions.held_out.name}")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=_DOTS)
