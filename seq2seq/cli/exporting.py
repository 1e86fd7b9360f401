"""The command that writes a model for other programs: export."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import CheckpointName, OneRun, open_run

app = typer.Typer()


@app.command(
    short_help="Write a run's model as ONNX, to use without torch.",
    epilog="Example: seq2seq export --run runs/demo -o demo.onnx",
)
def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="New folder to write; it appears only when complete."),
    ],
    run: Annotated[
        Path | None, typer.Argument(help="Run directory. [default: the newest finished run]")
    ] = None,
    named: OneRun = None,
    checkpoint: CheckpointName = "best",
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Store weight matrices in 8 bits, except recurrent ones."),
    ] = False,
) -> None:
    """Write a run's model as ONNX graphs; `translate --run FOLDER` then needs no torch.

    The folder holds encoder.onnx, step.onnx, the tokenizers and the run's decoding settings.
    """
    from seq2seq.export.folder import export as export_run

    opened = open_run(run, named, "export")
    export_run(opened, output, checkpoint=checkpoint, int8=int8)
    logging.getLogger("seq2seq").info("%s (%s) -> %s", opened.folder, checkpoint, output)
