"""The training loop: batches -> loss -> update -> now and then log, validate, save.

A step is one update of the weights. Everything that decides the next step is in the model, the
optimiser, the random generators and `Progress`; a checkpoint holds all four, so that a run which
was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from seq2seq.config import Config
from seq2seq.data.batching import START, Batch, Batches, Position
from seq2seq.device import find_device
from seq2seq.errors import UserError
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import Loss, cross_entropy
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.run import Checkpoint, Run
from seq2seq.training.schedules import (
    learning_rate_factor,
    plateau_factor,
    teacher_forcing_ratio,
)
from seq2seq.training.signals import stop_on_signals
from seq2seq.training.teacher_forcing import draw_forcing, realised_ratio

logger = logging.getLogger(__name__)


class Sample(NamedTuple):
    """One validation sentence as the model translates it now."""

    source: str
    reference: str
    hypothesis: str


class Validation(NamedTuple):
    """How good the model is now: nats a target token (EOS counted), and BLEU of real decoding."""

    loss: float
    bleu: float
    samples: list[Sample]


Validate = Callable[[Seq2Seq], Validation]


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
    best: float | None = None
    best_step: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    misses: int = 0
    reductions: int = 0
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
        self, config: Config, model: Seq2Seq, batches: Batches, run: Run, validate: Validate
    ) -> None:
        self.config = config.training
        self.device = find_device(self.config.device)
        self.model = model.to(self.device)
        self.batches = batches
        self.run = run
        self.validate = validate
        self.optimizer = build_optimizer(self.config.optimizer, self.model)
        self.progress = Progress()
        self._unread: list[Tensor] = []  # losses not yet fetched from the device

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint` as if nothing had happened."""
        checkpoint.load_into(self.model)
        tensors = checkpoint.trainer_tensors()
        self.optimizer.load_state_dict(tensors["optimizer"])
        torch.set_rng_state(tensors["cpu_rng"])
        if self.device.type == "cuda" and tensors["cuda_rng"] is not None:
            torch.cuda.set_rng_state(tensors["cuda_rng"], self.device)
        self.progress = Progress.of(checkpoint.state)
        self.batches.position = self.progress.position
        self.run.rewind_metrics(self.progress.step)
        logger.info("resumed at step %d", self.progress.step)

    def fit(self, *, show_bar: bool = False) -> str:
        """Train until a limit, early stopping or a signal; return which of them it was."""
        bar = tqdm(
            total=self._total_steps(),
            initial=self.progress.step,
            unit="step",
            disable=not show_bar,
            dynamic_ncols=True,
        )
        reason = self._limit_reached()
        if reason is not None:
            raise UserError(f"{self.run.folder}: nothing to train: training.{reason} is reached")
        with bar, stop_on_signals() as stop:
            while reason is None:
                epoch = self.progress.position.epoch
                self._timed(self._step)
                bar.update()
                if self.progress.step % self.config.log_every == 0:
                    bar.set_postfix_str(self._log())
                reason = self._limit_reached()
                if not stop and (reason or self._is_due(epoch)):
                    self._timed(self._validate)
                    reason = reason or self._limit_reached()
                reason = f"stopped by {stop}" if stop else reason
        self._finish(reason)
        return reason

    # --- one step --------------------------------------------------------------------------------

    def _step(self) -> None:
        """One update: the mean loss over the tokens of `accumulate` batches, clipped."""
        progress = self.progress
        group = list(islice(self.batches, self.config.accumulate))
        tokens = sum(batch.target_tokens for batch, _ in group)
        self._set_learning_rate()
        self.optimizer.zero_grad()
        self.model.train()
        for batch, _ in group:
            loss = self._loss(batch)
            (loss.smoothed / tokens).backward()
            self._unread.append(loss.plain)
        if self.config.optimizer.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimizer.clip)
        self.optimizer.step()
        progress.step += 1
        progress.position = group[-1][1]
        progress.tokens += tokens
        progress.window.tokens += tokens

    def _loss(self, batch: Batch) -> Loss:
        ids = batch.to(self.device, non_blocking=True)
        forcing = self._forcing(batch)
        bf16 = self.config.precision == "bf16"
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                decoded = self.model(ids.source_BS, ids.source_lengths_B, ids.inputs_BT, forcing)
                real_BT = target_mask(batch).to(self.device, non_blocking=True)
                logits_NW = self.model.output(decoded.features_BTF[real_BT])
                return cross_entropy(
                    logits_NW, ids.targets_BT[real_BT], self.config.label_smoothing
                )
        except torch.OutOfMemoryError:
            raise UserError(
                f"out of memory at step {self.progress.step + 1} on a batch of {len(batch)} "
                f"sentences, {batch.source_BS.size(1)} source and {batch.targets_BT.size(1)} "
                "target pieces long: lower batching.tokens or data.max_length"
            ) from None

    def _forcing(self, batch: Batch) -> Any:
        config = self.config.teacher_forcing
        ratio = teacher_forcing_ratio(config, self.progress.step)
        if ratio >= 1:
            return None
        forcing = draw_forcing(config, ratio, batch.inputs_BT)
        forced, forcible = realised_ratio(forcing.forced_BT, batch.target_lengths_B)
        self.progress.window.forced += forced
        self.progress.window.forcible += forcible
        return forcing._replace(forced_BT=forcing.forced_BT.to(self.device))

    def _set_learning_rate(self) -> None:
        schedule = self.config.schedule
        factor = learning_rate_factor(schedule, self.progress.step + 1, self.config.max_steps)
        factor *= plateau_factor(schedule, self.progress.reductions)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.optimizer.lr * factor

    # --- what is said of it ----------------------------------------------------------------------

    def _log(self) -> str:
        """Write the window's line of metrics and start a new window; what the bar shows."""
        progress, window = self.progress, self._read_window()
        loss = window.loss / window.tokens
        if not math.isfinite(loss):
            raise UserError(
                f"the loss became {loss} before step {progress.step}: lower "
                "training.optimizer.lr, or set training.optimizer.clip"
            )
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
        self.run.log_metrics(record)
        progress.window = Window()
        return f"loss {loss:.3f}, {record['target_tokens_per_second']:.0f} target tok/s"

    def _read_window(self) -> Window:
        """The window with the losses that were still on the device."""
        if self._unread:
            self.progress.window.loss += float(torch.stack(self._unread).double().sum())
            self._unread.clear()
        return self.progress.window

    def _validate(self) -> None:
        """Decode and score the validation set, note whether it is the best yet, and save."""
        progress, config = self.progress, self.config
        found = self.validate(self.model)
        metrics = {"loss": found.loss, "bleu": found.bleu}
        better = self._compare(found)
        progress.misses = 0 if better else progress.misses + 1
        if better:
            progress.best_step, progress.best_metrics = progress.step, metrics
        elif progress.misses % (config.schedule.patience + 1) == 0:
            progress.reductions += 1
        self.run.log_metrics(
            {"kind": "valid", "step": progress.step, **metrics, "seconds": progress.seconds}
        )
        self._save()
        if better:
            self.run.point("best", f"{progress.step:08d}")
        self.run.prune(max(config.keep, config.average))
        logger.info(
            "step %d, epoch %d, %.1f min: validation loss %.3f, BLEU %.2f%s",
            progress.step,
            progress.position.epoch,
            progress.seconds / 60,
            found.loss,
            found.bleu,
            " (best)" if better else "",
        )
        for source, reference, hypothesis in found.samples:
            logger.info("  source      %s", source)
            logger.info("  reference   %s", reference)
            logger.info("  hypothesis  %s", hypothesis)

    def _compare(self, found: Validation) -> bool:
        """Whether `found` is the best so far, which it then becomes."""
        score = found.bleu if self.config.metric == "bleu" else -found.loss
        if self.progress.best is not None and score <= self.progress.best:
            return False
        self.progress.best = score
        return True

    def _save(self) -> None:
        self._read_window()
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
        config, progress = self.config, self.progress
        reached = {
            "max_steps": config.max_steps is not None and progress.step >= config.max_steps,
            "max_epochs": config.max_epochs is not None
            and progress.position.epoch >= config.max_epochs,
            "max_minutes": config.max_minutes is not None
            and progress.seconds >= 60 * config.max_minutes,
            "patience": config.patience is not None and progress.misses >= config.patience,
        }
        return next((name for name, holds in reached.items() if holds), None)

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
                "best_step": progress.best_step,
                **progress.best_metrics,
            }
        )
        logger.info(
            "finished (%s) after %d steps, %.1f min; best: BLEU %.2f, loss %.3f",
            reason,
            progress.step,
            progress.seconds / 60,
            progress.best_metrics["bleu"],
            progress.best_metrics["loss"],
        )

    def _average(self) -> None:
        """Average the last checkpoints' weights, and let them be the best if they are."""
        checkpoint = self.run.save_average(self.run.checkpoints()[-self.config.average :])
        checkpoint.load_into(self.model)
        found = self.validate(self.model)
        better = self._compare(found)
        if better:
            self.run.point("best", checkpoint.folder.name)
            self.progress.best_metrics = {"loss": found.loss, "bleu": found.bleu}
        logger.info(
            "average of the last %d checkpoints: validation loss %.3f, BLEU %.2f%s",
            self.config.average,
            found.loss,
            found.bleu,
            " (best)" if better else "",
        )

    # --- time ------------------------------------------------------------------------------------

    def _timed(self, work: Callable[[], None]) -> None:
        start = time.perf_counter()
        work()
        self.progress.seconds += time.perf_counter() - start
        if work == self._step:
            self.progress.window.seconds += time.perf_counter() - start

    def _total_steps(self) -> int | None:
        """How many steps a limit on steps or epochs allows, for the bar."""
        totals = [self.config.max_steps] if self.config.max_steps else []
        if self.config.max_epochs:
            batches = self.config.max_epochs * len(self.batches.plan(0))
            totals.append(math.ceil(batches / self.config.accumulate))
        return min(totals, default=None)


def target_mask(batch: Batch) -> Tensor:
    """Return the mask_BT of real target tokens, EOS included, on the CPU."""
    places_T = torch.arange(batch.targets_BT.size(1))
    return places_T < batch.target_lengths_B.unsqueeze(1)
