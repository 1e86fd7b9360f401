"""Versions, device, cache and newest run: for the user, and for bug reports."""

from __future__ import annotations

import platform
from importlib import metadata

import torch

from seq2seq import __version__
from seq2seq.data.prepare import default_cache
from seq2seq.errors import UserError
from seq2seq.extras import install_hint
from seq2seq.kernels import products
from seq2seq.machine.processor import processor
from seq2seq.machine.waiting import describe_waiting
from seq2seq.runs.finding import newest_run
from seq2seq.runs.run import Run

_NEEDED = ("torch", "sentencepiece", "sacrebleu", "numpy")
_OPTIONAL = {
    "tensorboard": "tensorboard",
    "mtdata": "corpora",
    "sacremoses": "moses",
    "onnxruntime": "onnx",
    "matplotlib": "plots",
    "entmax": "sparse",
    "mecab-python3": "ja",
    "mecab-ko": "ko",
    "zstandard": "zst",
}
"""Package -> the extra of this distribution that installs it."""


def describe_environment() -> str:
    """Return versions, device, cache and newest run, a line each."""
    rows = [
        ("seq2seq", __version__),
        ("python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
        *((name, metadata.version(name)) for name in _NEEDED),
        *((name, _version(name, extra)) for name, extra in _OPTIONAL.items()),
        ("device", _device()),
        ("threads", str(torch.get_num_threads())),
        ("waiting threads", describe_waiting()),
        ("matrix products", f"{products.library()} in training, on {processor()}"),
        ("bf16", "yes" if products.BF16 else "no: the CPU computes in fp32 where it is asked for"),
        ("cache", str(default_cache())),
        ("newest run", _newest_run()),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _version(name: str, extra: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"not installed: {install_hint(extra)}"


def _device() -> str:
    if not torch.cuda.is_available():
        built_for = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "a CPU build"
        return f"cpu (no CUDA device; this torch is {built_for})"
    devices = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    names = (f"{device.name}, {device.total_memory / 2**30:.0f} GiB" for device in devices)
    return f"cuda {torch.version.cuda}: {'; '.join(names)}"


def _newest_run() -> str:
    try:
        run = Run(newest_run())
    except UserError as error:
        return str(error)
    return f"{run.folder} ({run.config.model.attention.kind} attention)"
