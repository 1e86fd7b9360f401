"""Options that several commands share, and what they open."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.bundled import bundled_names, find_recipe
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config, DecodingConfig, PartType
    from seq2seq.export.translator import LightTranslator
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run


def recipe_names(incomplete: str) -> list[str]:
    """Return the bundled recipes whose names begin so, for the shell to complete."""
    return [name for name in bundled_names() if name.startswith(incomplete)]


def run_names(incomplete: str) -> list[str]:
    """Return the runs under runs/ whose names or folders begin so, for the shell to complete."""
    folders = sorted(path.parent for path in Path("runs").glob("*/config.yaml"))
    return [str(folder) for folder in folders if str(folder).startswith(incomplete)] or [
        folder.name for folder in folders if folder.name.startswith(incomplete)
    ]


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="YAML file, or a bundled recipe's name.",
        autocompletion=recipe_names,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change: model.dropout=0.3"),
]
Models = Annotated[
    list[Path] | None,
    typer.Option(
        "--run",
        "--model",
        "-m",
        help="Run directory; several make an ensemble. [default: newest finished]",
        autocompletion=run_names,
    ),
]
OneRun = Annotated[
    Path | None,
    typer.Option(
        "--run",
        "--model",
        "-m",
        help="Run directory. [default: newest finished]",
        autocompletion=run_names,
    ),
]
CheckpointName = Annotated[
    str,
    typer.Option("--checkpoint", help="Weights to use: best, last, average, or those of a step."),
]
Device = Annotated[
    str, typer.Option("--device", help="Device that computes: auto, cpu, cuda or cuda:1.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Beam = Annotated[
    int | None,
    typer.Option(help="Hypotheses kept at each step; 1 is greedy search. [default: the run's]"),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision", help="Precision of the search's products: fp32, bf16. [default: the run's]"
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Processes that decode a large file. [default: the run's]"),
]
Attention = Annotated[
    str | None,
    typer.Option(
        "--attention",
        metavar="SPEC",
        help="Replace the decoder's weights: uniform, shuffle, hard, shift=1, temperature=0.5, "
        "mask=WORD, or a matrix in a .json or .npy file.",
    ),
]
Bootstrap = Annotated[
    int, typer.Option(min=0, help="Resamples for the confidence intervals; 0 for none.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File for the translations (.gz, .bz2, .xz: compressed); it appears when complete.",
    ),
]


def at_home(arguments: list[str]) -> list[str]:
    """Return the arguments with `~` as the home folder in what may be a path.

    A shell does so for `-o ~/x` and not for `--output=~/x`. TEXT stays as it is.
    """
    typed = not {"translate", "explain"}.isdisjoint(arguments)
    result = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, value = argument.partition("=")
        if argument.startswith("-") and equals:
            argument = f"{name}={expanduser(value)}"
        elif before.startswith("-") or not typed:
            argument = expanduser(argument)
        result.append(argument)
    return result


def shows_progress() -> bool:
    """Whether a progress bar has someone to look at it."""
    handlers = logging.getLogger("seq2seq").handlers
    return sys.stderr.isatty() and all(handler.level <= logging.INFO for handler in handlers)


def open_config(config: Path | None, overrides: list[str] | None) -> Config:
    """Return the configuration that --config and the overrides amount to."""
    from seq2seq.config import load_config

    return load_config(None if config is None else find_recipe(config), overrides or [])


def open_export(models: list[Path] | None, checkpoint: str, device: str) -> LightTranslator | None:
    """Return the translator of the exported model that --run names, if it does, and say which."""
    from seq2seq.export.translator import find_export, load

    if (export := find_export(models or [])) is None:
        return None
    logging.getLogger("seq2seq").info("model: %s (exported)", export)
    return load(export, checkpoint=checkpoint, device=device)


def open_runs(models: list[Path] | None) -> list[Run]:
    """Return the runs named, else the newest finished one."""
    from seq2seq.export.translator import find_export

    if export := find_export(models or []):
        raise UserError(
            f"{export}: an exported model only translates, by its own attention; name its run"
        )
    from seq2seq.runs.finding import newest_run
    from seq2seq.runs.run import Run

    return [Run.open(folder) for folder in models] if models else [Run(newest_run())]


def open_run(argument: Path | None, option: Path | None, command: str) -> Run:
    """Return the run that the argument or --run names, else the newest finished one."""
    if argument is not None and option is not None:
        raise UserError(f"{command}: give RUN or --run, not both")
    named = option if argument is None else argument
    return open_runs([named] if named else None)[0]


def open_translator(runs: list[Run], checkpoint: str, device: str) -> Translator:
    """Return the translator of the runs, and say on standard error which they are."""
    from seq2seq.inference.translator import load

    folders = [run.folder for run in runs]
    logging.getLogger("seq2seq").info("model: %s (%s)", ", ".join(map(str, folders)), checkpoint)
    return load(*folders, checkpoint=checkpoint, device=device)


def revised(options: PartType, given: dict[str, Any]) -> PartType:
    """Return the run's own settings with what the command line changes of them."""
    from seq2seq.config import revise

    return revise(options, {name: value for name, value in given.items() if value is not None})


