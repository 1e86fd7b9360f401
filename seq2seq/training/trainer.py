"""The training loop: batches -> loss -> update -> now and then log, validate, save.

A step is one update of the weights. Everything that decides the next step is in the model, the
optimiser, the random generators and `Progress`; a checkpoint holds all four, so that a run which
was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seq2seq.config import Config
from seq2seq.data.batching import START, Batch, Batches, Position
from seq2seq.errors import UserError
from seq2seq.kernels import products
from seq2seq.machine.allocator import keep_freed_memory
from seq2seq.machine.device import find_device
from seq2seq.machine.waiting import sleep_when_busy
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.runs.run import Checkpoint, Run
from seq2seq.training.judgement import METRICS, is_better, why_lost, why_poor
from seq2seq.training.limits import Bar, Done, share_done
from seq2seq.training.loss import Loss, batch_loss
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.schedules import learning_rate_factor, plateau_factor
from seq2seq.training.signals import stop_on_signals
from seq2seq.training.teacher_forcing import forcing_at, realised_ratio
from seq2seq.training.tensorboard import Scalars

logger = logging.getLogger(__name__)


class Sample(NamedTuple):
    """One validation sentence as the model translates it now."""

    source: str
    reference: str
    hypothesis: str


class Validation(NamedTuple):
    """How good the model is now: nats a target token (EOS counted), BLEU and chrF when decoding."""

    loss: float
    bleu: float
    chrf: float
    samples: Sequence[Sample] = ()
    tokenize: str = "13a"
    """What BLEU counts; one of other tokens can't be compared with it."""
    bleu_tells: bool = True
    """Whether BLEU can tell a good model from a bad one on this validation set."""

    @property
    def metrics(self) -> dict[str, float]:
        """The three figures by name."""
        return {"loss": self.loss, "bleu": self.bleu, "chrf": self.chrf}


Validate = Callable[[Seq2Seq], Validation]
Callback = Callable[[dict[str, Any]], object]
"""Is given each record of metrics.jsonl."""


@dataclass
class Window:
    """Sums since the last log line."""

    loss: float = 0.0
    tokens: int = 0
    forced: int = 0
    forcible: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """Where the run stands, in plain values: what of a checkpoint is not a tensor."""

    step: int = 0
    position: Position = START
    seconds: float = 0.0
    tokens: int = 0
    due: bool = False  # a validation is: what is stopped before it makes up for it
    best_step: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_tokenize: str = "13a"  # what the best BLEU counts: that of runs of before it was noted
    misses: int = 0
    reductions: int = 0
    kept: list[int] = field(default_factory=list)  # steps of the newest validated checkpoints
    threads: int | None = None  # of the CPU, which decide the last bits of sums
    window: Window = field(default_factory=Window)

    @classmethod
    def of(cls, state: dict[str, Any]) -> Progress:
        """Return the progress that `asdict` made `state` of."""
        epoch, batch = state["position"]
        values = {"position": Position(epoch, batch), "window": Window(**state["window"])}
        return cls(**{**state, **values})


