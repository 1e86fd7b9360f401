"""A run -> the folder of an exported model, which needs nothing else.

ONNX graphs are for `seq2seq translate` without torch (see `translator`), or for any other program;
a model for CTranslate2 is for that engine. A slim run is a run without what only training needs.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from seq2seq import __version__
from seq2seq.errors import UserError
from seq2seq.export.network import ENCODER, STEP
from seq2seq.export.translator import FORMAT, SETTINGS, SUMS
from seq2seq.extras import install_hint
from seq2seq.machine.disk import writing
from seq2seq.machine.sealed import seal_json, sums_of
from seq2seq.runs.run import Run

Format = Literal["onnx", "ctranslate2", "run"]
_PACKAGES = {"onnx": ("onnx", "onnxruntime"), "ctranslate2": ("ctranslate2",), "run": ()}


def export(
    run: Run,
    folder: Path,
    *,
    checkpoint: str = "best",
    int8: bool = False,
    form: Format = "onnx",
) -> None:
    """Write the run's model into the new folder `folder`, which appears when it is complete.

    `int8` stores the matrices in 8 bits, all but the recurrent ones. Raises UserError if the folder
    is there, a package is missing, or the model can't be written in this form.
    """
    _check_installed(form)
    if folder.exists():
        raise UserError(f"{folder}: is there already; name a new folder, or remove it")
    if form == "run":
        if int8:
            raise UserError("export: --int8 belongs to --format onnx or ctranslate2")
    elif run.config.decoding.sample:
        raise UserError(f"{run.folder}: decoding.sample is true; an exported model only searches")
    elif run.config.decoding.precision != "fp32":
        raise UserError(
            f"{run.folder}: decoding.precision is {run.config.decoding.precision}; "
            "an exported model computes in fp32, or in 8 bits by --int8"
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with writing(folder):
            part.mkdir(parents=True)
            if form == "run":
                run.write_slim(part, checkpoint)
            else:
                write = {"onnx": _write_onnx, "ctranslate2": _write_ctranslate2}[form]
                settings = write(run, part, checkpoint=checkpoint, int8=int8)
                run.tokenizers.save(part / "tokenizer")
                if settings:
                    _write_settings(part, settings)
            part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_onnx(run: Run, folder: Path, *, checkpoint: str, int8: bool) -> dict[str, Any]:
    """Write both graphs; return what their translator has to know."""
    from seq2seq.export.graphs import write_graphs

    write_graphs(run.load_model(checkpoint), folder)
    if int8:
        _quantize(folder)
    return {
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


def _write_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings, with the checksums of all files and of itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = sums_of(folder, (path.relative_to(folder).as_posix() for path in files))
    text = seal_json({**settings, SUMS: sums})
    (folder / SETTINGS).write_text(text, encoding="utf-8", newline="\n")


def _write_ctranslate2(
    run: Run, folder: Path, *, checkpoint: str, int8: bool
) -> dict[str, Any] | None:
    """Write a model that the engine opens."""
    from seq2seq.export.ctranslate2 import write_model

    write_model(
        run.load_model(checkpoint).cpu().eval(),
        run.tokenizers,
        folder,
        source_end=run.config.tokenizer.source_end,
        int8=int8,
    )
    return None


def _check_installed(form: Format) -> None:
    for package in _PACKAGES[form]:
        try:
            import_module(package)
        except ImportError as error:
            raise UserError(
                f"export needs the package {error.name}: {install_hint(form)}"
            ) from None


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
