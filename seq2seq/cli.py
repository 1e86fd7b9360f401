"""The command line: parse, call one library function, print.

Results go to standard output, everything else to standard error. A user's mistake is one line and
exit status 2. Nothing here imports torch before a command needs it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.bundled import find_recipe
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config, DecodingConfig
    from seq2seq.inference.translator import Translator
    from seq2seq.training.run import Run

app = typer.Typer(
    name="seq2seq",
    help="Train, study and compare attention in recurrent sequence-to-sequence translation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Get corpora, and look for what is wrong with them.")
config_app = typer.Typer(help="Look at configurations.")
app.add_typer(data_app, name="data", no_args_is_help=True)
app.add_typer(config_app, name="config", no_args_is_help=True)


def main() -> None:
    """Run the command line; turn what a user can mend into one line."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except (UserError, OSError) as error:
        if debug:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


@app.callback()
def _set_up(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    handler = _BarSafeHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("seq2seq")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


class _BarSafeHandler(logging.Handler):
    """Writes above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error."""
        from tqdm import tqdm

        tqdm.write(self.format(record), file=sys.stderr)


# --- options that several commands share ----------------------------------------------------------

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file, or a bundled recipe's name.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change.")
]
Models = Annotated[
    list[Path] | None,
    typer.Option("--model", "-m", help="Run directory; several make an ensemble. Newest if none."),
]
CheckpointName = Annotated[
    str, typer.Option("--checkpoint", help="best, last, average, or a step.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:1.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


# --- training -------------------------------------------------------------------------------------


@app.command()
def train(
    config: ConfigFile = None,
    overrides: Overrides = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Run directory (default: runs/CONFIG).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint, if any.")
    ] = False,
) -> None:
    """Train a model: prepare the data (once), then learn, validate and save until a limit."""
    from seq2seq import pipeline

    settings, folder = _settings_of_run(config, overrides, run, resume)
    done = pipeline.train(settings, folder, resume=resume, show_bar=sys.stderr.isatty())
    print(done.folder)


def _settings_of_run(
    config: Path | None, overrides: list[str] | None, run: Path | None, resume: bool
) -> tuple[Config, Path]:
    """The configuration to train and where: what --config says, else what the run to resume has."""
    from seq2seq.config import load_config

    if config is None and not (resume and run):
        raise UserError(
            "train: name a configuration with --config, or a run to --resume with --run"
        )
    if config is None:
        assert run is not None
        if not (run / "config.yaml").exists():
            raise UserError(f"{run}: not a run directory (it has no config.yaml)")
        return load_config(run / "config.yaml", overrides or []), run
    recipe = find_recipe(config)
    return load_config(recipe, overrides or []), run or Path("runs") / recipe.stem


@app.command()
def prepare(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Clean a corpus, learn its tokenizer and write its ids; `train` does this by itself."""
    from seq2seq.data.prepare import prepare as prepare_data

    print(prepare_data(_load(config, overrides)).folder)


@app.command()
def average(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    last: Annotated[int, typer.Option("--last", min=1, help="How many checkpoints.")] = 5,
) -> None:
    """Average the weights of a run's last checkpoints into the checkpoint `average`."""
    from seq2seq.training.run import Run

    opened = Run.open(run)
    checkpoints = opened.checkpoints()[-last:]
    if len(checkpoints) < last:
        raise UserError(
            f"{run}: has {len(checkpoints)} checkpoints, not {last} (training.keep says how many)"
        )
    print(opened.save_average(checkpoints).folder)


# --- translating ----------------------------------------------------------------------------------


@app.command()
def translate(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Else standard input.")
    ] = None,
    model: Models = None,
    source: Annotated[
        Path | None, typer.Option("--input", "-i", help="Text file, a sentence a line.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here, not to standard output.")
    ] = None,
    as_json: AsJson = False,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    beam: Annotated[int | None, typer.Option(help="Hypotheses kept; 1 is greedy.")] = None,
    n_best: Annotated[int | None, typer.Option(help="Hypotheses returned.")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="0 none, 1 mean.")] = None,
    min_length: Annotated[int | None, typer.Option(help="Fewest target pieces.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Most target pieces.")] = None,
    no_repeat_ngram: Annotated[int | None, typer.Option(help="No n-gram twice.")] = None,
    sample: Annotated[bool | None, typer.Option("--sample", help="Draw, not search.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the draws.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from the k likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from this much mass.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draws.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sentences at once.")] = None,
) -> None:
    """Translate TEXT, a file or standard input, line by line.

    With --n-best above 1 each line is: number of the input line, score and translation, between
    tabs.
    """
    given = {
        "beam": beam,
        "n_best": n_best,
        "length_penalty": length_penalty,
        "min_length": min_length,
        "max_length": max_length,
        "no_repeat_ngram": no_repeat_ngram,
        "sample": sample,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "batch": batch,
    }
    if texts and source:
        raise UserError("translate: give TEXT or --input, not both")
    translator = _load_translator(model, checkpoint, device)
    options = _decoding(translator, given)
    lines = _lines(texts, source)
    results = (
        _rendered(number, translation, options, as_json)
        for number, translation in enumerate(translator.stream(lines, options), 1)
    )
    _write_lines(results, output)


