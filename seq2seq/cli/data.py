"""Commands for corpora: data get, data make, data check."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.bounds import MOST_EXAMPLES
from seq2seq.cli.options import ConfigFile, open_config, shows_progress, told_apart
from seq2seq.cli.output import tell
from seq2seq.counted import counted
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.data.tokenizer import Tokenizers

app = typer.Typer(help="Download or make corpora, and check corpora for problems.")


@app.command(
    short_help="Download a standard corpus; without a name, list all.",
    epilog="Example: seq2seq data get multi30k",
)
def get(
    name: Annotated[
        str | None, typer.Argument(help="Name of the corpus; without a name, all are listed.")
    ] = None,
    root: Annotated[Path, typer.Option("--into", help="Folder to store corpora in.")] = Path(
        "corpora"
    ),
    origin: Annotated[
        str | None,
        typer.Option("--from", help="Folder or web address of a copy of the original files."),
    ] = None,
) -> None:
    """Download a standard corpus, and check it against its known hash."""
    from seq2seq.data.download import get_corpus, render_corpora, render_fetched

    if name is None:
        tell(render_corpora())
        return
    with _TransferBar() as bar:
        fetched = get_corpus(name, root, origin=origin, progress=bar.update)
    tell(render_fetched(fetched))


@app.command(
    short_help="Make a corpus of an artificial task; without a name, list all.",
    epilog="Example: seq2seq data make copy",
)
def make(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[TASK]", help="Name of the task; without a name, all are listed."),
    ] = None,
    root: Annotated[Path, typer.Option("--into", help="Folder to store corpora in.")] = Path(
        "corpora"
    ),
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the corpus's own folder. [default: the task's name]"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random choices.")] = 1,
    pairs: Annotated[
        int | None,
        typer.Option(
            "--pairs",
            min=1,
            max=MOST_EXAMPLES,
            help="Training examples. [default: 50000; of pictures and such 4000]",
        ),
    ] = None,
    held_out: Annotated[
        int | None,
        typer.Option(
            "--held-out",
            min=1,
            max=MOST_EXAMPLES,
            help="Examples in valid and in each test set. [default: 1000; of pictures and such "
            "300]",
        ),
    ] = None,
    shortest: Annotated[
        int | None, typer.Option("--shortest", help="Shortest length in training.")
    ] = None,
    longest: Annotated[
        int | None, typer.Option("--longest", help="Longest length in training.")
    ] = None,
    beyond: Annotated[
        list[int] | None,
        typer.Option("--beyond", help="Length of a test set beyond training; repeatable."),
    ] = None,
    symbols: Annotated[
        int | None,
        typer.Option("--symbols", help="Number of different symbols (copy, repeat-copy, recall)."),
    ] = None,
    fewest_repeats: Annotated[
        int | None,
        typer.Option("--fewest-repeats", help="Fewest repeats in training (repeat-copy)."),
    ] = None,
    most_repeats: Annotated[
        int | None, typer.Option("--most-repeats", help="Most repeats in training (repeat-copy).")
    ] = None,
    beyond_repeats: Annotated[
        list[int] | None,
        typer.Option(
            "--beyond-repeats",
            help="Repeats of a test set beyond training (repeat-copy); repeatable.",
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", help="Number of symbols in an item (recall).")
    ] = None,
    keys: Annotated[
        int | None, typer.Option("--keys", help="Number of different keys (retrieval).")
    ] = None,
    values: Annotated[
        int | None, typer.Option("--values", help="Number of different values (retrieval).")
    ] = None,
    rewrite: Annotated[
        bool | None,
        typer.Option("--rewrite", help="Let keys come again; the last value counts (retrieval)."),
    ] = None,
    joined: Annotated[
        bool | None,
        typer.Option("--joined", help="Write key and value as one symbol (retrieval)."),
    ] = None,
    facts: Annotated[
        int | None,
        typer.Option("--facts", help="Sentences that an answer needs: 1, 2 or 3 (stories)."),
    ] = None,
    questions: Annotated[
        int | None, typer.Option("--questions", help="Most questions about a story (stories).")
    ] = None,
    who: Annotated[
        bool | None, typer.Option("--who", help="Ask who has a thing (stories).")
    ] = None,
) -> None:
    """Make a corpus of an artificial task, with test sets longer than its training examples.

    Lengths count items (copy, repeat-copy, recall), pairs of key and value (retrieval), sentences
    (stories), figures (scenes, clips) or notes (tones). The same options and seed give the same
    files on any machine.
    """
    from seq2seq.data.make import make_corpus, render_tasks

    if kind is None:
        tell(render_tasks())
        return
    options = {
        "shortest": shortest,
        "longest": longest,
        "beyond": tuple(beyond) if beyond else None,
        "symbols": symbols,
        "fewest_repeats": fewest_repeats,
        "most_repeats": most_repeats,
        "beyond_repeats": tuple(beyond_repeats) if beyond_repeats else None,
        "width": width,
        "keys": keys,
        "values": values,
        "rewrite": rewrite,
        "joined": joined,
        "facts": facts,
        "questions": questions,
        "who": who,
    }
    given = {option: value for option, value in options.items() if value is not None}
    made = make_corpus(kind, root, name=name, pairs=pairs, held_out=held_out, seed=seed, **given)
    tell(made)


class _TransferBar:
    """A tqdm bar for each file; a log line each where no terminal shows the bar."""

    def __init__(self) -> None:
        self._name = ""
        self._bar: Any = None

    def __enter__(self) -> _TransferBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, name: str, done: int, total: int) -> None:
        """Show that `done` of the `total` bytes of the file `name` have arrived."""
        from tqdm import tqdm

        if name != self._name:
            self.__exit__()
            self._name = name
            hidden = not shows_progress()
            self._bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=hidden)
            if hidden:
                logging.getLogger("seq2seq").info("fetching %s, %s bytes", name, f"{total:,}")
        self._bar.update(done - self._bar.n)


@app.command(
    short_help="Check a corpus for problems.",
    epilog="Example: seq2seq data check corpus.tsv",
)
def check(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CORPUS]... [KEY=VALUE]...",
            help="Training corpus (corpus.tsv, or two files a.en a.fr), and settings to change, "
            "for example data.max_length=50.",
        ),
    ] = None,
    config: ConfigFile = None,
    train: Annotated[
        str | None,
        typer.Option(
            "--train",
            help="Training corpus, in place of data.train: a prefix, table (.tsv, .csv, .jsonl), "
            ".tmx, test set (.sgm, .xml) or .zip.",
        ),
    ] = None,
    valid: Annotated[
        str | None, typer.Option("--valid", help="Validation corpus, in place of data.valid.")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", help="Test corpus, in place of data.test.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="Language, the ending of source files. [default: found in CORPUS, else en]",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="Language, the ending of target files. [default: found in CORPUS, else fr]",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--run", "--model", "-m", help="Run whose tokenizers to check the corpus with."
        ),
    ] = None,
) -> None:
    """Check a corpus for problems, and say what is to be expected of so much text.

    The corpus is named, or comes from a configuration (--config). The exit status is 1 if a problem
    must be fixed.
    """
    from seq2seq.config import revise
    from seq2seq.data.doctor import check_corpora
    from seq2seq.planning.expectations import expectation_for

    corpus, overrides = told_apart(arguments or [])
    given: dict[str, Any] = {"train": train, "valid": valid, "test": test}
    given |= {"source": source, "target": target}
    if train is not None and any(text.startswith("data.train=") for text in overrides):
        raise UserError("data check: give --train or data.train=, not both")
    if corpus:
        given |= _named(corpus, overrides, given, config)
    changes = {name: value for name, value in given.items() if value is not None}
    settings = revise(open_config(config, overrides).data, changes)
    if not settings.source_kind.is_text:
        raise UserError(
            "data check reads text on both sides, and sources are files "
            f"({settings.source_kind.kind}); `train` tells of files that can't be read"
        )
    splits = {"train": settings.train, "valid": settings.valid, "test": settings.test}
    if not any(splits.values()):
        raise UserError(
            "data check: expected a corpus, for example corpus.tsv, or a --config that has one"
        )
    report = check_corpora(
        {name: spec for name, spec in splits.items() if spec},
        settings.source,
        settings.target,
        columns=settings.columns,
        tokenizers=_tokenizers(model) if model else None,
    )
    tell(report.table())
    if (pairs := report.pairs.get("train")) and model is None and not report.must_fix:
        tell(f"\nto expect of {counted(pairs, 'pair')}: {expectation_for(pairs)}")
    if report.must_fix:
        raise typer.Exit(1)


def _named(
    corpus: list[str], overrides: list[str], given: dict[str, Any], config: Path | None
) -> dict[str, Any]:
    """The training corpus and its languages, as the arguments name them."""
    from seq2seq.planning.languages import UNKNOWN
    from seq2seq.planning.request import Request

    if given["train"] is not None or config is not None:
        other = "--config" if config is not None else "--train"
        raise UserError(f"data check: give a corpus or {other}, not both, found {corpus[0]!r}")
    request = Request(tuple(corpus), given["source"], given["target"], overrides=tuple(overrides))
    sides = zip(("source", "target"), request.languages, UNKNOWN, strict=True)
    found = {side: language for side, language, unknown in sides if language != unknown}
    return {"train": request.spec, **found}


def _tokenizers(model: Path) -> Tokenizers:
    from seq2seq.data.tokenizer import Tokenizers
    from seq2seq.runs.finding import run_folder

    return Tokenizers.load(run_folder(model) / "tokenizer")
