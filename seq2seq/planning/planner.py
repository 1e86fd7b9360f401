"""The plan: what the corpus decides, what this machine decides, and what the time allows."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from seq2seq import pipeline
from seq2seq.config import Config, load_config
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.errors import UserError
from seq2seq.planning.pace import MachineSettings, batches_an_epoch, measure_pace
from seq2seq.planning.recipe import Corpus, Plan
from seq2seq.planning.request import Request
from seq2seq.planning.schedule import Pace, Schedule, fit_schedule
from seq2seq.planning.sizes import (
    Row,
    hurried,
    is_hurried,
    is_too_short,
    row_for,
    smaller_model,
    vocabulary_for,
)
from seq2seq.planning.survey import Side, Survey
from seq2seq.runs.run import Run

_TUNING_RATE, _TUNING_EPOCHS = 0.3, 0.5  # of the row's, for a model that knows a lot already


def draft_plan(request: Request, corpus: Corpus, verb: str, file: Path) -> Plan:
    """The part of the plan that depends on the corpus alone."""
    row = row_for(corpus.survey.target.words)
    init = None
    if request.init is not None:
        start = Run.open(request.init).folder  # runs/demo where it is called demo
        init = Path(os.path.relpath(start, file.parent)).as_posix()
        row = row._replace(rate=row.rate * _TUNING_RATE, epochs=row.epochs * _TUNING_EPOCHS)
    return Plan(
        command=request.command(verb),
        settings=request.settings,
        corpus=corpus,
        row=row,
        vocabulary=vocabulary_for(row, corpus.survey),
        machine=MachineSettings(None, "fp32", Pace(0, 0), {}),
        schedule=Schedule(1, 1, 0, 0),
        epochs=0,
        budget=request.minutes,
        minutes=None,
        init=init,
    )


def check_settings(request: Request) -> None:
    """Refuse settings that can't be, before a large corpus is read.

    They are laid over the plan of a made-up corpus of one pair, as some are right only beside a
    plan: a schedule that ends at max_steps, say.
    """
    word = Side(words=1, distinct_words=1, alphabet=1, unseen=0.0)
    pairs = dict.fromkeys(("train", "valid", "test"), 1)
    corpus = Corpus("corpus", request.languages, pairs, Survey(1, word, word))
    with TemporaryDirectory(prefix="seq2seq_plan_") as folder:
        file = Path(folder) / "recipe.yaml"
        draft_plan(request, corpus, "train", file).write(file)
        try:
            pipeline.describe_model(load_config(file, request.settings))
        except UserError as error:  # of a line of a file that the user will not find
            raise UserError(re.sub(rf"^{re.escape(str(file))}:\d+", "plan", str(error))) from None


class Planner:
    """Fits a draft to this machine, writing it to a file that the configuration is read from."""

    def __init__(self, request: Request, file: Path, started: float) -> None:
        self._request, self._file, self._started = request, file, started

    def plan(self, draft: Plan) -> Plan:
        """Return the plan with this machine's pace, and a smaller model where time is short."""
        config = self._config(draft)
        prepared = prepare(config)
        wanted = self._wanted(draft, config, prepared)
        best, failure = None, None
        for row in self._rows(draft):
            try:
                plan = self._timed(draft._replace(row=row), prepared)
            except UserError as error:  # too few updates fit; a smaller model may fit
                failure = failure or error
                continue
            if best is None or plan.schedule.steps > best.schedule.steps:
                best = plan
            if not is_too_short(plan.schedule.steps, wanted):
                break
        if best is None:
            assert failure is not None
            raise failure
        if draft.init is None and is_hurried(best.schedule.steps, wanted):
            return best._replace(row=hurried(best.row, best.epochs))
        return best

    def _rows(self, draft: Plan) -> list[Row]:
        """The row for this corpus and, if time is limited, rows with smaller and smaller models."""
        rows = [draft.row]
        if (
            draft.budget is not None
            and draft.init is None
            and not _is_given("model", self._request)
        ):
            while (smaller := smaller_model(rows[-1])) is not None:
                rows.append(smaller)
        return rows

    def _config(self, plan: Plan) -> Config:
        plan.write(self._file)
        return pipeline.with_init(load_config(self._file, self._request.settings))

    def _timed(self, draft: Plan, prepared: Prepared) -> Plan:
        config = self._config(draft)
        given = {key.removeprefix("training.") for key in self._request.given}
        machine = measure_pace(config, prepared, free={"threads", "precision"} - given)
        seconds = minutes = None
        if draft.budget is not None:
            seconds = 60 * draft.budget - (time.perf_counter() - self._started)
            last = machine.pace.validation  # comes after the limit
            minutes = max(0.01, (seconds - last) / 60)
        wanted = self._wanted(draft, config, prepared)
        schedule = fit_schedule(wanted, machine.pace, seconds)
        epochs = schedule.steps / batches_an_epoch(config, prepared)
        return draft._replace(machine=machine, schedule=schedule, epochs=epochs, minutes=minutes)

    def _wanted(self, draft: Plan, config: Config, prepared: Prepared) -> int:
        """The updates of a training that time does not end."""
        if "training.max_steps" in self._request.given and config.training.max_steps:
            return config.training.max_steps
        return max(1, round(draft.row.epochs * batches_an_epoch(config, prepared)))


def _is_given(part: str, request: Request) -> bool:
    return any(key == part or key.startswith(f"{part}.") for key in request.given)
