"""From a configuration to a trained run: prepare, build, train. `seq2seq train` calls this."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from seq2seq.config import Config, ModelConfig, TrainingConfig, UnitConfig, differences
from seq2seq.config.options import checked_options, chosen
from seq2seq.data.batching import Batches, check_shares, describe_shares
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.sampling import SubwordSampling, check_sampling
from seq2seq.data.sources import Features, open_reader
from seq2seq.errors import UserError
from seq2seq.evaluation.tokenizers import AUTO, load_tokenizer
from seq2seq.evaluation.validation import build_validate
from seq2seq.extension import in_a_run, load_code, load_known_code
from seq2seq.kernels.precision import warn_of_precision
from seq2seq.machine.device import find_device
from seq2seq.machine.launched import is_restarted
from seq2seq.machine.threads import use_threads
from seq2seq.model.dropout import Dropout
from seq2seq.model.encoders.recurrent import RecurrentEncoder
from seq2seq.model.model import Seq2Seq
from seq2seq.model.transformer import Positions
from seq2seq.runs.alike import check_alike
from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.finding import is_run
from seq2seq.runs.lock import held
from seq2seq.runs.run import Run
from seq2seq.training.distillation import teachers_of
from seq2seq.training.distributed import ALONE, World, check_devices, joined
from seq2seq.training.first_warnings import (
    warn_of_blindness,
    warn_of_data,
    warn_of_languages,
    warn_of_schedules,
)
from seq2seq.training.metrics import Callback
from seq2seq.training.resuming import check_data, check_settings, note_changes
from seq2seq.training.tensorboard import check_installed
from seq2seq.training.trainer import Trainer

logger = logging.getLogger(__name__)


def train(
    config: Config,
    folder: str | Path,
    *,
    resume: bool = False,
    from_step: int | None = None,
    show_bar: bool = False,
    callbacks: Sequence[Callback] = (),
    trust_code: bool = False,
) -> Run:
    """Train what `config` says in the run directory `folder`; return the run.

    With `resume` a run that is there goes on from its last checkpoint: settings of `training`,
    `decoding` and `evaluation` may differ from before and apply from now on, which the log and the
    metrics note; all others must be the same, and the corpora too, wherever they lie now. Without
    one there yet, it starts. With `from_step` it goes on from that checkpoint, and later ones are
    renamed. Each of the `callbacks` is given every record of metrics.jsonl; an error that it raises
    ends the training, saved, and is raised here. With `trust_code` the code of the run that it
    resumes or starts from (`config.init`) runs, whoever wrote it.

    Processes that torchrun started train together; those that it started once more, since one had
    died, resume. Raises UserError if anything of the above cannot be done.
    """
    with joined(config.training.device) as world:
        again = world.greatest([is_restarted()]) > [0]  # each machine only knows of its own
        if trust_code:
            trust(config, Path(folder), resume=resume or again)
        start = _ready(config, Path(folder), resume=resume or again, world=world)
        if from_step is not None and not again:
            start = start._replace(checkpoint=_checkpoint_of(start, from_step))
        return _train(start, world, show_bar=show_bar, callbacks=callbacks)


def check(
    config: Config,
    folder: str | Path,
    *,
    resume: bool,
    processes: int,
    trust_code: bool = False,
) -> None:
    """Raise the UserErrors that `train` by so many processes would; prepare the corpus for it."""
    check_devices(config.training.device, processes)
    check_shares(config.training.accumulate, processes)
    if trust_code:
        trust(config, Path(folder), resume=resume)
    _ready(config, Path(folder), resume=resume)


def trust(config: Config, folder: Path, *, resume: bool = False) -> None:
    """Run all code that training `config` in `folder` uses, whoever wrote it."""
    if resume and is_run(folder):
        Run.open(folder, trust_code=True)
    for used in (config.init, *teachers_of(config.training)):
        if used is not None and is_run(Path(used)):
            Run.open(used, trust_code=True)
    load_code(config.code, level=logging.WARNING)


class _Start(NamedTuple):
    """What a training begins with, and the run that it goes on with."""

    config: Config
    folder: Path
    old: Run | None
    prepared: Prepared
    checkpoint: Checkpoint | None = None
    """That the run goes on from; None: the newest one."""


def _ready(config: Config, folder: Path, *, resume: bool, world: World = ALONE) -> _Start:
    """Check all that can be wrong before the training, and prepare the corpus."""
    find_device(config.training.device)
    check_shares(config.training.accumulate, world.size)
    if config.training.tensorboard:
        check_installed()
    if config.evaluation.tokenize != AUTO:
        load_tokenizer(config.evaluation.tokenize)
    old = Run.open(folder) if resume and (folder / "config.yaml").exists() else None
    if world.first(old is None) != (old is None):
        raise UserError(_not_shared(folder, world))
    if old:
        config = _changed(old, config)
    else:
        Run.check_free(folder)  # now, not after the data were prepared
        config = with_init(config)
    describe_model(config, old)  # refuses a model that can't be, before the corpus is prepared
    with world.one_by_one():  # the first process of a machine prepares the corpus for all
        prepared = prepare(config, tokenizers=old.tokenizers if old and config.init else None)
    if old:
        check_data(old, asdict(prepared.summary), prepared.tokenizers)
    for teacher in map(Run.open, teachers_of(config.training)):
        if teacher.folder.resolve() == folder.resolve():
            raise UserError(f"training.objective.teachers: {folder} can't teach itself")
        check_alike(
            *(teacher, config, prepared.tokenizers),
            other="this training",
            consequence="it can't be a teacher (training.objective.teachers)",
        )
    return _Start(config, folder, old, prepared)


def _checkpoint_of(start: _Start, step: int) -> Checkpoint:
    if start.old is None:
        raise UserError(f"{start.folder}: no run to go on with from step {step}; leave out --from")
    return start.old.checkpoint(str(step))


def _train(start: _Start, world: World, *, show_bar: bool, callbacks: Sequence[Callback]) -> Run:
    config, old, prepared = start.config, start.old, start.prepared
    if config.training.threads is not None or not old:  # else as many as before: see Trainer.resume
        use_threads(config.training.threads)
    torch.manual_seed(config.seed)
    load_code(config.code)  # its kinds stand, whatever other runs' code has made of their names
    # Built before the directory is made, so that a configuration which can't be leaves none behind.
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    _check_positions(config, model)
    if config.init and not old:
        load_init(model, config.init)
    with ExitStack() as stack:
        if world.leads:
            stack.enter_context(held(start.folder))
        run = old or _create(start, world)
        if world.leads:
            stack.enter_context(_logged_to(run.folder / "train.log"))
        trainer = _trainer(config, prepared, model, run, callbacks, world)
        if old:
            _go_on(trainer, old, start)
        else:
            if config.init:
                logger.info("starts from %s: its best weights, its tokenizer", config.init)
                warn_of_languages(config, Run.open(config.init).config)
            warn_of_data(prepared.summary)
        warn_of_precision("training.precision", config.training.precision, trainer.device.type)
        warn_of_schedules(config)
        warn_of_blindness(config.model)
        trainer.fit(show_bar=show_bar)
    return run


def _create(start: _Start, world: World) -> Run:
    """Make the run directory; other ranks than the first open it when it is there."""
    config, folder, prepared = start.config, start.folder, start.prepared
    if world.leads:
        Run.create(folder, config, prepared.tokenizers, asdict(prepared.summary))
    world.wait()
    if not (folder / "config.yaml").exists():
        raise UserError(_not_shared(folder, world))
    return Run.open(folder)


def _not_shared(folder: Path, world: World) -> str:
    return (
        f"{folder}: {world.name}does not see the same run directory as process 0; it must be on a "
        "disk that all machines share"
    )


def _trainer(
    config: Config,
    prepared: Prepared,
    model: Seq2Seq,
    run: Run,
    callbacks: Sequence[Callback],
    world: World,
) -> Trainer:
    logger.info("%s", describe(model))
    accumulate = config.training.accumulate
    if world.size > 1:
        logger.info("%s", describe_shares(accumulate, world.size))
    batches = Batches(
        prepared.train,
        config.batching,
        source_end=config.tokenizer.source_end,
        seed=config.seed,
        accumulate=accumulate,
        rank=world.rank,
        world=world.size,
        sampling=SubwordSampling.of(config, prepared.tokenizers),
    )
    validate = build_validate(config, prepared, world)
    return Trainer(config, model, batches, run, validate, callbacks=callbacks, world=world)


_WEIGHTLESS = frozenset({"dropout", "dropouts", "bypass_dropout", "slots"})
"""Settings of a model that no weight depends on. -- Of slots: Graves et al. 2016, extended data,
figure 2."""


def with_init(config: Config, run: Run | None = None) -> Config:
    """Return `config` with the model, tokenizer, languages and code of the run it starts from.

    That is `run`, else the one that `config.init` names; without either it stays as it is. What no
    weight depends on may be another: dropout, and how many slots a memory has. Raises UserError
    where the configuration itself says otherwise of the model or the tokenizer.
    """
    if config.init is None:
        return config
    run = run or Run.open(config.init)
    given = config.model_dump(mode="json", exclude_unset=True)
    model = run.config.model.model_dump(mode="json")
    for key, was, now in differences(run.config, config):
        top, *path = key.split(".")
        if top not in ("model", "tokenizer") or not _has(given, key):
            continue
        if top == "model" and not _WEIGHTLESS.isdisjoint(path):
            reduce(getitem, path[:-1], model)[path[-1]] = now
        else:
            raise UserError(
                f"{key}: was {was!r} in {run.folder} and can't be {now!r} in a run that starts "
                "from it (init); leave it out"
            )
    data = run.config.data
    languages = {
        side: getattr(data, side)
        for side in ("source", "target", "source_kind")
        if not _has(given, f"data.{side}")
    }
    run.load_code()  # now, while it is known whose it is
    code = [file for file in map(str, run.code) if file not in config.code]
    return config.model_copy(
        update={
            "model": type(run.config.model).model_validate(model),
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
    if config.init:
        run = run or Run.open(config.init)
        config = with_init(config, run)
    load_known_code(filter(in_a_run, config.code))  # the recipe may be that of a stranger's run
    load_code(config.code)
    sizes = run.tokenizers.sizes if config.init and run else _expected_sizes(config)
    _check_tie(config)
    check_sampling(config)
    with torch.device("meta"):
        model = Seq2Seq(config.model, *sizes)
    _check_positions(config, model)
    _check_dropouts(config.model, model)
    _check_training(config.training, model)
    return describe(model)


def _expected_sizes(config: Config) -> tuple[int | Features, int]:
    """The sizes of both sides, as the configuration has them before the corpus is read."""
    pieces, kind = config.tokenizer.vocab_size, config.data.source_kind
    return pieces if kind.is_text else open_reader(kind).size, pieces


def _check_positions(config: Config, model: Seq2Seq) -> None:
    longest = config.data.max_length + config.tokenizer.source_end
    for key, part in model.named_modules():
        place = key.partition(".")[0]
        needed = longest if place == "encoder" else config.data.max_length + 1  # the start token
        if isinstance(part, Positions) and (count := part.count) and count < needed:
            raise UserError(
                f"model.{place}.max_positions: expected at least {needed}, the pieces of the "
                f"longest sentence (data.max_length, and one for its end), found {count}"
            )
    for unit in model.decoder.units.values():
        if unit.positions is not None and unit.positions < longest:
            raise UserError(
                f"model.attention.positions: expected at least {longest}, the pieces of the "
                "longest source (data.max_length, and tokenizer.source_end's one), found "
                f"{unit.positions}"
            )


def _check_dropouts(config: ModelConfig, model: Seq2Seq) -> None:
    """Refuse a rate between layers that are not there; a user's own part may have others."""
    ours = all(
        type(part).__module__.startswith("seq2seq.") for part in (model.encoder, model.decoder)
    )
    recurrent = isinstance(model.encoder, RecurrentEncoder) and config.decoder.kind != "transformer"
    flat = config.encoder.layers == config.decoder.layers == 1
    if config.dropouts.layers is not None and ours and recurrent and flat:
        raise UserError(
            "model.dropouts.layers is between layers, and encoder and decoder have one each; set "
            "model.encoder.layers or model.decoder.layers"
        )


