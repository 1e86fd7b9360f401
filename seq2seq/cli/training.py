"""Commands that make a model: train, prepare, average."""

from __future__ import annotations

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

app = typer.Typer()


@app.command(
    short_help="Train a model on your corpus, or go on with a run.",
    epilog="Example: seq2seq train --config demo training.max_minutes=3",
)
def train(
    config: ConfigFile = None,
    overrides: Overrides = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Run directory. [default: runs/CONFIG]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint, if any.")
    ] = False,
) -> None:
    """Train a model: prepare the data (once), then learn, validate and save until a limit.

    Prints the run directory. Ctrl-C stops after the step, saved; --resume goes on from there.
    """
    from seq2seq import pipeline

    settings, folder = _settings_of_run(config, overrides, run, resume)
    done = pipeline.train(settings, folder, resume=resume, show_bar=shows_progress())
    print(done.folder)


def _settings_of_run(
    config: Path | None, overrides: list[str] | None, run: Path | None, resume: bool
) -> tuple[Config, Path]:
    """The configuration to train and where: what --config says, else what the run to resume has."""
    from seq2seq.training.run import Run, called

    if config is None and not (resume and run):
        raise UserError(
            "train: name a configuration with --config, or a run to --resume with --run"
        )
    if config is None:
        assert run is not None
        opened = Run.open(run)
        return open_config(opened.folder / "config.yaml", overrides), opened.folder
    if run and resume:
        run = called(run)
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

    print(prepare_data(open_config(config, overrides)).folder)


@app.command(
    short_help="Average the weights of a run's last checkpoints.",
    epilog="Example: seq2seq average --run runs/demo --last 3",
)
def average(
    run: Annotated[
        Path | None, typer.Argument(help="Run directory. [default: newest finished]")
    ] = None,
    last: Annotated[
        int, typer.Option("--last", min=1, help="Number of checkpoints averaged, the newest.")
    ] = 5,
    named: OneRun = None,
) -> None:
    """Average the weights of a run's last checkpoints into the checkpoint `average`."""
    opened = open_run(run, named, "average")
    checkpoints = opened.checkpoints()[-last:]
    if len(checkpoints) < last:
        raise UserError(
            f"{opened.folder}: has {len(checkpoints)} checkpoints, not {last} "
            "(training.keep says how many)"
        )
    print(opened.save_average(checkpoints).folder)
