"""From a configuration to a trained run: prepare, build, train. `seq2seq train` calls this."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from seq2seq.config import Config, differences
from seq2seq.data.batching import Batches
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.errors import UserError
from seq2seq.evaluation.validation import build_validate
from seq2seq.extension import load_code
from seq2seq.model.model import Seq2Seq
from seq2seq.training.run import Run
from seq2seq.training.trainer import Trainer

logger = logging.getLogger(__name__)


def train(
    config: Config, folder: str | Path, *, resume: bool = False, show_bar: bool = False
) -> Run:
    """Train what `config` says in the run directory `folder`; return the run.

    With `resume` a run that is there goes on from its last checkpoint: settings of `training` and
    `decoding` may differ from before and apply from now on, all others must be the same. Without
    one there yet, it starts. Raises UserError if anything of the above can't be.
    """
    folder = Path(folder)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    going_on = resume and (folder / "config.yaml").exists()
    if going_on:
        config = _changed(Run.open(folder), config)
    load_code(config.code)
    torch.manual_seed(config.seed)
    prepared = prepare(config)
    source, target = prepared.tokenizers
    # Built before the directory is made, so that a configuration which can't be leaves none behind.
    model = Seq2Seq(config.model, len(source), len(target))
    run = (
        Run.open(folder)
        if going_on
        else Run.create(folder, config, prepared.tokenizers, asdict(prepared.summary))
    )
    with _logged_to(run.folder / "train.log"):
        trainer = _trainer(config, prepared, model, run)
        if going_on:
            run.continue_with(config)
            if run.checkpoints():
                trainer.resume(run.checkpoint("last"))
        trainer.fit(show_bar=show_bar)
    return run


def _trainer(config: Config, prepared: Prepared, model: Seq2Seq, run: Run) -> Trainer:
    logger.info("%s", describe(model))
    batches = Batches(
        prepared.train,
        config.batching,
        source_end=config.tokenizer.source_end,
        seed=config.seed,
    )
    return Trainer(config, model, batches, run, build_validate(config, prepared))


def describe(model: Seq2Seq) -> str:
    """Return the number of parameters of each part, in one line."""
    parts = {
        "encoder": model.encoder,
        "attention": model.decoder.attention,
        "model": model,
    }
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    total = counts.pop("model")
    shares = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{total:,} parameters ({shares})"


def describe_model(config: Config) -> str:
    """Return what `describe` says of the model that `config` asks for, without its weights."""
    load_code(config.code)
    size = config.tokenizer.vocab_size
    with torch.device("meta"):
        return describe(Seq2Seq(config.model, size, size))


def _changed(run: Run, config: Config) -> Config:
    """`config`, if only settings that may change on the way differ from the run's."""
    for key, was, now in differences(run.config, config):
        part = key.partition(".")[0]
        if part not in ("training", "decoding", "code"):  # of the code the run has copies
            raise UserError(
                f"{run.folder}: {key} was {was!r} and can't become {now!r} in a run that goes on; "
                "leave it, or start another run with --run DIR"
            )
    return config


@contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    """Have the package's log lines go to `file` as well."""
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    package = logging.getLogger("seq2seq")
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
        handler.close()