def _check_training(config: TrainingConfig, model: Seq2Seq) -> None:
    for name in type(config).model_fields:
        if isinstance(part := getattr(config, name), UnitConfig):
            key = f"training.{name}"
            checked_options(chosen(part.table, part, key), part, key)
    for teacher in teachers_of(config):
        Run.open(teacher).checkpoint("best").check()
    drawn = [unit.addressing for unit in model.decoder.units.values() if unit.addressing.is_drawn]
    if config.objective.kind == "minimum-risk" and drawn:
        raise UserError(
            "training.objective: minimum-risk draws translations, but not where hard attention "
            "looks, which would not be trained; choose another addressing, or likelihood"
        )
    wanted = config.objective.options.get("consistency")
    if wanted and not any(isinstance(part, Dropout) and part.p for part in model.modules()):
        raise UserError(
            "training.objective.consistency: the two passes are the same, as all rates of dropout "
            "are 0; set model.dropout"
        )


def _check_tie(config: Config) -> None:
    # Here, because two vocabularies of one size would pass for one in the model.
    if config.model.tie == "all" and not config.tokenizer.joint:
        raise UserError(
            "model.tie: all needs one vocabulary for both languages, found tokenizer.joint: false; "
            "tie target fits any"
        )


def _changed(run: Run, config: Config) -> Config:
    """`config` with the run's own code, if the run can go on with it."""
    if config.init is None:  # the run has in itself all that it started from
        config = config.model_copy(update={"init": run.config.init})
    else:
        config = with_init(config, run)
    check_settings(run, config)
    run.load_code()
    return config.model_copy(update={"code": run.config.code})


def _go_on(trainer: Trainer, run: Run, start: _Start) -> None:
    """Have the trainer go on from the checkpoint asked for, else the newest, else start over."""
    checkpoints = run.checkpoints()  # not `last`: a kill may come before it is pointed there
    checkpoint = start.checkpoint or (checkpoints[-1] if checkpoints else None)
    if checkpoint:
        with run.offering("--resume --from"):
            trainer.resume(checkpoint)
    if not trainer.world.leads:
        return
    if not checkpoint:
        run.rewind_metrics(0)
    note_changes(run, start.config, trainer.progress.step)
    run.continue_with(start.config)


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
        with suppress(OSError):  # what it could not write, to a full disk, before
            handler.close()
