"""From a configuration to a trained run: prepare, build, train. `seq2seq train` calls this."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seq2seq.config import Config, differences
from seq2seq.data.batching import Batches
from seq2seq.data.languages import same_language
from seq2seq.data.prepare import LEAKED, Prepared, Summary, prepare
from seq2seq.errors import UserError
from seq2seq.evaluation.tokenizers import AUTO, load_tokenizer
from seq2seq.evaluation.validation import build_validate
from seq2seq.extension import load_code
from seq2seq.machine.device import find_device
from seq2seq.machine.threads import use_threads
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.run import Run
from seq2seq.training.tensorboard import check_installed
from seq2seq.training.trainer import Callback, Trainer

logger = logging.getLogger(__name__)

_CHANGEABLE = ("training.", "decoding.", "evaluation.", "code", "data.workers")
"""What a run may go on with otherwise than it began."""
_CORPORA = ("data.train", "data.valid", "data.test")
FEW_PAIRS = 1000
"""Below so many a model learns its corpus by heart and little else: docs/first-hour.md."""
_LEAK = 0.005  # a larger share of validation in training is warned of, as by `data check`


def train(
    config: Config,
    folder: str | Path,
    *,
    resume: bool = False,
    show_bar: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train what `config` says in the run directory `folder`; return the run.

    With `resume` a run that is there goes on from its last checkpoint: settings of `training`,
    `decoding` and `evaluation` may differ from before and apply from now on, which the log and the
    metrics note; all others must be the same, and the corpora too, wherever they lie now. Without
    one there yet, it starts. Each of the `callbacks` is given every record of metrics.jsonl; what
    it raises ends the training, saved, and is raised here. Raises UserError if anything of the
    above can't be.
    """
    folder = Path(folder)
    find_device(config.training.device)
    if config.training.tensorboard:
        check_installed()
    if config.evaluation.tokenize != AUTO:
        load_tokenizer(config.evaluation.tokenize)
    old = Run.open(folder) if resume and (folder / "config.yaml").exists() else None
    if old:
        config = _changed(old, config)
    else:
        Run.check_free(folder)  # now, not after the data were prepared
        config = with_init(config)
    describe_model(config, old)  # refuses a model that can't be, before the corpus is prepared
    if config.training.threads is not None or not old:  # else as many as before: see Trainer.resume
        use_threads(config.training.threads)
    torch.manual_seed(config.seed)
    prepared = prepare(config, tokenizers=old.tokenizers if old and config.init else None)
    if old:
        _check_data(old, prepared)
    source, target = prepared.tokenizers
    # Built before the directory is made, so that a configuration which can't be leaves none behind.
    model = Seq2Seq(config.model, len(source), len(target))
    _check_positions(config, model)
    if config.init and not old:
        load_init(model, config.init)
    run = old or Run.create(folder, config, prepared.tokenizers, asdict(prepared.summary))
    with _logged_to(run.folder / "train.log"):
        trainer = _trainer(config, prepared, model, run, callbacks)
        if old:
            _go_on(trainer, old, config)
        else:
            if config.init:
                logger.info("starts from %s: its best weights, its tokenizer", config.init)
                _warn_of_languages(config)
            _warn_of_data(prepared.summary)
        trainer.fit(show_bar=show_bar)
    return run


def _warn_of_languages(config: Config) -> None:
    """Say that a run to start from has learnt other languages, or the other direction."""
    assert config.init is not None
    was, now = Run.open(config.init).config.data, config.data
    if not (same_language(was.source, now.source) and same_language(was.target, now.target)):
        logger.warning(
            "%s translates %s to %s, and this run %s to %s: words and letters that it has no "
            "pieces for stay unknown",
            config.init,
            was.source,
            was.target,
            now.source,
            now.target,
        )


def _warn_of_data(summary: Summary) -> None:
    """Say what a run on this corpus can't do, before hours go into it."""
    if summary.train.kept < FEW_PAIRS:
        logger.warning(
            "only %s training pairs: a model can learn them by heart and little else; useful "
            "translations of new sentences take some 30,000. More text helps most, or a run to "
            "start from (--init)",
            f"{summary.train.kept:,}",
        )
    seen, kept = summary.valid.noted.get(LEAKED, 0), summary.valid.kept
    if seen > _LEAK * kept:
        logger.warning(
            "%s of %s validation pairs are training pairs too: their loss and BLEU measure what is "
            "remembered, and the best checkpoint is chosen by it; hold other pairs out",
            f"{seen:,}",
            f"{kept:,}",
        )


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