@app.command()
def explain(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Sentences.")],
    model: Models = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Translate TEXT and print which source word each target word looked at."""
    from seq2seq.inference.translation import render_matrix

    translator = _load_translator(model, checkpoint, device)
    for translation in translator.translate(texts):
        if as_json:
            print(json.dumps(translation.as_dict(), ensure_ascii=False))
            continue
        columns = [word.word for word in translation.source_words]
        print(f"{translation.source}  ->  {translation.text}\n")
        print(render_matrix(translation.attention, translation.words, columns), end="\n\n")


def _rendered(number: int, translation: Any, options: DecodingConfig, as_json: bool) -> str:
    if as_json:
        return json.dumps(translation.as_dict(), ensure_ascii=False)
    if options.n_best > 1:
        rows = [f"{number}\t{c.score:.4f}\t{c.text}" for c in translation.candidates]
        return "\n".join(rows or [f"{number}\t0.0000\t"])
    return str(translation.text)


def _lines(texts: list[str] | None, source: Path | None) -> Iterator[str]:
    from seq2seq.data.corpus import read_lines

    if texts:
        return iter(texts)
    return read_lines(source if source is not None else sys.stdin)


def _write_lines(lines: Iterator[str], output: Path | None) -> None:
    """Write to standard output, or to a file that appears when it is complete."""
    if output is None:
        for line in lines:
            print(line, flush=True)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


# --- measuring ------------------------------------------------------------------------------------


@app.command()
def evaluate(
    model: Models = None,
    corpus: Annotated[
        str | None, typer.Option("--data", help="Corpus (default: the run's data.test).")
    ] = None,
    test_set: Annotated[
        str | None, typer.Option("--test-set", help="One of sacreBLEU's, for example wmt14.")
    ] = None,
    alignments: Annotated[
        Path | None, typer.Option("--alignments", help="Gold alignments: Pharaoh or NAACL.")
    ] = None,
    moses: Annotated[
        bool, typer.Option("--moses", help="Add the literature's lower-cased tokenised BLEU.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the translations here.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of the intervals.")] = 1000,
    beam: Annotated[int | None, typer.Option(help="Hypotheses kept; 1 is greedy.")] = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Translate a test set and score it: BLEU, chrF, TER, by length, with what went wrong."""
    from seq2seq.evaluation.evaluate import evaluate as evaluate_model

    translator, config = _load_translator(model, checkpoint, device), _runs(model)[0].config
    translator.options = _decoding(translator, {"beam": beam})
    sources, references, name = _test_set(config, corpus, test_set)
    found = evaluate_model(
        translator,
        sources,
        references,
        moses=config.data.target if moses else None,
        alignments=alignments,
        bootstrap=bootstrap,
    )
    if output is not None:
        _write_lines(iter(found.hypotheses), output)
    if as_json:
        print(json.dumps({"test_set": name, **found.as_dict()}, ensure_ascii=False))
    else:
        print(f"{name}: {len(sources):,} sentences, beam {translator.options.beam}")
        print(found.render())


@app.command()
def score(
    hypotheses: Annotated[Path, typer.Argument(help="Translations, one a line.")],
    references: Annotated[list[Path], typer.Argument(help="Raw references, a file each.")],
    moses: Annotated[
        str | None, typer.Option("--moses", help="Add Moses-tokenised BLEU of this language.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of the intervals.")] = 1000,
) -> None:
    """Score translations that are there already, by the same path as `evaluate`."""
    from seq2seq.data.corpus import read_lines
    from seq2seq.evaluation.scores import render_scores, score_corpus, score_moses

    lines = list(read_lines(hypotheses))
    streams = [list(read_lines(file)) for file in references]
    scores = score_corpus(lines, streams, bootstrap=bootstrap)
    if moses:
        scores += score_moses(lines, streams, language=moses, bootstrap=bootstrap)
    print(render_scores(scores))


def _test_set(
    config: Config, corpus: str | None, test_set: str | None
) -> tuple[list[str], list[list[str]], str]:
    """Sources, reference streams and a name to report them by."""
    if test_set is not None:
        from seq2seq.data.download import sacrebleu_testset

        pair = f"{config.data.source}-{config.data.target}"
        return *sacrebleu_testset(test_set, pair), f"{test_set} {pair}"
    from seq2seq.data.corpus import find_corpus

    spec = corpus or config.data.test
    if not spec:
        raise UserError(
            "evaluate: the run has no data.test; name a corpus with --data or --test-set"
        )
    pairs = list(find_corpus(spec, config.data.source, config.data.target).pairs())
    return [p.source for p in pairs], [[p.target for p in pairs]], str(spec)


# --- data and configurations ----------------------------------------------------------------------


@data_app.command("get")
def get(
    name: Annotated[str | None, typer.Argument(help="Corpus; a list of them if none.")] = None,
    root: Annotated[Path, typer.Option("--into", help="Folder that holds corpora.")] = Path(
        "corpora"
    ),
    origin: Annotated[
        str | None, typer.Option("--from", help="Folder or address to take the files from.")
    ] = None,
) -> None:
    """Download a standard corpus, checked against its pinned hash."""
    from seq2seq.data.download import get_corpus, render_corpora, render_fetched

    if name is None:
        print(render_corpora())
        return
    with _TransferBar() as bar:
        fetched = get_corpus(name, root, origin=origin, progress=bar.update)
    print(render_fetched(fetched))


class _TransferBar:
    """A tqdm bar for one file after another."""

    def __init__(self) -> None:
        self._name, self._bar = "", None  # type: str, Any

    def __enter__(self) -> _TransferBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, name: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes of the file `name` are here."""
        from tqdm import tqdm

        if name != self._name:
            self.__exit__()
            self._name = name
            self._bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None)
        assert self._bar is not None
        self._bar.update(done - self._bar.n)


@data_app.command("check")
def check(
    config: ConfigFile = None,
    overrides: Overrides = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Run whose tokenizers to check with.")
    ] = None,
) -> None:
    """Look for what is wrong with a corpus; exit status 1 if something must be fixed."""
    from seq2seq.data.doctor import check_corpora
    from seq2seq.data.tokenizer import Tokenizers

    data = _load(config, overrides).data
    splits = {"train": data.train, "valid": data.valid, "test": data.test}
    report = check_corpora(
        {name: spec for name, spec in splits.items() if spec},
        data.source,
        data.target,
        tokenizers=Tokenizers.load(model / "tokenizer") if model else None,
    )
    print(report.table())
    if report.must_fix:
        raise typer.Exit(1)


@config_app.command("show")
def show(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Print the whole configuration that a file and overrides amount to."""
    from seq2seq.config import dump_config

    print(dump_config(_load(config, overrides)), end="")


@config_app.command("check")
def check_config(config: ConfigFile = None, overrides: Overrides = None) -> None:
    """Check a configuration down to the parts of its model, without data."""
    from seq2seq.pipeline import describe_model

    print(describe_model(_load(config, overrides)))


@config_app.command("diff")
def diff(
    one: Annotated[Path, typer.Argument(help="YAML file, recipe or run directory.")],
    other: Annotated[Path, typer.Argument(help="The same.")],
) -> None:
    """Print the settings in which two configurations differ."""
    from seq2seq.config import differences, load_config

    files = [path / "config.yaml" if path.is_dir() else path for path in (one, other)]
    trees = [load_config(find_recipe(file)) for file in files]
    for key, was, now in differences(*trees):
        print(f"{key}: {was!r} -> {now!r}")


def _load(config: Path | None, overrides: list[str] | None) -> Config:
    from seq2seq.config import load_config

    if config is None:
        return load_config(None, overrides or [])
    return load_config(find_recipe(config), overrides or [])


def _runs(models: list[Path] | None) -> list[Run]:
    """The runs named, else the newest finished one."""
    from seq2seq.training.run import Run, find_run

    return [Run.open(folder) for folder in models] if models else [find_run()]


def _load_translator(models: list[Path] | None, checkpoint: str, device: str) -> Translator:
    from seq2seq.inference.translator import load

    folders = [run.folder for run in _runs(models)]
    logging.getLogger("seq2seq").info("model: %s (%s)", ", ".join(map(str, folders)), checkpoint)
    return load(*folders, checkpoint=checkpoint, device=device)


def _decoding(translator: Translator, given: dict[str, Any]) -> DecodingConfig:
    """The run's own decoding settings, and what the command line changes of them."""
    from seq2seq.config import revise

    changes = {name: value for name, value in given.items() if value is not None}
    return revise(translator.options, changes)
