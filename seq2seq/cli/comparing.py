"""The command that compares systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.bounds import MOST_THREADS, MOST_TIMES
from seq2seq.cli.options import AsJson, TrustCode, check_output, told_apart
from seq2seq.cli.output import tell
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing

app = typer.Typer()


@app.command(
    short_help="Train, measure and compare systems.",
    epilog="Example: seq2seq compare demo --unit dot --unit general --seeds 3 --jobs 2",
)
def compare(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="SYSTEM... [KEY=VALUE]...",
            help="Recipes to train (demo, mine.yaml), runs, or files of translations; and settings "
            "that change for all recipes.",
        ),
    ],
    units: Annotated[
        list[str] | None,
        typer.Option(
            "--unit",
            help="Attention unit to train each recipe with, for example dot or "
            "'{kind: additive, size: 128}'; repeatable.",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="KEY=[VALUE,...]",
            help="Setting to train each recipe with all these values of; repeatable, and then all "
            "combinations.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=1,
            max=MOST_TIMES,
            help="Models of each recipe: seeds 1 to this. [default: 3]",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            help="Folder for what is trained, and for the tables. [default: runs/compare, if "
            "anything is trained]",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, max=MOST_THREADS, help="Trainings that run at once. [default: 1]"
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option("--data", help="Test set: a corpus. [default: data.test of the models]"),
    ] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option("--reference", help="File of references, or of further ones; repeatable."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--source", help="File of the sources, beside --reference alone."),
    ] = None,
    alignments: Annotated[
        Path | None,
        typer.Option("--alignments", help="File of gold word alignments of the test set."),
    ] = None,
    moses: Annotated[
        bool,
        typer.Option("--moses", help="Also lower-cased, Moses-tokenised BLEU, as in many papers."),
    ] = False,
    exposure: Annotated[
        bool,
        typer.Option(
            "--exposure",
            help="Also exposure bias: by how many chrF second halves are better after the first "
            "half of the reference than after the model's own.",
        ),
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="System to hold the others against. [default: the first]"),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            min=0,
            max=MOST_TIMES,
            help="Draws of each paired test. [default: 1,000 and 10,000]",
        ),
    ] = 0,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Also print where each system differs from the baseline.",
        ),
    ] = False,
    examples: Annotated[
        int,
        typer.Option(
            "--examples", min=0, max=MOST_TIMES, help="Sentences that gained, or lost, most."
        ),
    ] = 3,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="File for a picture of BLEU: .png, .svg or .pdf."),
    ] = None,
    as_json: AsJson = False,
    trust_code: TrustCode = False,
) -> None:
    """Train systems with equal budgets, measure them on one test set, and print a table.

    Each recipe is trained with each unit, each setting of --vary and each seed, in a process of its
    own; what was stopped goes on when the same command is given again, and what is finished stays.
    Runs and files of translations are measured as they are. Beside the table, --into gets
    comparison.md, with all differences, and comparison.csv, a row a model.
    """
    from seq2seq.compare.conditions import Texts
    from seq2seq.compare.members import UNIT, Grid, parse_vary
    from seq2seq.compare.pipeline import compare_systems
    from seq2seq.config import parse_value

    _check_plot(plot)
    names, overrides = told_apart(systems)
    varied = [parse_vary(text) for text in vary or []]
    if units:
        varied.insert(0, (UNIT, [parse_value(unit) for unit in units]))
    keys = [key for key, _ in varied]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise UserError(f"--vary {twice[0]}: given twice; one list holds all its values")
    comparison = compare_systems(
        names,
        Grid(seeds, dict(varied), overrides),
        Texts(corpus, references or [], source, alignments, moses, exposure),
        into=into,
        jobs=jobs,
        baseline=baseline,
        samples=samples,
        examples=examples,
        trust_code=trust_code,
    )
    if plot is not None:
        from seq2seq.compare.plot import save_plot

        with writing(plot):
            save_plot(comparison, plot)
    if as_json:
        tell(json.dumps(comparison.as_dict(), ensure_ascii=False))
        return
    tell(comparison.render_table())
    if details:
        tell(f"\n{comparison.render_differences()}")


def _check_plot(plot: Path | None) -> None:
    """Refuse a picture that can't be drawn, before the work."""
    from importlib.util import find_spec

    from seq2seq.extras import MissingPackageError, install_hint

    check_output(plot)
    if plot is None:
        return
    if plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UserError(f"{plot}: expected a name that ends in .png, .svg or .pdf")
    if find_spec("matplotlib") is None:
        raise MissingPackageError(f"--plot needs matplotlib: {install_hint('plots')}")
