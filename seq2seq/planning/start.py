"""`seq2seq train corpus.tsv`: from a corpus alone to a recipe, and to a trained run."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from seq2seq import pipeline
from seq2seq.bundled import bundled_recipe
from seq2seq.config import Config, load_config
from seq2seq.data.corpus import ParallelText, find_corpus
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.split import Pairs, split_pairs
from seq2seq.errors import UserError
from seq2seq.planning import report
from seq2seq.planning.languages import UNKNOWN, languages_of, name_of
from seq2seq.planning.pace import Machine, batches_an_epoch, measure_pace
from seq2seq.planning.recipe import Corpus, Plan
from seq2seq.planning.schedule import Pace, Schedule, fit_schedule
from seq2seq.planning.sizes import (
    held_out_for,
    is_too_short,
    row_for,
    smaller_model,
    vocabulary_for,
)
from seq2seq.planning.survey import survey
from seq2seq.training.run import Run

logger = logging.getLogger(__name__)

_SPLITS = "corpus"  # the folder in a run for what its corpus was split into
_ORIGIN = "origin.json"
_RECIPE = "recipe.yaml"
_TUNING_RATE, _TUNING_EPOCHS = 0.3, 0.5  # of the row's, for a model that knows a lot already


@dataclass(frozen=True)
class Request:
    """What a user says of a corpus to train on; None is left to the plan."""

    corpus: tuple[str, ...]
    """One or more paths, as `find_corpus` takes them."""
    source: str | None = None
    target: str | None = None
    minutes: float | None = None
    init: str | None = None
    """Run directory to start from."""
    overrides: tuple[str, ...] = ()
    """KEY=VALUE, laid over the plan."""

    def __post_init__(self) -> None:
        """Refuse what can't be planned."""
        if self.minutes is not None and self.minutes <= 0:
            raise UserError(f"--minutes: expected more than 0, found {self.minutes:g}")
        if self.source is not None and self.source == self.target:
            raise UserError(
                f"--source, --target: expected two languages, found {self.source!r} twice"
            )

    @property
    def languages(self) -> tuple[str, str]:
        """The languages: as said, else as the files' names say, else `source` and `target`."""
        found = languages_of(self.corpus) or UNKNOWN
        return self.source or found[0], self.target or found[1]

    @property
    def name(self) -> str:
        """What the run is called unless it is told."""
        return name_of(self.corpus, self.languages)

    @property
    def spec(self) -> str | list[str]:
        """The corpus, as a configuration would name it."""
        return self.corpus[0] if len(self.corpus) == 1 else list(self.corpus)

    @property
    def given(self) -> set[str]:
        """The settings that are not the plan's to choose."""
        return {override.partition("=")[0] for override in self.overrides}

    def command(self, verb: str) -> str:
        """What the user typed, or as good as."""
        options = {"source": self.source, "target": self.target, "init": self.init}
        said = [f"--{name} {value}" for name, value in options.items() if value is not None]
        said += [] if self.minutes is None else [f"--minutes {self.minutes:g}"]
        return " ".join(["seq2seq", verb, *self.corpus, *said, *self.overrides])


def train_corpus(
    request: Request, folder: Path | None = None, *, resume: bool = False, show_bar: bool = False
) -> Run:
    """Plan a training for a corpus and train in the run directory `folder`; return the run.

    Without one it is runs/NAME. With `resume` a run that is there goes on as it was planned. Raises
    UserError for a corpus that can't be read, a budget too small, and where `pipeline.train` does.
    """
    folder = Path("runs") / request.name if folder is None else folder
    if resume and (folder / "config.yaml").exists():
        _check_origin(folder, request)
        recipe = folder / "config.yaml"
    else:
        Run.check_free(folder)
        recipe = make_recipe(request, folder / _RECIPE, folder / _SPLITS, verb="train")
    config = load_config(recipe, request.overrides)
    return pipeline.train(config, folder, resume=resume, show_bar=show_bar)


