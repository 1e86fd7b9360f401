"""`seq2seq train corpus.tsv`: from a corpus alone to a recipe, and to a trained run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from seq2seq import pipeline
from seq2seq.config import load_config, load_dump
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.machine.input import check_target
from seq2seq.planning import report
from seq2seq.planning.held_out import check_splits, split_corpus
from seq2seq.planning.origin import check_origin, is_of, is_ours
from seq2seq.planning.planner import Planner, check_settings, draft_plan
from seq2seq.planning.request import Request, open_corpus
from seq2seq.runs.finding import RECIPE, SPLITS, is_run, run_folder
from seq2seq.runs.run import Run


def train_corpus(
    request: Request,
    folder: Path | None = None,
    *,
    resume: bool = False,
    from_step: int | None = None,
    show_bar: bool = False,
    trust_code: bool = False,
) -> Run:
    """Plan a training for a corpus and train in the run directory `folder`; return the run.

    The default folder is runs/NAME. With `resume`, an existing run continues as it was planned.
    Raises UserError for a corpus that can't be read, for too little time, and where
    `pipeline.train` does.
    """
    folder = Path("runs") / request.name if folder is None else folder
    if resume:
        folder = run_folder(folder)
    if resume and is_run(folder):
        config = load_dump(folder / "config.yaml", [*_origin(request), *request.settings])
        check_origin(folder / SPLITS, request)
    else:
        Run.check_free(folder)
        recipe, splits = folder / RECIPE, folder / SPLITS
        if os.path.lexists(recipe) and not is_ours(splits):
            raise UserError(
                f"{folder}: cannot hold the run, which would write over {recipe}; give another "
                "folder with --run DIR"
            )
        _trust(request, trust_code)
        make_recipe(request, recipe, splits, verb="train")
        config = load_config(recipe, request.settings)
    return pipeline.train(
        config,
        folder,
        resume=resume,
        from_step=from_step,
        show_bar=show_bar,
        trust_code=trust_code,
    )


def _origin(request: Request) -> list[str]:
    """The override that names the run to start from, to be compared with the resumed run's."""
    if request.init is None:
        return []
    return [f"init={json.dumps(str(run_folder(request.init)))}"]


def _trust(request: Request, trust_code: bool) -> None:
    if request.init is not None:
        Run.open(request.init, trust_code=trust_code)


def write_recipe(request: Request, file: Path | None = None, *, trust_code: bool = False) -> Path:
    """Write the recipe that `train_corpus` would train, and the split corpus in corpora/ beside it.

    The default file is NAME.yaml in this folder. Raises UserError if it exists already.
    """
    file = Path(f"{request.name}.yaml") if file is None else file
    check_target(file)
    if file.exists():
        raise UserError(f"{file}: exists already; give another file with --output")
    if not file.parent.is_dir():
        raise UserError(f"{file}: cannot be written: there is no folder {file.parent}")
    splits = file.parent / "corpora" / file.stem
    if splits.exists() and not (is_ours(splits) and is_of(splits, request)):
        raise UserError(
            f"{splits}: cannot write the split corpus to this folder, which exists already; give "
            "the recipe another name with --output: the folder is called after it"
        )
    _trust(request, trust_code)
    return make_recipe(request, file, splits, verb="init")


def make_recipe(request: Request, file: Path, splits: Path, *, verb: str) -> Path:
    """Split, survey, prepare and time the corpus of `request`; write the recipe `file`."""
    started = time.perf_counter()
    if request.init is not None:  # before a large corpus is split
        Run.open(request.init).checkpoint("best")
    check_settings(request)
    text = open_corpus(request)
    check_splits(splits, text)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    corpus = split_corpus(request, text, splits, os.path.relpath(splits, file.parent))
    draft = file.with_name(f".{file.name}.draft")
    planner = Planner(request, draft, started)
    try:
        plan = planner.plan(draft_plan(request, corpus, verb, file))
    finally:
        draft.unlink(missing_ok=True)
    plan.write(file)
    report.tell_plan(plan, file)
    return file
