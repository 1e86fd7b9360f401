"""The command that lists runs."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import tell

app = typer.Typer()


@app.command(short_help="List runs with unit, BLEU, date and size.", epilog="Example: seq2seq runs")
def runs(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder that holds runs. [default: runs]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List runs with their attention unit, BLEU, loss, steps, size, date and state.

    BLEU and loss come from the best validation. The newest run comes first; a broken run is listed
    with the reason.
    """
    from seq2seq.runs.listing import list_runs, render_runs

    if folder is None and not Path("runs").is_dir():
        found = []
    else:
        found = list_runs(folder or Path("runs"))
    if as_json:
        tell(json.dumps([run.as_dict() for run in found], ensure_ascii=False))
    elif found:
        tell(render_runs(found))
    else:
        logging.getLogger("seq2seq").info(
            "no run under %s; train a model first, for example: seq2seq train --config demo",
            folder or "runs",
        )