def with_init(config: Config, run: Run | None = None) -> Config:
    """Return `config` with the model, tokenizer, languages and code of the run it starts from.

    That is `run`, else the one that `config.init` names; without either it stays as it is. Raises
    UserError where the configuration itself says otherwise of the model or the tokenizer.
    """
    if config.init is None:
        return config
    run = run or Run.open(config.init)
    given = config.model_dump(mode="json", exclude_unset=True)
    for key, was, now in differences(run.config, config):
        if key.startswith(("model.", "tokenizer.")) and _has(given, key):
            raise UserError(
                f"{key}: was {was!r} in {run.folder} and can't be {now!r} in a run that starts "
                "from it (init); leave it out"
            )
    data = run.config.data
    languages = {
        side: getattr(data, side)
        for side in ("source", "target")
        if not _has(given, f"data.{side}")
    }
    code = [str((run.folder / file).resolve()) for file in run.config.code]
    code = [file for file in code if file not in config.code]
    return config.model_copy(
        update={
            "model": run.config.model,
            "tokenizer": run.config.tokenizer,
            "data": config.data.model_copy(update=languages),
            "code": [*code, *config.code],
        }
    )


def _has(tree: Any, key: str) -> bool:
    """Whether a tree of settings has one at a dotted key, or a whole branch above it."""
    for name in key.split("."):
        if not isinstance(tree, dict):
            return True
        if name not in tree:
            return False
        tree = tree[name]
    return True


def load_init(model: Seq2Seq, folder: str | Path) -> None:
    """Give `model` the best weights of the run at `folder`."""
    Run.open(folder).checkpoint("best").load_into(model)


def describe(model: Seq2Seq) -> str:
    """Return the number of parameters of each part, in one line."""
    parts = {
        "encoder": model.encoder,
        "attention": nn.ModuleList(model.decoder.units.values()),
        "model": model,
    }
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    total = counts.pop("model")
    shares = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{total:,} parameters ({shares})"


def describe_model(config: Config, run: Run | None = None) -> str:
    """Return what `describe` says of the model that `config` asks for, without its weights.

    Where `config.init` names a run, `run` stands for it if that run need not be there any more.
    """
    sizes = [config.tokenizer.vocab_size] * 2
    if config.init:
        run = run or Run.open(config.init)
        config = with_init(config, run)
        sizes = [len(tokenizer) for tokenizer in run.tokenizers]
    load_code(config.code)
    _check_tie(config)
    with torch.device("meta"):
        model = Seq2Seq(config.model, *sizes)
    _check_positions(config, model)
    return describe(model)


def _check_positions(config: Config, model: Seq2Seq) -> None:
    longest = config.data.max_length + config.tokenizer.source_end
    for unit in model.decoder.units.values():
        if unit.positions is not None and unit.positions < longest:
            raise UserError(
                f"model.attention.positions: expected at least {longest}, the pieces of the "
                "longest source (data.max_length, and tokenizer.source_end's one), found "
                f"{unit.positions}"
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
    if config.init is None:  # what the run started from it has in itself
        config = config.model_copy(update={"init": run.config.init})
    else:
        config = with_init(config, run)
    for key, was, now in differences(run.config, config):
        # Of the code the run has copies; corpora are compared by content, see `_check_data`.
        if not key.startswith(_CHANGEABLE) and key not in _CORPORA:
            raise UserError(
                f"{run.folder}: {key} was {was!r} and can't become {now!r} in a run that goes on; "
                "leave it, or start another run with --run DIR"
            )
    return config.model_copy(update={"code": run.config.code})


def _check_data(run: Run, prepared: Prepared) -> None:
    """Refuse to go on with other text, or other pieces of it, than the run began with."""
    was, now = run.data, asdict(prepared.summary)
    for split in ("train", "valid"):
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
    _note_changes(run, config, trainer.progress.step)
    run.continue_with(config)


def _note_changes(run: Run, config: Config, step: int) -> None:
    """Say in the log and in the metrics what the run goes on with from `step` on."""
    changes = {key: (was, now) for key, was, now in differences(run.config, config)}
    for key, values in changes.items():
        was, now = (json.dumps(value, ensure_ascii=False) for value in values)
        logger.info("%s: %s -> %s from step %d on", key, was, now, step)
    if changes:
        run.log_metrics({"kind": "settings", "step": step, "changes": changes})


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
