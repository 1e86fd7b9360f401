"""The command that compares systems."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.bounds import MOST_THREADS, MOST_TIMES
from seq2seq.cli.options import AsJson, TrustCode, check_output
from seq2seq.cli.output import tell
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing

if TYPE_CHECKING:
    from seq2seq.compare.comparison import Comparison
    from seq2seq.compare.measuring import Conditions
    from seq2seq.compare.members import Member
    from seq2seq.config import Config

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
        int, typer.Option("--seeds", min=1, max=MOST_TIMES, help="Models of each: seeds 1 to this.")
    ] = 3,
    into: Annotated[
        Path,
        typer.Option("--into", help="Folder for what is trained, and for the tables."),
    ] = Path("runs/compare"),
    jobs: Annotated[
        int,
        typer.Option("--jobs", min=1, max=MOST_THREADS, help="Trainings that run at once."),
    ] = 1,
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
    Runs and files of translations are measured as they are. Beside the table the folder of --into
    gets comparison.md, with all differences, and comparison.csv, a row a model.
    """
    from seq2seq.compare.comparison import compare as compare_members
    from seq2seq.compare.members import (
        UNIT,
        Grid,
        choose_baseline,
        find_members,
        parse_vary,
        unequal_budgets,
    )
    from seq2seq.compare.report import render_table
    from seq2seq.compare.trials import train_members
    from seq2seq.config import parse_value

    names = [text for text in systems if "=" not in text or Path(text).exists()]
    overrides = [text for text in systems if text not in names]
    varied = dict(map(parse_vary, vary or []))
    if units:
        varied = {UNIT: [parse_value(unit) for unit in units], **varied}
    members = find_members(names, Grid(range(1, seeds + 1), varied, overrides), into)
    choose_baseline(members, baseline)  # now, not after all has been trained
    _check_plot(plot)
    conditions = _conditions(members, corpus, references or [], source, alignments, moses=moses)
    if differ := unequal_budgets(members):
        logging.getLogger("seq2seq").warning("the budgets are not equal: %s", differ)
    train_members(members, jobs=jobs, trust_code=trust_code)
    trained = any(member.config for member in members)
    comparison = compare_members(
        members,
        conditions,
        baseline=baseline,
        keep=into / "figures" if trained else None,
        samples=samples,
        examples=examples,
    )
    if trained:
        _write(comparison, into)
    if plot is not None:
        from seq2seq.compare.plot import save_plot

        with writing(plot):
            save_plot(comparison, plot)
    if as_json:
        tell(json.dumps(comparison.as_dict(), ensure_ascii=False))
        return
    tell(render_table(comparison))
    if details:
        from seq2seq.compare.report import render_differences

        tell(f"\n{render_differences(comparison)}")


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


def _conditions(
    members: list[Member],
    corpus: str | None,
    references: list[Path],
    source: Path | None,
    alignments: Path | None,
    *,
    moses: bool,
) -> Conditions:
    """The test set, which is one for all, and the language of its targets."""
    from seq2seq.compare.measuring import Conditions
    from seq2seq.evaluation.held_out import open_held_out
    from seq2seq.evaluation.moses import load_moses

    if moses:
        load_moses()  # now, not after all has been trained
    configs = {m.name: config for m in members if (config := _config(m)) is not None}
    if not configs:
        return _of_files(members, references, source, corpus, moses=moses)
    if source is not None:
        raise UserError("compare: --source goes with files of translations alone; give --data")
    first, *others = configs
    data = configs[first].data
    held_out = open_held_out(configs[first], corpus, further=references)
    for name in others:
        own = configs[name].data
        if (own.source, own.target) != (data.source, data.target):
            raise UserError(
                f"{name}: translates {own.source} to {own.target}, and {first} {data.source} to "
                f"{data.target}: expected models of the same languages"
            )
        if corpus is None and own.test != data.test:  # which may be the same text elsewhere
            theirs = open_held_out(configs[name], further=references)
            if theirs._replace(name="") != held_out._replace(name=""):
                raise UserError(
                    f"{name}: data.test is {theirs.name}, which is not the text of {held_out.name} "
                    f"({first}); what is compared needs one test set: give --data"
                )
    return Conditions(held_out, data.target, moses, alignments)


def _config(member: Member) -> Config | None:
    from seq2seq.runs.run import Run

    if member.config is not None:
        return member.config
    return Run.open(member.path).config if member.is_run else None


def _of_files(
    members: list[Member],
    references: list[Path],
    source: Path | None,
    corpus: str | None,
    *,
    moses: bool,
) -> Conditions:
    from seq2seq.compare.measuring import Conditions
    from seq2seq.data.corpus import read_texts, without_endings
    from seq2seq.evaluation.held_out import HeldOut
    from seq2seq.evaluation.references import read_references

    if not references or corpus is not None:
        raise UserError(
            "compare: files of translations need --reference FILE (and --source FILE for "
            "differences by length)"
        )
    language = without_endings(references[0]).suffix.removeprefix(".")
    lines = sum(1 for _ in read_texts(members[0].path))
    streams = read_references(
        references, lines, language=language, expected=f"one for each of {members[0].path}"
    )
    sources = [] if source is None else list(read_texts(source))
    if sources and len(sources) != lines:
        raise UserError(f"{source}: expected {lines} lines, found {len(sources)}")
    return Conditions(HeldOut(sources, streams, str(references[0])), language, moses)


def _write(comparison: Comparison, into: Path) -> None:
    from seq2seq.compare.report import render_csv, render_differences, render_table
    from seq2seq.runs.files import write_text

    page = "\n\n".join(
        part for part in (render_table(comparison), render_differences(comparison)) if part
    )
    for name, text in (("comparison.md", f"{page}\n"), ("comparison.csv", render_csv(comparison))):
        with writing(into / name):
            write_text(into / name, text)
    logging.getLogger("seq2seq").info("%s has all differences", into / "comparison.md")
