"""Commands that make a model: train, prepare, average."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.bundled import find_recipe
from seq2seq.cli.options import ConfigFile, Overrides, open_config, shows_progress
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config

app = typer.Typer()


@app.command()
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
    from seq2seq.training.run import Run

    if config is None and not (resume and run):
        raise UserError(
            "train: name a configuration with --config, or a run to --resume with --run"
        )
    if config is None:
        assert run is not None
        return open_config(Run.open(run).folder / "config.yaml", overrides), run
    return open_config(config, overrides), run or Path("runs") / find_recipe(config).stem


@app.command()
def prepare(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Clean a corpus, learn its tokenizer and write its ids; `train` does this by itself.

    Prints the folder in the cache that holds the result.
    """
    from seq2seq.data.prepare import prepare as prepare_data

    print(prepare_data(open_config(config, overrides)).folder)


@app.command()
def average(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    last: Annotated[int, typer.Option("--last", min=1, help="How many checkpoints.")] = 5,
) -> None:
    """Average the weights of a run's last checkpoints into the checkpoint `average`."""
    from seq2seq.training.run import Run

    opened = Run.open(run)
    checkpoints = opened.checkpoints()[-last:]
    if len(checkpoints) < last:
        raise UserError(
            f"{run}: has {len(checkpoints)} checkpoints, not {last} (training.keep says how many)"
        )
    print(opened.save_average(checkpoints).folder)
