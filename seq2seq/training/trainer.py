"""The training loop: update the weights, and now and then log, validate and save.

A step is one update of the weights. Everything that decides the next step is in the model, the
optimiser, the random generators and `Progress`; a checkpoint holds all four, so that a run which
was stopped goes on exactly as if it had not been.

Several processes run this loop side by side. All of them decide alike: what they decide on is the
same everywhere, since losses are added up over them, and time and signals agreed on.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence

import torch

from seq2seq.config import Config
from seq2seq.data.batching import Batches
from seq2seq.errors import DamagedError, UserError
from seq2seq.kernels import products
from seq2seq.machine.allocator import keep_freed_memory
from seq2seq.machine.device import find_device
from seq2seq.machine.resources import peak_memory
from seq2seq.machine.waiting import sleep_when_busy
from seq2seq.model.model import Seq2Seq
from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.run import Run
from seq2seq.training.averaging import rank_checkpoints
from seq2seq.training.distributed import ALONE, World
from seq2seq.training.judgement import render
from seq2seq.training.limits import Bar, Done, limits_reached, share_done
from seq2seq.training.meter import Meter
from seq2seq.training.metrics import Callback, Metrics
from seq2seq.training.moving_average import MovingAverage
from seq2seq.training.objective import build_objective
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.progress import Progress, Scored, timed
from seq2seq.training.saver import Saver, read_progress
from seq2seq.training.schedules import learning_rate_factor, plateau_factor
from seq2seq.training.signals import StopRequest, stop_on_signals
from seq2seq.training.skipping import Attempt, Skips, gave_up
from seq2seq.training.update import Update
from seq2seq.training.validator import Validate, Validation, Validator, note_best

logger = logging.getLogger(__name__)

_CALLBACK = -1
"""Beside the numbers of signals: what stops the run is an error of a callback."""


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
        world: World = ALONE,
    ) -> None:
        keep_freed_memory()
        sleep_when_busy()
        products.use(config.training.products)
        self.config = config.training
        self.device = find_device(self.config.device)
        self.model = model.to(self.device)
        self.batches = batches
        self.run = run
        self.world = world
        optimizer = build_optimizer(self.config.optimizer, self.model)
        objective = build_objective(self.config, self.model)
        self.progress = Progress(sources=[*objective.sources])
        self._update = Update(
            objective,
            optimizer,
            clip=self.config.optimizer.clip,
            world=world,
            max_skipped=self.config.max_skipped,
        )
        self._skips = Skips(self.config.max_skipped)
        vocabulary = self.model.output.out_features
        self._meter = Meter(vocabulary, log_every=self.config.log_every, world=world)
        self._metrics = Metrics(
            run, callbacks, tensorboard=self.config.tensorboard, writes=world.leads
        )
        self._validator = Validator(self.config, validate, vocabulary)
        ema = self.config.ema
        self._moving_average = None if ema is None else MovingAverage(self.model, ema)
        self._saver = Saver(
            run,
            self.model,
            optimizer,
            seed=config.seed,
            world=world,
            saved=None if self._moving_average is None else self._moving_average.model,
        )
        self._stopped_by = 0  # a signal's number, or _CALLBACK; the same on all ranks
        self._epoch_ended = False  # by the last update
        self._batches_an_epoch = len(batches.plan(batches.position.epoch))

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint` as if nothing had happened, but with today's configuration.

        Raises UserError if the run is finished and today's limits leave nothing to train.
        """
        self.progress = read_progress(checkpoint)
        reached = limits_reached(self.config, self.progress)
        if reached and self.run.result is not None:
            limits = ", ".join(f"training.{name} {value:g}" for name, value in reached.items())
            raise UserError(
                f"{self.run.folder}: nothing to train: at step {self.progress.step}, {limits} is "
                f"reached; raise it to go on: training.{next(iter(reached))}=NUMBER"
            )
        self.progress = self._saver.load(checkpoint)
        self._note_sources()
        if not self.progress.ranking and self.config.average_of == "best":
            self.progress.ranking = self._known_ranking()
        self._update.latch.start(self.progress.skipped_in_row)
        before, now = self.progress.processes, self.world.size
        if before == now and self.config.threads is None and self.progress.threads is not None:
            torch.set_num_threads(self.progress.threads)  # as before, however busy it is today
        self.batches.position = self.progress.position
        logger.info("resumed at step %d", self.progress.step)
        if before != now:
            logger.info(
                "processes: %d -> %d: the same batches in the same order; sums, and so the last "
                "digits of the weights, and what dropout draws differ",
                before,
                now,
            )

    def _note_sources(self) -> None:
        """Warn if the objective learns from others than when the checkpoint was saved."""
        before, now = self.progress.sources, [*self._update.objective.sources]
        self.progress.sources = now
        if before and now and before != now:
            logger.warning(
                "training.objective.teachers: not the weights that taught before step %d: the run "
                "is not the one that it would have been",
                self.progress.step,
            )

    def _known_ranking(self) -> list[Scored]:
        """Those checkpoints that are there still, of a run that averaged none or the newest."""
        try:
            return rank_checkpoints(self.run)[: self.config.average]
        except DamagedError as error:
            logger.warning("%s; only checkpoints from now on are averaged", error)
            return []

    def fit(self, *, show_bar: bool = False) -> str:
        """Train until a limit, early stopping or a signal; return which of them it was."""
        if self.device.type == "cuda":
            self.try_largest_batch()
        reason = None if self.progress.due else self._limit_reached()
        bar = Bar(self._done(), show=show_bar and self.world.leads)
        with bar, self._metrics.opened(self.progress.step + 1), stop_on_signals() as stop:
            while reason is None:
                if not self.progress.due:
                    self.update()
                    self.log(bar)
                    self._agree(stop)
                    self.progress.due = self._is_due()
                if self.progress.due and not self._stopped_by:
                    self.validate()
                    self._agree(stop)
                reason = self._why_stopped() or self._limit_reached()
        self._finish(reason)
        return reason

    def try_largest_batch(self) -> None:
        """Run the largest batch forward and backward, and learn nothing from it."""
        self._update.rehearse(self.batches.largest())

    # --- the four things it does ------------------------------------------------------------------

    def update(self) -> None:
        """Change the weights once, by the mean loss over the tokens of `accumulate` batches."""
        progress = self.progress
        with timed(progress, progress.window):
            share = next(self.batches)
            self._set_learning_rate()
            generators = self._saver.generators()
            self._meter.add(self._update(share.batches, share.size, step=progress.step))
            if self._moving_average is not None:
                self._moving_average.update()
            self._skips.add(
                Attempt(
                    progress.step,
                    progress.position,
                    share.size.target_tokens,
                    generators,
                    self._update.skipped,
                )
            )
            self._epoch_ended = share.position.epoch > progress.position.epoch
            progress.step += 1
            progress.position = share.position
            progress.tokens += share.size.target_tokens
            progress.window.tokens += share.size.target_tokens

    def log(self, bar: Bar) -> None:
        """Move the bar, and every `log_every` steps write a record of the losses."""
        bar.move(self._done(), self.progress.step)
        is_due = self.progress.step % self.config.log_every == 0
        if is_due or self.device.type == "cpu":  # which is not waited for
            self._read_skips()
        if is_due:
            record = self._meter.record(self.progress, self._learning_rate())
            self._metrics.write(record)
            loss = f"loss {record['loss']:.3f}" if "loss" in record else "every update skipped"
            bar.say(f"{loss}, {record['target_tokens_per_second']:.0f} target tok/s")

    def validate(self) -> None:
        """Decode and score the validation set, note whether it is the best yet, and save."""
        progress, config = self.progress, self.config
        with timed(progress):
            self._read_skips()
            self._meter.read(progress)  # before a model that is lost is decoded with
            average = self._moving_average
            model = self.model if average is None else average.model
            validation = self._validator.validate(model, progress.step)
            better = self._validator.judge(validation, progress)
            figures = {**validation.metrics, "seconds": progress.seconds}
            self._metrics.write({"kind": "valid", "step": progress.step, **figures})
            progress.due = False
            newest = 1 if config.average_of == "best" else config.average
            progress.kept = [*progress.kept, progress.step][-max(config.keep, newest) :]
            self.save()
            self._saver.keep(progress, best=better)
            self._tell(validation, better=better)

    def save(self) -> None:
        """Write a checkpoint of now."""
        self._read_skips()
        self._meter.read(self.progress)
        self._saver.save(self.progress)

    def _read_skips(self) -> None:
        """Count the updates that were skipped; UserError after `max_skipped` in a row."""
        attempt = self._skips.read(self.progress)
        if attempt is not None:
            self.batches.position = attempt.position
            file = self._saver.save_replay(attempt, next(self.batches))
            self.world.wait()  # until each process has written its own
            raise UserError(gave_up(attempt, file, self.config.max_skipped))

    # --- when it stops ----------------------------------------------------------------------------

    def _agree(self, stop: StopRequest) -> None:
        """Have all ranks take rank 0's time, and know of a stop that any of them was asked for."""
        failed = self._metrics.error is not None
        seconds = self.progress.seconds if self.world.leads else 0.0
        seconds, number, failed_somewhere = self.world.greatest([seconds, stop.number, failed])
        self.progress.seconds = seconds
        self._stopped_by = _CALLBACK if failed_somewhere else int(number)

    def _why_stopped(self) -> str | None:
        if self._stopped_by == _CALLBACK:
            return "stopped by a callback"
        return f"stopped by {signal.Signals(self._stopped_by).name}" if self._stopped_by else None

    def _limit_reached(self) -> str | None:
        """The setting that ends the run now, if any."""
        return next(iter(limits_reached(self.config, self.progress)), None)

    def _is_due(self) -> bool:
        """Whether to validate after this update."""
        if self._limit_reached() is not None:
            return True
        if self.config.validate_every is not None:
            return self.progress.step % self.config.validate_every == 0
        return self._epoch_ended

    def _finish(self, reason: str) -> None:
        progress = self.progress
        if reason.startswith("stopped"):
            self.save()
            if self._metrics.error is not None:
                name = type(self._metrics.error).__name__
                logger.warning(
                    "a callback raised %s at step %d, saved; --resume goes on", name, progress.step
                )
                raise self._metrics.error
            logger.info("%s at step %d, saved; --resume goes on", reason, progress.step)
            return
        if self.config.average > 1:
            self._average()
        if self.world.leads:
            self.run.finish(self._result(reason))
        logger.info(
            "finished (%s) after %d steps, %.1f min; best: %s",
            reason,
            progress.step,
            progress.seconds / 60,
            render(progress.best_metrics),
        )
        if progress.skipped:
            logger.warning(
                "%d of %d updates were skipped, as their loss or gradient was not finite",
                progress.skipped,
                progress.step,
            )

    def _result(self, reason: str) -> dict[str, object]:
        progress = self.progress
        return {
            "reason": reason,
            "steps": progress.step,
            "epochs": progress.position.epoch,
            "seconds": round(progress.seconds, 1),
            "target_tokens": progress.tokens,
            "peak_memory": peak_memory(),  # bytes; of the process that finished
            "best": self.run.checkpoint("best").folder.resolve().name,
            **progress.best_metrics,
            "tokenize": progress.best_tokenize,
        }

    def _average(self) -> None:
        """Average the weights of some checkpoints, and let them be the best if they are."""
        ranked = sorted(scored.step for scored in self.progress.ranking)
        best = ranked if self.config.average_of == "best" else []
        steps = best or self.progress.kept[-self.config.average :]
        checkpoint = self._saver.load_average(steps)
        validation = self._validator.validate(self.model, self.progress.step)
        better = self._validator.is_best(validation, self.progress)
        if better:
            note_best(validation, self.progress)
            if self.world.leads:
                self.run.point("best", checkpoint.folder.name)
        logger.info(
            "average of the %s %d checkpoints: validation %s%s",
            *("best" if best else "last", len(steps)),
            render(validation.metrics),
            " (best)" if better else "",
        )

    # --- the learning rate, and what is shown -----------------------------------------------------

    def _learning_rate(self) -> float:
        return float(self._update.optimizer.param_groups[0]["lr"])

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
        for group in self._update.optimizer.param_groups:
            group["lr"] = self.config.optimizer.lr * factor

    def _tell(self, validation: Validation, *, better: bool) -> None:
        logger.info(
            "step %d, epoch %d, %.1f min: validation %s%s",
            self.progress.step,
            self.progress.position.epoch,
            self.progress.seconds / 60,
            render(validation.metrics),
            " (best)" if better else "",
        )
        for source, reference, hypothesis in validation.samples:
            logger.info("  source      %s", source)
            logger.info("  reference   %s", reference)
            logger.info("  hypothesis  %s", hypothesis)

    def _done(self) -> Done | None:
        """How near the run is to its nearest limit, for the bar."""
        return share_done(self.config, self.progress, self._batches_an_epoch)
