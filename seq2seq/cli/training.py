"""Commands that make a model: train, prepare, average."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.bounds import MOST, MOST_THREADS, MOST_TIMES
from seq2seq.bundled import find_recipe
from seq2seq.cli.options import (
    ConfigFile,
    OneRun,
    Overrides,
    TrustCode,
    open_config,
    open_run,
    open_runnable_config,
    shows_progress,
    told_apart,
)
from seq2seq.cli.output import tell
from seq2seq.errors import UserError
from seq2seq.machine.launch import launch
from seq2seq.machine.launched import is_first, is_launched, world_size

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.planning.request import Request

_AVERAGED = 5  # checkpoints at most, unless said

app = typer.Typer()


CorpusOrSettings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CORPUS]... [KEY=VALUE]...",
        help="Corpus to plan a training for (corpus.tsv, or two files a.en a.fr), and settings "
        "to change, for example model.dropout=0.3.",
    ),
]
SourceLanguage = Annotated[
    str | None,
    typer.Option(
        "--source", help="Code of the source language of CORPUS. [default: found in CORPUS]"
    ),
]
TargetLanguage = Annotated[
    str | None,
    typer.Option(
        "--target", help="Code of the target language of CORPUS. [default: found in CORPUS]"
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", help="Plan a training of CORPUS that ends within this many minutes."),
]
Init = Annotated[
    Path | None,
    typer.Option("--init", help="Run to start from: its weights and tokenizer (fine-tuning)."),
]


@app.command(
    short_help="Train a model on your corpus, or resume a run.",
    epilog="Example: seq2seq train corpus.tsv --minutes 20",
)
def train(
    arguments: CorpusOrSettings = None,
    config: ConfigFile = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            "--run-dir",  # torchrun would take --run for its own --run-path
            help="Run directory to write. [default: runs/CONFIG or runs/CORPUS]",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the last checkpoint of the run, if any.")
    ] = False,
    from_step: Annotated[
        int | None,
        typer.Option(
            "--from",
            min=1,
            max=MOST,
            metavar="STEP",
            help="With --resume: continue from this step's checkpoint; later ones are renamed.",
        ),
    ] = None,
    source: SourceLanguage = None,
    target: TargetLanguage = None,
    minutes: Minutes = None,
    init: Init = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_THREADS,
            help="Processes on this machine that train together, each on a GPU of its own or on "
            "its share of the cores. [default: 1]",
        ),
    ] = None,
    max_restarts: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_TIMES,
            help="How often the processes are started again if one dies. [default: 0]",
        ),
    ] = None,
    trust_code: TrustCode = False,
) -> None:
    """Train a model: prepare the data (once), then train, validate and save until a limit.

    Give a configuration (--config demo), or only a corpus (corpus.tsv): then the corpus is split,
    the sizes of the model are chosen for it, and the recipe is written into the run directory.
    Prints the run directory. Ctrl-C finishes the current step, saves and stops; --resume continues
    from there.
    """
    from seq2seq import pipeline

    corpus, overrides = told_apart(arguments or [])
    _check_processes(processes, max_restarts)
    if from_step is not None and not resume:
        raise UserError(f"--from {from_step}: it belongs to --resume; give both")
    if corpus and config is None:
        from seq2seq.planning.start import train_corpus

        _refuse_processes(corpus, processes)

        request = _request(corpus, overrides, source, target, minutes, init)
        done = train_corpus(
            request,
            run,
            resume=resume,
            from_step=from_step,
            show_bar=shows_progress(),
            trust_code=trust_code,
        )
    else:
        _refuse_plan(corpus, source, target, minutes)
        settings, folder = _settings_of_run(config, _starting(init, overrides), run, resume)
        if processes is not None and not is_launched():
            pipeline.check(
                settings, folder, resume=resume, processes=processes, trust_code=trust_code
            )
            launch(sys.argv[1:], processes, restarts=max_restarts or 0)
            return
        done = pipeline.train(
            settings,
            folder,
            resume=resume,
            from_step=from_step,
            show_bar=shows_progress(),
            trust_code=trust_code,
        )
    if is_first():
        tell(done.folder)


@app.command(
    "init",
    short_help="Write the recipe that `train CORPUS` would use.",
    epilog="Example: seq2seq init corpus.tsv -o mine.yaml",
)
def write(
    arguments: CorpusOrSettings = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. [default: CORPUS.yaml]")
    ] = None,
    source: SourceLanguage = None,
    target: TargetLanguage = None,
    minutes: Minutes = None,
    init: Init = None,
    trust_code: TrustCode = False,
) -> None:
    """Write the recipe (a YAML file) that `train CORPUS` would use, without training.

    Edit it, and train with --config FILE. The corpus is split into files in corpora/ beside the
    recipe. Prints the name of the recipe.
    """
    from seq2seq.planning.start import write_recipe

    corpus, overrides = told_apart(arguments or [])
    if not corpus:
        raise UserError("init: expected a corpus, for example: seq2seq init corpus.tsv")
    for override in overrides:
        if not override.startswith("data.columns="):  # some tables can't be read without it
            raise UserError(
                f"init: {override}: cannot be set here; edit the recipe that init writes"
            )
    request = _request(corpus, overrides, source, target, minutes, init)
    tell(write_recipe(request, output, trust_code=trust_code))


def _check_processes(processes: int | None, max_restarts: int | None) -> None:
    """Refuse options about processes that contradict each other, or torchrun."""
    if max_restarts is not None and processes is None:
        raise UserError("--max-restarts: goes with --processes; torchrun has an option of its own")
    if processes is not None and is_launched() and processes != world_size():
        raise UserError(
            f"--processes {processes}: torchrun has started {world_size()} processes; leave it out"
        )


def _refuse_processes(corpus: list[str], processes: int | None) -> None:
    """Refuse several processes where the training has yet to be planned: that takes only one."""
    if processes is not None or world_size() > 1:
        raise UserError(
            f"{corpus[0]}: expected a configuration for several processes, found a corpus; plan "
            f"the training with `seq2seq init {' '.join(corpus)}`, then train with --config"
        )


def _request(
    corpus: list[str],
    overrides: list[str],
    source: str | None,
    target: str | None,
    minutes: float | None,
    init: Path | None,
) -> Request:
    from seq2seq.planning.request import Request

    return Request(
        tuple(corpus),
        source,
        target,
        minutes,
        None if init is None else str(init),
        tuple(overrides),
    )


def _refuse_plan(
    corpus: list[str], source: str | None, target: str | None, minutes: float | None
) -> None:
    """Refuse a CORPUS, and the options that need one, beside a configuration."""
    if corpus:
        raise UserError(
            f"{corpus[0]!r}: expected key=value beside --config, for example model.dropout=0.3; to "
            f"train on a corpus, leave out --config, or set data.train={corpus[0]}"
        )
    settings = {
        "--source": (source, "data.source"),
        "--target": (target, "data.target"),
        "--minutes": (minutes, "training.max_minutes"),
    }
    for option, (value, key) in settings.items():
        if value is not None:
            raise UserError(f"{option} needs a CORPUS; with a configuration, set {key}={value}")


def _starting(init: Path | None, overrides: list[str]) -> list[str]:
    """The overrides, with the run of --init, which may be named as it is under runs/."""
    from seq2seq.runs.finding import run_folder

    return overrides if init is None else [f"init={json.dumps(str(run_folder(init)))}", *overrides]


def _settings_of_run(
    config: Path | None, overrides: list[str] | None, run: Path | None, resume: bool
) -> tuple[Config, Path]:
    """The configuration to train, from --config or else from the run to resume, and its folder."""
    from seq2seq.config import load_dump
    from seq2seq.runs.finding import run_folder
    from seq2seq.runs.run import Run

    if config is None and not (resume and run):
        raise UserError(
            "train: expected a corpus (corpus.tsv), a configuration (--config demo), or a run to "
            "resume (--resume --run DIR)"
        )
    if config is None:
        assert run is not None
        opened = Run.open(run)
        return load_dump(opened.folder / "config.yaml", overrides or []), opened.folder
    if run and resume:
        run = run_folder(run)
    return open_config(config, overrides), run or Path("runs") / find_recipe(config).stem


@app.command(
    short_help="Prepare a corpus for training; train also does this.",
    epilog="Example: seq2seq prepare --config demo",
)
def prepare(
    config: ConfigFile = None, overrides: Overrides = None, trust_code: TrustCode = False
) -> None:
    """Clean a corpus, train its tokenizer and write its token ids; `train` also does this.

    Prints the cache folder that holds the result.
    """
    from seq2seq.data.prepare import prepare as prepare_data
    from seq2seq.pipeline import with_init

    settings = open_runnable_config(config, overrides, trust_code=trust_code)
    tell(prepare_data(with_init(settings)).folder)


@app.command(
    short_help="Average the weights of a run's last or best checkpoints.",
    epilog="Example: seq2seq average --run runs/demo --last 3",
)
def average(
    run: Annotated[
        Path | None, typer.Argument(help="Run directory. [default: the newest finished run]")
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last",
            min=1,
            max=MOST,
            help="Number of newest checkpoints to average. [default: all of the run, at most 5]",
        ),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(
            "--best",
            min=1,
            max=MOST,
            help="Number of checkpoints to average, those that the run's training.metric calls "
            "best on the validation set.",
        ),
    ] = None,
    named: OneRun = None,
    trust_code: TrustCode = False,
) -> None:
    """Average the weights of some checkpoints of a run into the checkpoint `average`."""
    from seq2seq.training.averaging import best_checkpoints

    if last and best:
        raise UserError("average: give --last or --best, not both")
    opened = open_run(run, named, "average", trust_code=trust_code)
    opened.checkpoint("last")  # there is one
    number = best or last or _AVERAGED
    found = best_checkpoints(opened, number) if best else opened.checkpoints()[-number:]
    if (best or last) and len(found) < number:
        raise UserError(
            f"{opened.folder}: cannot average {number} checkpoints: the run has {len(found)}"
            f"{' with a validation' if best else ''}; lower --{'best' if best else 'last'}, or "
            "train with a higher training.keep"
        )
    checkpoints = sorted(found, key=lambda saved: saved.step)
    names = ", ".join(checkpoint.folder.name for checkpoint in checkpoints)
    logging.getLogger("seq2seq").info("average of %d checkpoints: %s", len(checkpoints), names)
    tell(opened.save_average(checkpoints).folder)