def write_recipe(request: Request, file: Path | None = None) -> Path:
    """Write the recipe that `train_corpus` would train, and the split corpus in corpora/ beside it.

    Without a `file` it is NAME.yaml here. Raises UserError if something else is there already.
    """
    file = Path(f"{request.name}.yaml") if file is None else file
    if file.exists():
        raise UserError(f"{file}: is there already; name another file with --output")
    if not file.parent.is_dir():
        raise UserError(f"{file}: no such folder to write to: {file.parent}")
    splits = file.parent / "corpora" / file.stem
    if splits.exists() and not (splits / _ORIGIN).exists():
        raise UserError(
            f"{splits}: holds another corpus already; name another recipe with --output, "
            "after which the folder is called"
        )
    return make_recipe(request, file, splits, verb="init")


def make_recipe(request: Request, file: Path, splits: Path, *, verb: str) -> Path:
    """Split, survey, prepare and time the corpus of `request`; write the recipe `file`."""
    started = time.perf_counter()
    text = _find(request)
    file.parent.mkdir(parents=True, exist_ok=True)
    corpus = _split(request, text, splits, os.path.relpath(splits, file.parent))
    draft = _draft(request, corpus, verb, file)
    draft.write(file)
    prepared = prepare(pipeline.with_init(load_config(file, request.overrides)))
    plan = _fitted(draft, request, file, prepared, started)
    plan.write(file)
    report.tell_plan(plan, file)
    return file


# --- the corpus ----------------------------------------------------------------------------------


def _find(request: Request) -> ParallelText:
    """The corpus's files; what is not one is told with what it may have meant."""
    (first, *others) = request.corpus
    if not others and not Path(first).exists():
        if "." in first and first.split(".")[0] in Config.model_fields:
            raise UserError(f"{first!r}: expected key=value, for example model.dropout=0.3")
        if bundled_recipe(Path(first)):
            raise UserError(f"{first}: no such corpus; a bundled recipe: --config {first}")
    if not others and Path(first).suffix in (".yaml", ".yml"):
        raise UserError(f"{first}: expected a corpus; a configuration goes with --config {first}")
    return find_corpus(request.spec, *request.languages)


def _split(request: Request, text: ParallelText, folder: Path, name: str) -> Corpus:
    """Split the corpus into files in `folder`, which a recipe will call `name`, and survey it."""
    read = [(_one_line(pair.source), _one_line(pair.target)) for pair in text.pairs()]
    pairs = [pair for pair in read if all(pair)]
    if not pairs:
        raise UserError(f"{text.source}: expected sentence pairs, found only empty ones")
    different = len(set(pairs))
    left_out = {
        "with an empty side": len(read) - len(pairs),
        "a second time": len(pairs) - different,
    }
    splits = _held_out(pairs, different, request)
    _write_splits(splits, folder, request, text)
    found = survey(splits)
    counts = {split: len(chosen) for split, chosen in splits.items()}
    corpus = Corpus(Path(name).as_posix(), request.languages, counts, found)
    report.tell_corpus(corpus, text, left_out)
    return corpus


def _one_line(text: str) -> str:
    """`text` without outer white space, and without the line ends that a table's cell may have."""
    return " ".join(text.replace("\r", "\n").split("\n")).strip()


def _held_out(pairs: Pairs, different: int, request: Request) -> dict[str, Pairs]:
    """The splits of `pairs`; what the user has a set of already is trained on."""
    seed = load_config(None, [o for o in request.overrides if o.startswith("seed=")]).seed
    splits = split_pairs(pairs, held_out=held_out_for(different), seed=seed)
    for split in ("valid", "test"):
        if f"data.{split}" in request.given or not splits["train"]:
            splits["train"] += splits[split]
            splits[split] = []
    if not splits["valid"]:  # too few, or one family
        splits["train"] += splits["test"]
        splits["test"] = []
    return splits


def _write_splits(
    splits: dict[str, Pairs], folder: Path, request: Request, text: ParallelText
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ORIGIN).unlink(missing_ok=True)
    for split, pairs in splits.items():
        for side, language in enumerate(request.languages):
            lines = "".join(f"{pair[side]}\n" for pair in pairs)
            (folder / f"{split}.{language}").write_bytes(lines.encode("utf-8"))
    origin = {"languages": request.languages, "files": _hashes(text), "minutes": request.minutes}
    (folder / _ORIGIN).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _hashes(text: ParallelText) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in text.files]