class Trainer:
    """Trains one model into one run directory."""

    def __init__(
        self,
        config: Config,
        model: Seq2Seq,
        batches: Batches,
        run: Run,
        validate: Validate,
        *,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        keep_freed_memory()
        sleep_when_busy()
        products.use(config.training.products)
        self.config = config.training
        self.device = find_device(self.config.device)
        self.model = model.to(self.device)
        self.batches = batches
        self.run = run
        self.validate = validate
        self.callbacks = callbacks
        self._untold: list[dict[str, Any]] = []  # records that no callback was given yet
        self.optimizer = build_optimizer(self.config.optimizer, self.model)
        self.progress = Progress()
        self._unread: list[Tensor] = []  # losses not yet fetched from the device
        self._scalars: Scalars | None = None
        self._told: set[str] = set()  # what is said once
        self._batches_an_epoch = len(batches.plan(batches.position.epoch))

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint` as if nothing had happened, but with today's configuration.

        Raises UserError if the run is finished and today's limits leave nothing to train.
        """
        try:
            self.progress = Progress.of(checkpoint.state)
        except (KeyError, TypeError):
            path = checkpoint.folder / "state.json"
            raise UserError(f"{path}: damaged: not the state of a training") from None
        reached = self._limits_reached()
        if reached and self.run.result is not None:
            limits = ", ".join(f"training.{name} {value:g}" for name, value in reached.items())
            raise UserError(
                f"{self.run.folder}: nothing to train: at step {self.progress.step}, {limits} is "
                f"reached; raise it to go on: training.{next(iter(reached))}=NUMBER"
            )
        checkpoint.load_into(self.model)
        tensors = checkpoint.trainer_tensors()
        # The moments alone: what the configuration says of the optimiser holds from now on.
        moments = tensors["optimizer"]["state"]
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        torch.set_rng_state(tensors["cpu_rng"])
        if self.config.threads is None and self.progress.threads is not None:
            torch.set_num_threads(self.progress.threads)  # as before, however busy it is today
        if self.device.type == "cuda" and tensors["cuda_rng"] is not None:
            torch.cuda.set_rng_state(tensors["cuda_rng"], self.device)
        self.batches.position = self.progress.position
        # A kill may have come after the checkpoint was written and before all this was done.
        self.run.rewind_metrics(self.progress.step)
        self.run.point("last", checkpoint.folder.name)
        if self.progress.best_step:
            self.run.point("best", f"{self.progress.best_step:08d}")
        self.run.prune(self.progress.kept)
        logger.info("resumed at step %d", self.progress.step)

    def fit(self, *, show_bar: bool = False) -> str:
        """Train until a limit, early stopping or a signal; return which of them it was."""
        bar = Bar(self._done(), show=show_bar)
        if self.device.type == "cuda":
            self.try_largest_batch()
        reason = None if self.progress.due else self._limit_reached()
        with bar, self._open_scalars() as self._scalars, stop_on_signals() as stop:
            while reason is None:
                if not self.progress.due:
                    self._advance(bar)
                if self.progress.due and not stop:
                    self._timed(self._validate)
                self._call_back()
                reason = f"stopped by {stop}" if stop else self._limit_reached()
        self._finish(reason)
        return reason

    def try_largest_batch(self) -> None:
        """Run the largest batch forward and backward: what won't fit in memory shows at once.

        Nothing is learnt from it, and no random number is used up.
        """
        batch = self.batches.largest()
        self.model.train()
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            self._backward(batch, self._forcing(batch), batch.target_tokens)
        self.optimizer.zero_grad()

    # --- one step --------------------------------------------------------------------------------

    def _advance(self, bar: Bar) -> None:
        """Take a step, log now and then, and note whether to validate."""
        epoch = self.progress.position.epoch
        self._timed(self._step)
        bar.move(self._done(), self.progress.step)
        if self.progress.step % self.config.log_every == 0:
            bar.say(self._log())
        self.progress.due = self._limit_reached() is not None or self._is_due(epoch)

    def _step(self) -> None:
        """One update: the mean loss over the tokens of `accumulate` batches, clipped."""
        progress = self.progress
        group = list(islice(self.batches, self.config.accumulate))
        tokens = sum(batch.target_tokens for batch, _ in group)
        self._set_learning_rate()
        self.optimizer.zero_grad()
        self.model.train()
        for batch, _ in group:
            forcing = self._forcing(batch)
            self._unread.append(self._backward(batch, forcing, tokens))
            self._count(forcing, batch)
        if self.config.optimizer.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimizer.clip)
        self.optimizer.step()
        progress.step += 1
        progress.position = group[-1][1]
        progress.tokens += tokens
        progress.window.tokens += tokens

    def _backward(self, batch: Batch, forcing: TeacherForcing | None, tokens: int) -> Tensor:
        """Add the gradient of the batch's loss / `tokens`; its plain loss, summed."""
        try:
            loss = self._loss(batch, forcing)
            (loss.smoothed / tokens).backward()
        except torch.OutOfMemoryError:
            raise UserError(
                f"out of memory at step {self.progress.step + 1} on a batch of {len(batch)} "
                f"sentences, {batch.source_BS.size(1)} source and {batch.targets_BT.size(1)} "
                "target pieces long: lower batching.tokens or data.max_length"
            ) from None
        return loss.plain

    def _loss(self, batch: Batch, forcing: TeacherForcing | None) -> Loss:
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            smoothing = self.config.label_smoothing
            return batch_loss(self.model, batch, self.device, smoothing, forcing)

    def _forcing(self, batch: Batch) -> TeacherForcing | None:
        """Which inputs of the batch come from the reference; None for all."""
        return forcing_at(self.config.teacher_forcing, self.progress.step, batch.inputs_BT)

    def _count(self, forcing: TeacherForcing | None, batch: Batch) -> None:
        if forcing is not None:
            forced, forcible = realised_ratio(forcing.forced_BT, batch.target_lengths_B)
            self.progress.window.forced += forced
            self.progress.window.forcible += forcible

    def _set_learning_rate(self) -> None:
        schedule = self.config.schedule
        minutes = self.config.max_minutes
        factor = learning_rate_factor(
            schedule,
            self.progress.step + 1,
            self.config.max_steps,
            self.progress.seconds / (60 * minutes) if minutes else 0.0,
        )
        factor *= plateau_factor(schedule, self.progress.reductions)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.optimizer.lr * factor

    # --- what is said of it ----------------------------------------------------------------------

    def _log(self) -> str:
        """Write the window's line of metrics and start a new window; what the bar shows."""
        progress, window = self.progress, self._read_window()
        loss = window.loss / window.tokens
        poor = why_poor(loss, self.model.output.out_features)
        if poor and progress.step > self.config.log_every and "poor" not in self._told:
            self._told.add("poor")
            logger.warning("%s: is training.optimizer.lr too high?", poor)
        record: dict[str, Any] = {
            "kind": "train",
            "step": progress.step,
            "epoch": progress.position.epoch,
            "loss": loss,
            "perplexity": math.exp(min(loss, 700)),
            "lr": self.optimizer.param_groups[0]["lr"],
            "target_tokens": progress.tokens,
            "target_tokens_per_second": window.tokens / window.seconds,
            "seconds": progress.seconds,
        }
        if window.forcible:
            record["teacher_forcing_ratio"] = window.forced / window.forcible
        self._log_metrics(record)
        progress.window = Window()
        return f"loss {loss:.3f}, {record['target_tokens_per_second']:.0f} target tok/s"

    def _read_window(self) -> Window:
        """The window with the losses that were still on the device; UserError if they are lost."""
        window = self.progress.window
        if self._unread:
            window.loss += float(torch.stack(self._unread).double().sum())
            self._unread.clear()
            early = self.progress.step <= self.config.log_every  # it may leap then and come back
            if not (early and math.isfinite(window.loss)):
                self._check_loss(window.loss / window.tokens)
        return window

    def _check_loss(self, loss: float) -> None:
        reason = why_lost(loss, self.model.output.out_features)
        if reason:
            raise UserError(
                f"{reason}, at or before step {self.progress.step}: lower training.optimizer.lr, "
                "or set training.optimizer.clip; --resume goes on from the last checkpoint"
            )

    def _open_scalars(self) -> AbstractContextManager[Scalars | None]:
        """Where TensorBoard files are written meanwhile, if the configuration asks for them."""
        if not self.config.tensorboard:
            return nullcontext()
        folder = self.run.folder / "tensorboard"
        return closing(Scalars(folder, first_step=self.progress.step + 1))

    def _log_metrics(self, record: dict[str, Any]) -> None:
        self.run.log_metrics(record)
        if self._scalars is not None:
            self._scalars.add(record)
        self._untold.append(record)

    def _call_back(self) -> None:
        """Give the callbacks what is new; what one raises ends the run here, saved.

        Not when it is logged: now the step is whole, and so is what is saved of it.
        """
        records, self._untold = self._untold, []
        try:
            for record in records:
                for callback in self.callbacks:
                    callback(dict(record))
        except Exception as error:
            self._save()
            step, name = self.progress.step, type(error).__name__
            logger.warning("a callback raised %s at step %d, saved; --resume goes on", name, step)
            raise

    def _validate(self) -> None:
        """Decode and score the validation set, note whether it is the best yet, and save."""
        progress, config = self.progress, self.config
        self._read_window()  # before a model that is broken is decoded with
        found = self.validate(self.model)
        self._check_loss(found.loss)
        better = self._is_best(found)
        progress.misses = 0 if better else progress.misses + 1
        if better:
            progress.best_step = progress.step
            self._note_best(found)
        elif progress.misses % (config.schedule.patience + 1) == 0:
            progress.reductions += 1
        self._log_metrics(
            {"kind": "valid", "step": progress.step, **found.metrics, "seconds": progress.seconds}
        )
        progress.due = False
        progress.kept = [*progress.kept, progress.step][-max(config.keep, config.average) :]
        self._save()
        if better:
            self.run.point("best", f"{progress.step:08d}")
        self.run.prune(progress.kept)
        logger.info(
            "step %d, epoch %d, %.1f min: validation %s%s",
            progress.step,
            progress.position.epoch,
            progress.seconds / 60,
            _shown(found.metrics),
            " (best)" if better else "",
        )
        for source, reference, hypothesis in found.samples:
            logger.info("  source      %s", source)
            logger.info("  reference   %s", reference)
            logger.info("  hypothesis  %s", hypothesis)

    def _is_best(self, found: Validation) -> bool:
        """Whether the validation is the best yet at `metric`, or at what can be compared of it."""
        progress, metric = self.progress, self.config.metric
        if metric == "bleu" and not found.bleu_tells:
            metric = "loss"
        elif metric == "bleu" and progress.best_metrics:
            if found.tokenize != progress.best_tokenize:
                self._tell_once(
                    f"the best BLEU so far counts the tokens of {progress.best_tokenize}, now "
                    f"those of {found.tokenize} count: the loss judges until there is a new best"
                )
                metric = "loss"
            elif found.bleu == progress.best_metrics["bleu"] == 0:
                self._tell_once("validation BLEU is 0 so far: the loss judges until it rises")
        return is_better(found.metrics, progress.best_metrics, metric)

    def _note_best(self, found: Validation) -> None:
        self.progress.best_metrics = found.metrics
        self.progress.best_tokenize = found.tokenize

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            logger.info("%s", text)

    def _save(self) -> None:
        self._read_window()
        self.progress.threads = torch.get_num_threads()
        cuda = self.device.type == "cuda"
        tensors = {
            "optimizer": self.optimizer.state_dict(),
            "cpu_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if cuda else None,
        }
        self.run.save(self.progress.step, self.model, tensors, asdict(self.progress))

    # --- when it ends ----------------------------------------------------------------------------

    def _limit_reached(self) -> str | None:
        """The setting that ends the run now, if any."""
        return next(iter(self._limits_reached()), None)

    def _limits_reached(self) -> dict[str, float]:
        """The settings that end the run now, and their values."""
        config, progress = self.config, self.progress
        reached = {
            "max_steps": config.max_steps is not None and progress.step >= config.max_steps,
            "max_epochs": config.max_epochs is not None
            and progress.position.epoch >= config.max_epochs,
            "max_minutes": config.max_minutes is not None
            and progress.seconds >= 60 * config.max_minutes,
            "patience": config.patience is not None and progress.misses >= config.patience,
        }
        return {name: getattr(config, name) for name, holds in reached.items() if holds}

    def _is_due(self, epoch_before: int) -> bool:
        """Whether to validate now: every `validate_every` steps, else at the end of an epoch."""
        if self.config.validate_every is not None:
            return self.progress.step % self.config.validate_every == 0
        return self.progress.position.epoch > epoch_before

    def _finish(self, reason: str) -> None:
        progress = self.progress
        if reason.startswith("stopped"):
            self._save()
            logger.info("%s at step %d, saved; --resume goes on", reason, progress.step)
            return
        if self.config.average > 1:
            self._average()
        self.run.finish(
            {
                "reason": reason,
                "steps": progress.step,
                "epochs": progress.position.epoch,
                "seconds": round(progress.seconds, 1),
                "target_tokens": progress.tokens,
                "best": self.run.checkpoint("best").folder.resolve().name,
                **progress.best_metrics,
                "tokenize": progress.best_tokenize,
            }
        )
        logger.info(
            "finished (%s) after %d steps, %.1f min; best: %s",
            reason,
            progress.step,
            progress.seconds / 60,
            _shown(progress.best_metrics),
        )

    def _average(self) -> None:
        """Average the last checkpoints' weights, and let them be the best if they are."""
        steps = self.progress.kept[-self.config.average :]
        checkpoint = self.run.save_average([self.run.checkpoint(str(step)) for step in steps])
        checkpoint.load_into(self.model)
        found = self.validate(self.model)
        better = self._is_best(found)
        if better:
            self.run.point("best", checkpoint.folder.name)
            self._note_best(found)
        logger.info(
            "average of the last %d checkpoints: validation %s%s",
            len(steps),
            _shown(found.metrics),
            " (best)" if better else "",
        )

    # --- time ------------------------------------------------------------------------------------

    def _timed(self, work: Callable[[], None]) -> None:
        start = time.perf_counter()
        work()
        self.progress.seconds += time.perf_counter() - start
        if work == self._step:
            self.progress.window.seconds += time.perf_counter() - start

    def _done(self) -> Done | None:
        """How near the run is to its nearest limit, for the bar."""
        return share_done(
            self.config,
            step=self.progress.step,
            position=self.progress.position,
            seconds=self.progress.seconds,
            batches=self._batches_an_epoch,
        )


def _shown(metrics: Mapping[str, float]) -> str:
    """`loss 0.345, BLEU 76.54, chrF 83.21`, of what is there."""
    digits = {"loss": 3}
    return ", ".join(
        f"{shown} {metrics[name]:.{digits.get(name, 2)}f}"
        for name, shown in METRICS.items()
        if name in metrics
    )
