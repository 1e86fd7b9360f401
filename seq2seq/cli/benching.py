"""Commands that measure speed: bench train, bench translate, bench prepare."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from seq2seq.bounds import MOST, MOST_THREADS, MOST_TIMES
from seq2seq.cli.options import (
    AsJson,
    CheckpointNames,
    ConfigFile,
    Device,
    OneRun,
    Overrides,
    Precision,
    TrustCode,
    open_config,
    open_runnable_config,
    open_runs,
    read_texts,
)
from seq2seq.cli.output import tell
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.runs.run import Run

app = typer.Typer(help="Measure the speed of training, translating and preparing.")

Rounds = Annotated[
    int,
    typer.Option(
        "--rounds",
        min=1,
        max=MOST_TIMES,
        help="Times to measure; the median of all rounds is shown.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        help="CPU threads to use, instead of training.threads.",
    ),
]


@app.command(
    short_help="Measure how fast this machine trains.",
    epilog="Example: seq2seq bench train --config demo --updates 20",
)
def train(
    config: ConfigFile = None,
    overrides: Overrides = None,
    updates: Annotated[
        int, typer.Option("--updates", min=1, max=MOST_TIMES, help="Weight updates in each round.")
    ] = 50,
    warmup: Annotated[
        int,
        typer.Option(
            "--warmup",
            min=0,
            max=MOST_TIMES,
            help="Weight updates before the first round, not measured.",
        ),
    ] = 5,
    rounds: Rounds = 3,
    threads: Threads = None,
    as_json: AsJson = False,
    trust_code: TrustCode = False,
) -> None:
    """Measure training speed on the data of a configuration; nothing is kept.

    Prints tokens per second (the end of a sentence counted, padding not), the time that each part
    takes, and the fraction of this machine's limit that is reached. The limit is the time that the
    matrix products of these updates need, forward and backward. It is given twice: for each product
    measured alone, in turns with the updates; and for all products at the rate of one large square
    product.
    """
    from seq2seq.bench.training import bench_training

    _check_named(config, "train")
    settings = open_runnable_config(config, overrides, trust_code=trust_code)
    result = bench_training(
        settings, updates=updates, warmup=warmup, rounds=rounds, threads=threads
    )
    _print(result, as_json)


@app.command(
    short_help="Measure how fast this machine translates.",
    epilog="Example: seq2seq bench translate --run runs/demo --beam 5",
)
def translate(
    model: OneRun = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Corpus to translate: a prefix, .tsv, .csv, .jsonl, .tmx, .xml or .zip. "
            "[default: the run's data.test]",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Text file to translate, one sentence a line."),
    ] = None,
    beam: Annotated[
        list[int] | None,
        typer.Option(
            "--beam", min=1, max=MOST, help="Beam size to measure; repeatable. [default: 1 and 5]"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, max=MOST, help="Translate only this many lines, from the first on."
        ),
    ] = None,
    precision: Precision = None,
    rounds: Rounds = 3,
    threads: Threads = None,
    checkpoint: CheckpointNames = "best",
    device: Device = "auto",
    as_json: AsJson = False,
    trust_code: TrustCode = False,
) -> None:
    """Measure translation speed on a corpus; nothing is kept.

    Prints for each beam size the target tokens per second when sentences are translated in batches
    (the end of a sentence counted), and the time for one sentence when each of the first 50 is
    translated alone. The beam sizes take turns in every round.
    """
    from seq2seq.bench.translating import bench_translating

    if corpus is not None and source is not None:
        raise UserError("bench translate: give --data or --input, not both")
    (run,) = open_runs([model] if model else None, trust_code=trust_code)
    texts = read_texts(None, source) if source else _sources(run, corpus)
    result = bench_translating(
        run.folder,
        list(islice(texts, limit)),
        beams=list(dict.fromkeys(beam or (1, 5))),
        precision=precision,
        rounds=rounds,
        checkpoint=checkpoint,
        device=device,
        threads=threads,
    )
    _print(result, as_json)


@app.command(
    short_help="Measure how fast this machine prepares data.",
    epilog="Example: seq2seq bench prepare --config demo",
)
def prepare(
    config: ConfigFile = None,
    overrides: Overrides = None,
    rounds: Rounds = 3,
    as_json: AsJson = False,
) -> None:
    """Measure how fast data are prepared, in a temporary folder that is removed again.

    Prints sentence pairs and megabytes of text read per second, and the size of each file written.
    """
    from seq2seq.bench.preparing import bench_preparing

    _check_named(config, "prepare")
    _print(bench_preparing(open_config(config, overrides), rounds=rounds), as_json)


class _Result(Protocol):
    def as_dict(self) -> dict[str, object]: ...

    def render(self) -> str: ...


def _print(result: _Result, as_json: bool) -> None:
    tell(json.dumps(result.as_dict(), ensure_ascii=False) if as_json else result.render())


def _check_named(config: Path | None, name: str) -> None:
    if config is None:
        raise UserError(f"bench {name}: expected a configuration, for example --config demo")


def _sources(run: Run, corpus: str | None) -> list[str]:
    """The source sentences of a corpus, or else of the run's test set."""
    from seq2seq.data.corpus import find_test_set, with_sources

    data = run.config.data
    spec = corpus or data.test
    if not spec:
        raise UserError(
            "bench translate: no text: the run has no data.test; give --data or --input"
        )
    test_set = find_test_set(spec, data.source, data.target, data.columns)
    return [pair.source for pair in with_sources(test_set, data.source_kind).pairs()]
