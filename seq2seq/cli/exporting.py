"""The command that writes a model for other programs: export."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import CheckpointName, OneRun, TrustCode, open_run

app = typer.Typer()


class Format(str, Enum):
    """What `seq2seq.export.folder` can write."""

    ONNX = "onnx"
    CTRANSLATE2 = "ctranslate2"
    RUN = "run"


@app.command(
    short_help="Write a run's model for use without torch: ONNX or CTranslate2.",
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
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="Format to write: onnx (any model), ctranslate2 (a Transformer, for that engine), "
            "or run (a slim copy of the run, to translate with).",
        ),
    ] = Format.ONNX,
    trust_code: TrustCode = False,
) -> None:
    """Write a run's model as ONNX graphs; `translate --run FOLDER` then needs no torch.

    The folder holds encoder.onnx, step.onnx, the tokenizers and the run's decoding settings.
    With `--format ctranslate2` it holds a model for the engine CTranslate2, and the tokenizers;
    with `--format run` a run directory of one checkpoint, without what only training needs.
    """
    from seq2seq.export.folder import export as export_run

    opened = open_run(run, named, "export", trust_code=trust_code)
    export_run(opened, output, checkpoint=checkpoint, int8=int8, form=form.value)
    logging.getLogger("seq2seq").info("%s (%s) -> %s", opened.folder, checkpoint, output)
