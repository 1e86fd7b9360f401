"""A run -> the folder of an exported model, which needs nothing else (see `translator`)."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq import __version__
from seq2seq.errors import UserError
from seq2seq.export.network import ENCODER, STEP
from seq2seq.export.translator import FORMAT, SETTINGS
from seq2seq.extras import install_hint
from seq2seq.runs.run import Run


def export(run: Run, folder: Path, *, checkpoint: str = "best", int8: bool = False) -> None:
    """Write the run's model into the new folder `folder`, which appears when it is complete.

    `int8` stores the matrices in 8 bits, all but the recurrent ones. Raises UserError if the folder
    is there, a package is missing, or the model can't be written as ONNX.
    """
    _check_installed()
    from seq2seq.export.graphs import write_graphs

    if folder.exists():
        raise UserError(f"{folder}: is there already; name a new folder, or remove it")
    if run.config.decoding.sample:
        raise UserError(f"{run.folder}: decoding.sample is true; an exported model only searches")
    if run.config.decoding.precision != "fp32":
        raise UserError(
            f"{run.folder}: decoding.precision is {run.config.decoding.precision}; "
            "an exported model computes in fp32, or in 8 bits by --int8"
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        write_graphs(run.load_model(checkpoint), part)
        if int8:
            _quantize(part)
        run.tokenizers.save(part / "tokenizer")
        settings = {
            "format": FORMAT,
            "seq2seq": __version__,
            "run": run.name,
            "checkpoint": run.checkpoint(checkpoint).folder.resolve().name,
            "int8": int8,
            "source": run.config.data.source,
            "target": run.config.data.target,
            "scripts": run.source_scripts,
            "source_end": run.config.tokenizer.source_end,
            "max_length": run.config.data.max_length,
            "decoding": run.config.decoding.model_dump(mode="json", exclude={"workers"}),
        }
        (part / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise UserError(f"export needs the package {error.name}: {install_hint('onnx')}") from None


def _quantize(folder: Path) -> None:
    """Rewrite both graphs with 8-bit matrices."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    for name in (ENCODER, STEP):
        wide = folder / f"wide_{name}"
        (folder / name).rename(wide)
        with _root_log_unheard():
            quantize_dynamic(wide, folder / name, weight_type=QuantType.QInt8, per_channel=True)
        wide.unlink()


@contextmanager
def _root_log_unheard() -> Iterator[None]:
    """Drop what a library logs at the root, where it would also install a handler of its own."""
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)
