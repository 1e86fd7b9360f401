"""Commands that make a model: train, prepare, average."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.bundled import find_recipe
from seq2seq.cli.options import (
    ConfigFile,
    OneRun,
    Overrides,
    open_config,
    open_run,
    shows_progress,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.planning.request import Request

_AVERAGED = 5  # checkpoints at most, unless said

app = typer.Typer()


CorpusOrSettings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CORPUS]... [KEY=VALUE]...",
        help="A corpus to plan a training for (corpus.tsv, or two files a.en a.fr), and settings "
        "to change: model.dropout=0.3",
    ),
]
SourceLanguage = Annotated[
    str | None, typer.Option("--source", help="CORPUS's source language. [default: by file name]")
]
TargetLanguage = Annotated[
    str | None, typer.Option("--target", help="CORPUS's target language. [default: by file name]")
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", help="Plan a training of CORPUS that ends within so many minutes."),
]
Init = Annotated[
    Path | None,
    typer.Option("--init", help="Run whose weights and tokenizer to start from (fine-tuning)."),
]


@app.command(
    short_help="Train a model on your corpus, or go on with a run.",
    epilog="Example: seq2seq train corpus.tsv --minutes 20",
)
def train(
    arguments: CorpusOrSettings = None,
    config: ConfigFile = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Run directory. [default: runs/CONFIG or runs/CORPUS]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint, if any.")
    ] = False,
    source: SourceLanguage = None,
    target: TargetLanguage = None,
    minutes: Minutes = None,
    init: Init = None,
) -> None:
    """Train a model: prepare the data (once), then learn, validate and save until a limit.

    From a configuration (--config demo), or from a corpus alone (corpus.tsv): it is split, sizes
    are chosen, and the recipe is written into the run. Prints the run directory. Ctrl-C stops after
    the step, saved; --resume goes on from there.
    """
    from seq2seq import pipeline

    corpus, overrides = _told_apart(arguments or [])
    if corpus and config is None:
        from seq2seq.planning.start import train_corpus

        request = _request(corpus, overrides, source, target, minutes, init)
        done = train_corpus(request, run, resume=resume, show_bar=shows_progress())
    else:
        _refuse_plan(corpus, source, target, minutes)
        settings, folder = _settings_of_run(config, _starting(init, overrides), run, resume)
        done = pipeline.train(settings, folder, resume=resume, show_bar=shows_progress())
    print(done.folder)


@app.command(
    "init",
    short_help="Write the recipe that `train CORPUS` would train.",
    epilog="Example: seq2seq init corpus.tsv -o mine.yaml",
)
def write(
    arguments: CorpusOrSettings = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File. [default: CORPUS.yaml]")
    ] = None,
    source: SourceLanguage = None,
    target: TargetLanguage = None,
    minutes: Minutes = None,
    init: Init = None,
) -> None:
    """Write the recipe that `train CORPUS` would train, to change and train with --config.

    The corpus is split into files in corpora/ beside it. Prints the recipe's name.
    """
    from seq2seq.planning.start import write_recipe

    corpus, overrides = _told_apart(arguments or [])
    if not corpus:
        raise UserError("init: name a corpus: seq2seq init corpus.tsv")
    for override in overrides:
        if not override.startswith("data.columns="):  # without it a table may not be read at all
            raise UserError(f"init: {override}: change settings in the recipe that is written")
    print(write_recipe(_request(corpus, overrides, source, target, minutes, init), output))


def _told_apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The corpora and the KEY=VALUE settings among the arguments."""
    corpora = [item for item in arguments if "=" not in item or Path(item).is_file()]
    return corpora, [item for item in arguments if item not in corpora]


def _request(
    corpus: list[str],
    overrides: list[str],
    source: str | None,
    target: str | None,
    minutes: float | None,
    init: Path | None,
) -> Request:
    from seq2seq.planning.request import Request

    return Request(
        tuple(corpus),
        source,
        target,
        minutes,
        None if init is None else str(init),
        tuple(overrides),
    )


def _refuse_plan(
    corpus: list[str], source: str | None, target: str | None, minutes: float | None
) -> None:
    """Refuse what only a training of a CORPUS takes."""
    if corpus:
        raise UserError(
            f"{corpus[0]!r}: expected key=value, for example model.dropout=0.3; a corpus goes "
            f"without --config, or into it as data.train={corpus[0]}"
        )
    settings = {
        "--source": (source, "data.source"),
        "--target": (target, "data.target"),
        "--minutes": (minutes, "training.max_minutes"),
    }
    for option, (value, key) in settings.items():
        if value is not None:
            raise UserError(f"{option}: goes with a CORPUS; a configuration's is {key}={value}")


def _starting(init: Path | None, overrides: list[str]) -> list[str]:
    """The overrides with --init's, which may be a name under runs/."""
    from seq2seq.runs.finding import run_folder

    return overrides if init is None else [f"init={json.dumps(str(run_folder(init)))}", *overrides]


def _settings_of_run(
    config: Path | None, overrides: list[str] | None, run: Path | None, resume: bool
) -> tuple[Config, Path]:
    """The configuration to train and where: what --config says, else what the run to resume has."""
    from seq2seq.config import load_dump
    from seq2seq.runs.finding import run_folder
    from seq2seq.runs.run import Run

    if config is None and not (resume and run):
        raise UserError(
            "train: name a corpus (corpus.tsv), a configuration with --config, or a run to "
            "--resume with --run"
        )
    if config is None:
        assert run is not None
        opened = Run.open(run)
        return load_dump(opened.folder / "config.yaml", overrides or []), opened.folder
    if run and resume:
        run = run_folder(run)
    return open_config(config, overrides), run or Path("runs") / find_recipe(config).stem


@app.command(
    short_help="Prepare a corpus now; train does so by itself.",
    epilog="Example: seq2seq prepare --config demo",
)
def prepare(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Clean a corpus, learn its tokenizer and write its ids; `train` does this by itself.

    Prints the folder in the cache that holds the result.
    """
    from seq2seq.data.prepare import prepare as prepare_data
    from seq2seq.pipeline import with_init

    print(prepare_data(with_init(open_config(config, overrides))).folder)


@app.command(
    short_help="Average the weights of a run's last checkpoints.",
    epilog="Example: seq2seq average --run runs/demo --last 3",
)
def average(
    run: Annotated[
        Path | None, typer.Argument(help="Run directory. [default: newest finished]")
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last",
            min=1,
            help="Number of checkpoints averaged, the newest. [default: all there are, 5 at most]",
        ),
    ] = None,
    named: OneRun = None,
) -> None:
    """Average the weights of a run's last checkpoints into the checkpoint `average`."""
    opened = open_run(run, named, "average")
    opened.checkpoint("last")  # there is one
    checkpoints = opened.checkpoints()[-(last or _AVERAGED) :]
    if last and len(checkpoints) < last:
        raise UserError(
            f"{opened.folder}: has {len(checkpoints)} checkpoints, not {last} "
            "(training.keep says how many)"
        )
    names = ", ".join(checkpoint.folder.name for checkpoint in checkpoints)
    logging.getLogger("seq2seq").info("average of %d checkpoints: %s", len(checkpoints), names)
    print(opened.save_average(checkpoints).folder)
