"""Commands that measure speed: bench train, bench translate, bench prepare."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from seq2seq.cli.options import (
    AsJson,
    CheckpointName,
    ConfigFile,
    Device,
    OneRun,
    Overrides,
    Precision,
    open_config,
    open_runs,
    read_texts,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.runs.run import Run

app = typer.Typer(help="Measure how fast this machine trains, translates and prepares.")

Rounds = Annotated[
    int, typer.Option("--rounds", min=1, help="Rounds of the measurement; their median is shown.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="CPU threads that compute, before training.threads."),
]


@app.command(
    short_help="Measure how fast this machine trains.",
    epilog="Example: seq2seq bench train --config demo --updates 20",
)
def train(
    config: ConfigFile = None,
    overrides: Overrides = None,
    updates: Annotated[
        int, typer.Option("--updates", min=1, help="Updates of the weights in a round.")
    ] = 50,
    warmup: Annotated[
        int, typer.Option("--warmup", min=0, help="Updates before the first round.")
    ] = 5,
    rounds: Rounds = 3,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Train on the configuration's own data for some updates, and keep nothing.

    Tokens a second without padding, the end of a sentence counted; where the time goes; and which
    fraction of the machine's own limit is reached. The limit is the time of the matrix products of
    these updates, forward and backward: each measured alone, by turns with the updates, and all
    together at the rate of one large square product. --threads goes before training.threads.
    """
    from seq2seq.bench.training import bench_training

    settings = _open(config, overrides, "train")
    found = bench_training(settings, updates=updates, warmup=warmup, rounds=rounds, threads=threads)
    _print(found, as_json)


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
            help="Prefix, .tsv, .csv, .jsonl, .tmx, .xml or .zip of a corpus. "
            "[default: the run's data.test]",
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--input", "-i", help="File to translate, one sentence a line.")
    ] = None,
    beam: Annotated[
        list[int] | None,
        typer.Option(
            "--beam", min=1, help="Hypotheses kept at each step; repeatable. [default: 1 and 5]"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Number of lines translated, from the first on."),
    ] = None,
    precision: Precision = None,
    rounds: Rounds = 3,
    threads: Threads = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Translate a corpus as `translate` does, and keep nothing.

    For each beam: tokens of the translations a second, the end counted, in batches; and how long
    the first 50 sentences take one at a time. All beams by turns.
    """
    from seq2seq.bench.translating import bench_translating

    if corpus is not None and source is not None:
        raise UserError("bench translate: give --data or --input, not both")
    (run,) = open_runs([model] if model else None)
    texts = read_texts(None, source) if source else _sources(run, corpus)
    found = bench_translating(
        run.folder,
        list(islice(texts, limit)),
        beams=list(dict.fromkeys(beam or (1, 5))),
        precision=precision,
        rounds=rounds,
        checkpoint=checkpoint,
        device=device,
        threads=threads,
    )
    _print(found, as_json)


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
    """Prepare the configuration's data into a folder of $TMPDIR, and remove it again.

    Pairs read a second, and megabytes of their text; the size of each file that is written.
    """
    from seq2seq.bench.preparing import bench_preparing

    _print(bench_preparing(_open(config, overrides, "prepare"), rounds=rounds), as_json)


class _Found(Protocol):
    def as_dict(self) -> dict[str, object]: ...

    def render(self) -> str: ...


def _print(found: _Found, as_json: bool) -> None:
    print(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else found.render())


def _open(config: Path | None, overrides: list[str] | None, name: str) -> Config:
    if config is None:
        raise UserError(f"bench {name}: name a configuration with --config")
    return open_config(config, overrides)


def _sources(run: Run, corpus: str | None) -> list[str]:
    """The source sentences of a corpus, else of the run's test set."""
    from seq2seq.data.corpus import find_test_set

    data = run.config.data
    spec = corpus or data.test
    if not spec:
        raise UserError(
            "bench translate: the run has no data.test; name a corpus with --data or --input"
        )
    found = find_test_set(spec, data.source, data.target, data.columns)
    return [pair.source for pair in found.pairs()]
