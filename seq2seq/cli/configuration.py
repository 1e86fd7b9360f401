"""Commands for configurations: config show, config check, config diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.bundled import bundled_recipe
from seq2seq.cli.options import ConfigFile, Overrides, TrustCode, open_config, open_runnable_config
from seq2seq.cli.output import tell

app = typer.Typer(help="Show, check and compare configurations.")


@app.command(
    short_help="Print the whole configuration.",
    epilog="Example: seq2seq config show --config demo model.dropout=0.3",
)
def show(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Print every setting of a configuration, after its `extends` and the overrides."""
    from seq2seq.config import dump_config

    tell(dump_config(open_config(config, overrides)), end="")


@app.command(
    short_help="Check a configuration without reading data.",
    epilog="Example: seq2seq config check --config demo model.attention=dot",
)
def check(
    config: ConfigFile = None, overrides: Overrides = None, trust_code: TrustCode = False
) -> None:
    """Check a configuration and build its model, without reading data."""
    from seq2seq.pipeline import describe_model

    tell(describe_model(open_runnable_config(config, overrides, trust_code=trust_code)))


@app.command(
    short_help="Print the settings that differ in two configurations.",
    epilog="Example: seq2seq config diff demo runs/demo",
)
def diff(
    one: Annotated[Path, typer.Argument(help="YAML file, recipe or run directory.")],
    other: Annotated[
        Path, typer.Argument(help="YAML file, recipe or run directory to compare with.")
    ],
) -> None:
    """Print the settings that differ in two configurations."""
    from seq2seq.config import differences
    from seq2seq.runs.run import Run

    configs = [
        Run.open(path).config
        if path.is_dir() and not bundled_recipe(path)
        else open_config(path, None)
        for path in (one, other)
    ]
    for key, was, now in differences(*configs):
        tell(f"{key}: {was!r} -> {now!r}")
