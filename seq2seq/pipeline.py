"""From a configuration to a trained run: prepare, build, train. `seq2seq train` calls this."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from seq2seq.config import Config, differences
from seq2seq.data.batching import Batches
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.device import find_device
from seq2seq.errors import UserError
from seq2seq.evaluation.tokenizers import AUTO, load_tokenizer
from seq2seq.evaluation.validation import build_validate
from seq2seq.extension import load_code
from seq2seq.model.model import Seq2Seq
from seq2seq.training.run import Run
from seq2seq.training.tensorboard import check_installed
from seq2seq.training.trainer import Callback, Trainer

logger = logging.getLogger(__name__)

_CORPORA = ("data.train", "data.valid", "data.test")


def train(
    config: Config,
    folder: str | Path,
    *,
    resume: bool = False,
    show_bar: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train what `config` says in the run directory `folder`; return the run.

    With `resume` a run that is there goes on from its last checkpoint: settings of `training` and
    `decoding` may differ from before and apply from now on, all others must be the same, and the
    corpora too, wherever they lie now. Without one there yet, it starts. Each of the `callbacks` is
    given every record of metrics.jsonl; what it raises ends the training, saved, and is raised
    here. Raises UserError if anything of the above can't be.
    """
    folder = Path(folder)
    find_device(config.training.device)
    _check_tie(config)
    if config.training.tensorboard:
        check_installed()
    if config.evaluation.tokenize != AUTO:
        load_tokenizer(config.evaluation.tokenize)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    old = Run.open(folder) if resume and (folder / "config.yaml").exists() else None
    if old:
        config = _changed(old, config)
    else:
        Run.check_free(folder)  # now, not after the data were prepared
    load_code(config.code)
    torch.manual_seed(config.seed)
    prepared = prepare(config)
    if old:
        _check_data(old, prepared)
    source, target = prepared.tokenizers
    # Built before the directory is made, so that a configuration which can't be leaves none behind.
    model = Seq2Seq(config.model, len(source), len(target))
    _check_positions(config, model)
    run = old or Run.create(folder, config, prepared.tokenizers, asdict(prepared.summary))
    with _logged_to(run.folder / "train.log"):
        trainer = _trainer(config, prepared, model, run, callbacks)
        if old:
            _go_on(trainer, old, config)
        trainer.fit(show_bar=show_bar)
    return run


def _trainer(
    config: Config,
    prepared: Prepared,
    model: Seq2Seq,
    run: Run,
    callbacks: Sequence[Callback],
) -> Trainer:
    logger.info("%s", describe(model))
    batches = Batches(
        prepared.train,
        config.batching,
        source_end=config.tokenizer.source_end,
        seed=config.seed,
    )
    validate = build_validate(config, prepared)
    return Trainer(config, model, batches, run, validate, callbacks=callbacks)


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
    _check_tie(config)
    size = config.tokenizer.vocab_size
    with torch.device("meta"):
        model = Seq2Seq(config.model, size, size)
    _check_positions(config, model)
    return describe(model)


def _check_positions(config: Config, model: Seq2Seq) -> None:
    positions = model.decoder.attention.positions
    longest = config.data.max_length + config.tokenizer.source_end
    if positions is not None and positions < longest:
        raise UserError(
            f"model.attention.positions: expected at least {longest}, the pieces of the longest "
            f"source (data.max_length, and tokenizer.source_end's one), found {positions}"
        )


def _check_tie(config: Config) -> None:
    # Here, because two vocabularies of one size would pass for one in the model.
    if config.model.tie == "all" and not config.tokenizer.joint:
        raise UserError(
            "model.tie: all needs one vocabulary for both languages, found tokenizer.joint: false; "
            "tie target fits any"
        )


def _changed(run: Run, config: Config) -> Config:
    """`config` with the run's own code, if only what may change on the way differs from the run."""
    for key, was, now in differences(run.config, config):
        # Of the code the run has copies; corpora are compared by content, see `_check_data`.
        if not key.startswith(("training.", "decoding.", "code")) and key not in _CORPORA:
            raise UserError(
                f"{run.folder}: {key} was {was!r} and can't become {now!r} in a run that goes on; "
                "leave it, or start another run with --run DIR"
            )
    return config.model_copy(update={"code": run.config.code})


def _check_data(run: Run, prepared: Prepared) -> None:
    """Refuse to go on with other text, or other pieces of it, than the run began with."""
    was, now = run.data, asdict(prepared.summary)
    for split in now:
        if was.get(split) != now[split]:
            raise UserError(
                f"{run.folder}: data.{split} is not what the run began with (see its data.json); "
                "restore it, or start another run with --run DIR"
            )
    if [t.model for t in run.tokenizers] != [t.model for t in prepared.tokenizers]:
        raise UserError(
            f"{run.folder}: its tokenizer is not the one that the corpus gives now, as with "
            "another version of sentencepiece; start another run with --run DIR"
        )


def _go_on(trainer: Trainer, run: Run, config: Config) -> None:
    """Have the trainer go on from the run's newest checkpoint, else start over."""
    checkpoints = run.checkpoints()  # not `last`: a kill may come before it is pointed there
    if checkpoints:
        trainer.resume(checkpoints[-1])
    else:
        run.rewind_metrics(0)
    run.continue_with(config)


@contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    """Have the package's log lines go to `file` as well."""
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    package = logging.getLogger("seq2seq")
    level = package.level
    package.setLevel(level or logging.INFO)  # unset, as without the CLI, it would mean warnings
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(level)
        handler.close()
