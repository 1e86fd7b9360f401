"""Commands that prove: check, attention check, attention list, verify-resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.bounds import MOST_THREADS, MOST_TIMES
from seq2seq.cli.options import AsJson, ConfigFile, Overrides, open_config
from seq2seq.cli.output import tell
from seq2seq.errors import UserError

app = typer.Typer()
attention = typer.Typer(help="Check and list attention units.")

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE] [KEY=VALUE]...",
        help="Python file that registers parts, and settings for them, for example "
        "model.attention.size=8.",
    ),
]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", help="Name of an attention unit or addressing to check; repeatable."),
]
Quick = Annotated[bool, typer.Option("--quick", help="Check the laws only, without toy tasks.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Count a toy task that is not learnt as a failure.")
]


@app.command(
    short_help="Check parts of a model against the laws and on toy tasks.",
    epilog="Example: seq2seq check --decoder stacked --quick",
)
def check(
    arguments: Arguments = None,
    unit: Units = None,
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", help="Name of a recurrent cell to check; repeatable."),
    ] = None,
    encoder: Annotated[
        list[str] | None, typer.Option("--encoder", help="Name of an encoder to check; repeatable.")
    ] = None,
    decoder: Annotated[
        list[str] | None, typer.Option("--decoder", help="Name of a decoder to check; repeatable.")
    ] = None,
    quick: Quick = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Check parts of a model against the laws of the contract, and train them on toy tasks.

    A part is an attention unit, an addressing, a cell, an encoder or a decoder, registered by FILE
    or named by an option. Each law must hold in several networks: a unit with every decoder, an
    addressing with the unit `general`, a cell in every decoder. The toy tasks are copying,
    reversing and sorting; a task is a MISS if fewer than 95 % of the tokens are correct, or if the
    largest weight lies on the correct symbol for fewer than 80 % of them. Exit status: 0 if all
    laws hold, 1 if one fails, 2 for a usage error.
    """
    named = {"unit": unit, "cell": cell, "encoder": encoder, "decoder": decoder}
    _check(arguments, named, quick=quick, strict=strict, as_json=as_json)


@attention.command(
    "check",
    short_help="Check units against the laws and on toy tasks.",
    epilog="Example: seq2seq attention check --unit dot --quick",
)
def check_units(
    arguments: Arguments = None,
    unit: Units = None,
    quick: Quick = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Check attention units against the laws and on toy tasks, as `seq2seq check` does."""
    _check(arguments, {"unit": unit}, quick=quick, strict=strict, as_json=as_json)


@app.command(
    "verify-resume",
    short_help="Prove that a killed training, resumed, is the same.",
    epilog="Example: seq2seq verify-resume --config demo training.max_steps=40 --kills 5",
)
def verify_resume(
    overrides: Overrides = None,
    config: ConfigFile = None,
    kills: Annotated[
        int,
        typer.Option("--kills", min=1, max=MOST_TIMES, help="How often the training is killed."),
    ] = 3,
    processes: Annotated[
        int,
        typer.Option("--processes", min=1, max=MOST_THREADS, help="Processes that train together."),
    ] = 1,
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of the moments at which it is killed.")
    ] = 1,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="Folder to keep both runs in. [default: removed afterwards]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe twice, once killed (SIGKILL) and resumed, and compare what the runs left.

    Compared to the bit: weights, moments of the optimiser, states of random generators, position in
    the data, every line of the metrics, the result; times may differ. Exit status: 0 if all is the
    same, 1 if something differs, 2 for a usage error.
    """
    from tempfile import TemporaryDirectory

    from seq2seq.conformance.resume import prove

    settings = open_config(config, overrides)
    with TemporaryDirectory(prefix="seq2seq_resume_") as spare:
        proof = prove(settings, into or Path(spare), kills=kills, seed=seed, processes=processes)
    if as_json:
        tell(json.dumps(proof._asdict(), ensure_ascii=False))
    else:
        at = ", ".join(map(str, proof.kills)) or "no update: it ended first"
        counts = ", ".join(f"{count:,} {kind}" for kind, count in proof.compared.items())
        tell(f"killed {len(proof.kills)} times, after update {at}; compared {counts}")
        tell("\n".join(proof.differences) or "all the same")
    raise typer.Exit(1 if proof.differences else 0)


def _check(
    arguments: list[str] | None,
    named: dict[str, list[str] | None],
    *,
    quick: bool,
    strict: bool,
    as_json: bool,
) -> None:
    from seq2seq.conformance import check as kit

    names = {part: given for part, given in named.items() if given}
    failed, reports = [], []
    for subject in kit.find_subjects(*_file_and_overrides(arguments or [], names)):
        if not as_json:
            tell(subject)
        results = []
        for result in kit.check(subject, toys=not quick):
            results.append(result)
            if not as_json:
                tell(f"  {result}", flush=True)
        passed = not any(kit.is_failure(result, strict=strict) for result in results)
        failed += [] if passed else [subject.name]
        reports.append({**subject.as_dict(), "passed": passed, **kit.as_dict(results)})
    if as_json:
        tell(json.dumps({"passed": not failed, "units": reports}, ensure_ascii=False))
    else:
        tell(f"FAILED: {', '.join(failed)}" if failed else "all passed")
    raise typer.Exit(1 if failed else 0)


def _file_and_overrides(
    arguments: list[str], names: dict[str, list[str]]
) -> tuple[Path | None, dict[str, list[str]], list[str]]:
    files = [item for item in arguments if "=" not in item]
    if files and not Path(files[0]).exists() and not Path(files[0]).suffix:
        raise UserError(
            f"{files[0]}: no such file; to check a built-in unit, give --unit {files[0]}"
        )
    if len(files) > 1:
        raise UserError(f"check: expected one file, found {' and '.join(files)}")
    overrides = [item for item in arguments if "=" in item]
    return Path(files[0]) if files else None, names, overrides


@attention.command(
    "list",
    short_help="List every unit and addressing, with options.",
    epilog="Example: seq2seq attention list",
)
def list_units(as_json: AsJson = False) -> None:
    """Print each unit and addressing: what it computes, its options and their defaults."""
    from seq2seq.conformance.check import entries
    from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS

    found = {
        "model.attention.kind": entries(ATTENTIONS),
        "model.attention.addressing.kind": entries(ADDRESSINGS),
    }
    if as_json:
        listed = {key: [entry._asdict() for entry in rows] for key, rows in found.items()}
        tell(json.dumps(listed, ensure_ascii=False))
        return
    for key, rows in found.items():
        tell(f"{key}:")
        width = max(len(entry.name) for entry in rows)
        for entry in rows:
            tell(f"  {entry.name:<{width}}  {entry.summary}")
            if entry.options:
                options = (f"{name}={json.dumps(value)}" for name, value in entry.options.items())
                tell(f"  {'':<{width}}  {' '.join(options)}")