def check_no_paths(texts: list[str] | None) -> None:
    """Refuse a TEXT that is the path of a file or folder; warn of a word that is a file's name."""
    for text in texts or []:
        looks_like_path = bool(Path(text).suffix) or os.sep in text
        if os.path.isfile(text) and looks_like_path:
            raise UserError(f"{text}: expected text, found the name of a file; --input reads it")
        if os.path.isdir(text) and looks_like_path:
            raise UserError(f"{text}: expected text, found the name of a folder")
        if os.path.isfile(text):
            logging.getLogger("seq2seq").warning(
                "%s is taken as text, though there is a file of that name; --input reads it", text
            )


def read_texts(texts: list[str] | None, source: Path | None) -> Iterator[str]:
    """Return the lines of TEXT, else of the file --input, else of standard input (`-`)."""
    from seq2seq.data import corpus
    from seq2seq.data.readers.streams import STANDARD

    if not texts:
        return corpus.read_texts(source or STANDARD)
    return iter([typed_text(text, f"TEXT {number}") for number, text in enumerate(texts, 1)])


def typed_text(text: str, name: str) -> str:
    """Return an argument as text: UTF-8, whatever the locale takes it for."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # bytes that the locale does not know
        try:
            return os.fsencode(text).decode("utf-8")
        except UnicodeError:
            raise UserError(f"{name}: expected UTF-8 text, found {text!r}") from None
    return text


_OF_DRAWS = ("temperature", "top_k", "top_p", "seed")


def _as_option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def revised_decoding(
    options: DecodingConfig,
    given: dict[str, Any],
    *,
    shuffles: bool = False,
    name: Callable[[str], str] = _as_option,
) -> DecodingConfig:
    """Return what `revised` does; UserError for an option that another one makes void.

    `shuffles` says that a seed serves for more than drawing translations; `name` is what a setting
    is called where it is given.
    """
    draws = options.sample if given.get("sample") is None else given["sample"]
    if draws and given.get("beam") is not None:
        if given.get("sample"):
            raise UserError(
                f"{name('beam')} is for searching, which {name('sample')} replaces by draws; "
                "leave one of them out"
            )
        search = ", or search with --no-sample" if "sample" in given else ""
        raise UserError(
            f"{name('beam')} is for searching, and the model's decoding.sample is true, so that it "
            f"draws; leave it out{search}"
        )
    for setting in _OF_DRAWS:
        if given.get(setting) is not None and not draws and not (setting == "seed" and shuffles):
            raise UserError(
                f"{name(setting)} is for draws, and nothing is drawn without {name('sample')}"
            )
    return revised(options, given)


def check_output(output: Path | None) -> None:
    """Refuse a file that can't be written, before the work and not after it."""
    from seq2seq.data.readers.streams import STANDARD, check_writable

    if output in (None, STANDARD):
        return
    check_writable(output)
    if output.is_dir():
        raise UserError(f"{output}: expected a file to write, found a folder")
    if not output.parent.is_dir():
        raise UserError(f"{output}: no such folder to write to: {output.parent}")


def write_lines(lines: Iterable[str], output: Path | None) -> None:
    """Write to standard output (`-`), or to a file that appears when it is complete.

    A name that ends in .gz, .bz2 or .xz makes a compressed file.
    """
    from seq2seq.data.readers.streams import STANDARD, open_for_writing

    if output in (None, STANDARD):
        for line in lines:
            print(line, flush=True)
        return
    if output.exists() and not output.is_file():  # /dev/null, a pipe
        with output.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        return
    output = output.resolve()  # a link stays one
    part = output.with_name(f".{output.name}.part")
    try:
        with open_for_writing(part, output.name) as file:
            file.writelines(f"{line}\n" for line in lines)
        part.replace(output)
    except OSError as error:
        raise UserError(f"{output}: cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