def _check_origin(folder: Path, request: Request) -> None:
    """Refuse to go on with a run of another corpus, or of another plan."""
    path = folder / _SPLITS / _ORIGIN
    if not path.exists():
        raise UserError(
            f"{folder}: was not started from a corpus alone; go on with: seq2seq train --resume "
            f"--run {folder}"
        )
    origin = json.loads(path.read_text("utf-8"))
    if origin["files"] != _hashes(_find(request)):
        raise UserError(
            f"{folder}: began with another corpus than {' '.join(request.corpus)}; restore it, or "
            "start another run with --run DIR"
        )
    languages, minutes = tuple(origin["languages"]), origin["minutes"]
    if languages != request.languages:
        was, now = " to ".join(languages), " to ".join(request.languages)
        raise UserError(f"{folder}: translates {was} and can't go on from {now}; start another run")
    if request.minutes not in (None, minutes):
        raise UserError(
            f"{folder}: was planned "
            + ("without --minutes" if minutes is None else f"for {minutes:g} minutes")
            + f" and can't become a run of {request.minutes:g}; go on without --minutes, or with "
            "training.max_steps=N and training.max_minutes=N"
        )


# --- the plan ------------------------------------------------------------------------------------


def _draft(request: Request, corpus: Corpus, verb: str, file: Path) -> Plan:
    """The plan as far as the corpus decides it."""
    row = row_for(corpus.survey.target.words)
    init = None
    if request.init is not None:
        Run.open(request.init)
        init = Path(os.path.relpath(request.init, file.parent)).as_posix()
        row = row._replace(rate=row.rate * _TUNING_RATE, epochs=row.epochs * _TUNING_EPOCHS)
    return Plan(
        command=request.command(verb),
        corpus=corpus,
        row=row,
        vocabulary=vocabulary_for(row, corpus.survey),
        machine=Machine(None, "fp32", Pace(0, 0), {}),
        schedule=Schedule(1, 1, 0, 0),
        epochs=0,
        budget=request.minutes,
        minutes=None,
        init=init,
    )


def _fitted(draft: Plan, request: Request, file: Path, prepared: Prepared, started: float) -> Plan:
    """The plan with the pace of this machine, and with a smaller model where time is short."""
    plan = _timed(draft, request, file, prepared, started)
    wanted = _wanted(draft, request, file, prepared)
    smaller = smaller_model(draft.row)
    if request.minutes is None or smaller is None or draft.init or _is_given("model", request):
        return plan
    while smaller is not None and is_too_short(plan.schedule.steps, wanted):
        quicker = draft._replace(row=smaller)
        quicker.write(file)
        found = _timed(quicker, request, file, prepared, started)
        if found.schedule.steps <= plan.schedule.steps:
            break
        plan, smaller = found, smaller_model(smaller)
    return plan


def _timed(draft: Plan, request: Request, file: Path, prepared: Prepared, started: float) -> Plan:
    config = pipeline.with_init(load_config(file, request.overrides))
    free = {"threads", "precision"} - {key.removeprefix("training.") for key in request.given}
    machine = measure_pace(config, prepared, free=free)
    seconds = minutes = None
    if request.minutes is not None:
        seconds = 60 * request.minutes - (time.perf_counter() - started)
        minutes = seconds / 60
    schedule = fit_schedule(_wanted(draft, request, file, prepared), machine.pace, seconds)
    epochs = schedule.steps / batches_an_epoch(config, prepared)
    return draft._replace(machine=machine, schedule=schedule, epochs=epochs, minutes=minutes)


def _wanted(draft: Plan, request: Request, file: Path, prepared: Prepared) -> int:
    """The updates of a training that time does not end."""
    config = load_config(file, request.overrides)
    if "training.max_steps" in request.given and config.training.max_steps:
        return config.training.max_steps
    return max(1, round(draft.row.epochs * batches_an_epoch(config, prepared)))


def _is_given(part: str, request: Request) -> bool:
    return any(key == part or key.startswith(f"{part}.") for key in request.given)
