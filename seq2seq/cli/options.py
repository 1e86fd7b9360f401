"""Options that several commands share, and the functions that open what they name."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.bounds import MOST_TIMES
from seq2seq.bundled import bundled_names, find_recipe
from seq2seq.cli.output import legible
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.machine.input import check_target

if TYPE_CHECKING:
    from seq2seq.config import Config, DecodingConfig, PartType
    from seq2seq.export.translator import LightTranslator
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run


def recipe_names(incomplete: str) -> list[str]:
    """Return the bundled recipes whose names begin with `incomplete`, for shell completion."""
    return [name for name in bundled_names() if name.startswith(incomplete)]


def run_names(incomplete: str) -> list[str]:
    """Return the runs under runs/ whose names or folders begin so, for shell completion."""
    folders = sorted(path.parent for path in Path("runs").glob("*/config.yaml"))
    return [str(folder) for folder in folders if str(folder).startswith(incomplete)] or [
        folder.name for folder in folders if folder.name.startswith(incomplete)
    ]


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="YAML file, or the name of a bundled recipe.",
        autocompletion=recipe_names,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Settings to change, for example model.dropout=0.3."
    ),
]
Models = Annotated[
    list[Path] | None,
    typer.Option(
        "--run",
        "--model",
        "-m",
        help="Run directory; repeat for an ensemble. [default: the newest finished run]",
        autocompletion=run_names,
    ),
]
OneRun = Annotated[
    Path | None,
    typer.Option(
        "--run",
        "--model",
        "-m",
        help="Run directory. [default: the newest finished run]",
        autocompletion=run_names,
    ),
]
CheckpointName = Annotated[
    str,
    typer.Option("--checkpoint", help="Checkpoint to load: best, last, average or a step number."),
]
CheckpointNames = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        help="Checkpoint to load: best, last, average or a step number; several, with commas, for "
        "an ensemble of them.",
    ),
]
Device = Annotated[
    str, typer.Option("--device", help="Device to compute on: auto, cpu, cuda or cuda:1.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Run the Python code that a run directory holds, even if you have never trained with "
        "it on this machine.",
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(
        help="Beam size, hypotheses kept at each step; 1 is greedy search. "
        "[default: the run's setting]"
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="Number format of matrix products in the search: fp32 or bf16. "
        "[default: the run's setting]",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that translate a large file in parallel. [default: the run's setting]",
    ),
]
Attention = Annotated[
    str | None,
    typer.Option(
        "--attention",
        metavar="SPEC",
        help="Replace the decoder's attention weights: uniform, shuffle, hard, shift=1, "
        "temperature=0.5, mask=WORD, or a matrix in a .json or .npy file.",
    ),
]
Bootstrap = Annotated[
    int,
    typer.Option(
        min=0,
        max=MOST_TIMES,
        help="Bootstrap resamples for the confidence intervals; 0 gives no intervals.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write translations to, compressed if it ends in .gz, .bz2 or .xz; it appears "
        "only when complete.",
    ),
]


def at_home(arguments: list[str]) -> list[str]:
    """Return the arguments with `~` replaced by the home folder where they may be paths.

    A shell does so for `-o ~/x`, but not for `--output=~/x`. TEXT is not changed.
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


def refuse_empty(command: Any, arguments: list[str]) -> None:
    """Refuse an empty name or number: as a path it would mean the working directory.

    A text to translate may be empty, and so may a translation to explain.
    """
    typed = not {"translate", "explain"}.isdisjoint(arguments)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for before, argument in zip(["", *options], options, strict=False):
        name = argument.removesuffix("=")
        if argument and not (argument.startswith("--") and name != argument):
            continue
        name = name or before
        if name not in _valued(command):
            name = "" if typed else "argument"
        if name and not (typed and name == "--target"):
            raise UserError(f"{name}: expected a value, found an empty one")


def _valued(command: Any) -> set[str]:
    """The options of a command, and of those in it, that take a value."""
    names = {
        name
        for parameter in command.params
        if not getattr(parameter, "is_flag", True)  # an argument has none
        for name in parameter.opts
    }
    return names.union(*map(_valued, getattr(command, "commands", {}).values()))


def shows_progress() -> bool:
    """Whether standard error is a terminal that shows a progress bar."""
    handlers = logging.getLogger("seq2seq").handlers
    return sys.stderr.isatty() and all(handler.level <= logging.INFO for handler in handlers)


def told_apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The names of corpora or systems, and the KEY=VALUE settings, among the arguments."""
    names = [text for text in arguments if "=" not in text or _is_there(text)]
    return names, [text for text in arguments if text not in names]


def _is_there(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # a setting may be too long for a name
        return False


def open_config(config: Path | None, overrides: list[str] | None) -> Config:
    """Return the configuration that --config and the overrides give together."""
    from seq2seq.config import load_config

    return load_config(None if config is None else find_recipe(config), overrides or [])


def open_runnable_config(
    config: Path | None, overrides: list[str] | None, *, trust_code: bool
) -> Config:
    """Return what `open_config` does, for a command that runs the `code` in it without training.

    Code is trusted that was trained with before, or that the command line names itself.
    """
    from seq2seq.config import overridden
    from seq2seq.extension import check_known

    opened = open_config(config, overrides)
    if trust_code:
        from seq2seq.pipeline import trust

        trust(opened, Path())
    elif "code" not in overridden(overrides or []):
        check_known(opened.code)
    return opened


def open_export(models: list[Path] | None, checkpoint: str, device: str) -> LightTranslator | None:
    """Return the translator of the exported model that --run names; None if it names a run."""
    from seq2seq.export.translator import find_export, load

    if (export := find_export(models or [])) is None:
        return None
    logging.getLogger("seq2seq").info("model: %s (exported)", export)
    return load(export, checkpoint=checkpoint, device=device)


def open_runs(models: list[Path] | None, *, trust_code: bool) -> list[Run]:
    """Return the named runs, or else the newest finished run."""
    from seq2seq.export.translator import find_export

    if export := find_export(models or []):
        raise UserError(
            f"{export}: an exported model can only translate, with its own attention weights; "
            "for anything else, name the run that it was exported from"
        )
    from seq2seq.runs.finding import newest_run
    from seq2seq.runs.run import Run

    return [Run.open(folder, trust_code=trust_code) for folder in models or [newest_run()]]


def open_run(argument: Path | None, option: Path | None, command: str, *, trust_code: bool) -> Run:
    """Return the run that the argument or --run names, or else the newest finished run."""
    if argument is not None and option is not None:
        raise UserError(f"{command}: give the run as an argument or with --run, not both")
    named = option if argument is None else argument
    return open_runs([named] if named else None, trust_code=trust_code)[0]


def open_translator(runs: list[Run], checkpoint: str, device: str) -> Translator:
    """Return the translator of the runs, and name them on standard error."""
    from seq2seq.inference.translator import load

    folders = [run.folder for run in runs]
    logging.getLogger("seq2seq").info("model: %s (%s)", ", ".join(map(str, folders)), checkpoint)
    return load(*folders, checkpoint=checkpoint, device=device)


def revised(options: PartType, given: dict[str, Any]) -> PartType:
    """Return the run's own settings, changed by those that the command line gives."""
    from seq2seq.config import revise

    return revise(options, {name: value for name, value in given.items() if value is not None})


def check_no_paths(texts: list[str] | None) -> None:
    """Refuse a TEXT that is the path of a file or folder; warn where a word is also a file name."""
    for text in texts or []:
        looks_like_path = bool(Path(text).suffix) or os.sep in text
        if os.path.isfile(text) and looks_like_path:
            raise UserError(
                f"{text}: expected a text to translate, found a file; --input {text} reads it"
            )
        if os.path.isdir(text) and looks_like_path:
            raise UserError(f"{text}: expected a text to translate, found a folder")
        if os.path.isfile(text):
            logging.getLogger("seq2seq").warning(
                "%s is translated as text; to read the file of that name, give --input %s",
                text,
                text,
            )


def read_texts(texts: list[str] | None, source: Path | None) -> Iterator[str]:
    """Return the lines of TEXT, or else of the file --input, or else of standard input (`-`)."""
    from seq2seq.data import corpus
    from seq2seq.data.readers.streams import STANDARD

    if not texts:
        return corpus.read_texts(source or STANDARD)
    return iter([typed_text(text, f"TEXT {number}") for number, text in enumerate(texts, 1)])


def read_inputs(texts: list[str] | None, source: Path | None, *, files: bool) -> Iterator[str]:
    """Return what `read_texts` does, where `files` says whether sources are names of files.

    Names in the file --input begin in its folder. Where sources are text, a name is refused.
    """
    from seq2seq.data.corpus import located

    if not files:
        check_no_paths(texts)
        return read_texts(texts, source)
    folder = Path() if texts or source is None else source.parent
    return (located(line, folder) for line in read_texts(texts, source))


def typed_text(text: str, name: str) -> str:
    """Return an argument decoded as UTF-8, whatever the locale is."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # bytes that the locale could not decode
        try:
            return os.fsencode(text).decode("utf-8")
        except UnicodeError:
            raise UserError(f"{name}: expected UTF-8 text, found {text!r}") from None
    return text


_SAMPLING_SETTINGS = ("temperature", "top_k", "top_p", "seed")


def _as_option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def revised_decoding(
    options: DecodingConfig,
    given: dict[str, Any],
    *,
    shuffles: bool = False,
    name: Callable[[str], str] = _as_option,
) -> DecodingConfig:
    """Return what `revised` does; UserError for a setting that has no effect beside another.

    `shuffles` says that the seed also serves an intervention; `name` gives a setting's name as the
    user typed it.
    """
    samples = options.sample if given.get("sample") is None else given["sample"]
    if samples and given.get("beam") is not None:
        if given.get("sample"):
            raise UserError(
                f"{name('beam')} has no effect with {name('sample')}, which samples instead of "
                "searching; leave one of them out"
            )
        search = ", or add --no-sample to search" if "sample" in given else ""
        raise UserError(
            f"{name('beam')} has no effect, because decoding.sample is true for this model and it "
            f"samples instead of searching; leave {name('beam')} out{search}"
        )
    for setting in _SAMPLING_SETTINGS:
        if given.get(setting) is not None and not samples and not (setting == "seed" and shuffles):
            raise UserError(
                f"{name(setting)} has no effect without {name('sample')}; give both or neither"
            )
    return revised(options, given)


def check_output(output: Path | None) -> None:
    """Refuse a file that can't be written, before the work begins."""
    from seq2seq.data.readers.streams import STANDARD, check_writable

    if output in (None, STANDARD):
        return
    check_writable(output)
    check_target(output)
    if not output.parent.is_dir():
        raise UserError(f"{output}: cannot be written: there is no folder {output.parent}")


def check_overwritten(output: Path | None, reads: Iterable[Path | str | None]) -> None:
    """Refuse to write to a file that is read too, be it as standard input, or is part of a run."""
    from seq2seq.runs.finding import run_file_at

    if output is None or not output.is_file():
        return
    if run := run_file_at(output):
        raise UserError(f"{output}: belongs to the run {run}, and would be lost; name another file")
    there = output.stat()
    for file in reads:
        if file is not None and os.path.isfile(file) and os.path.samestat(os.stat(file), there):
            raise UserError(f"{output}: is read too, and would be lost; name another file")
    if _standard_input_is(there):
        raise UserError(f"{output}: is standard input, and would be lost; name another file")


def _standard_input_is(file: os.stat_result) -> bool:
    """Whether standard input is a file that is this one."""
    try:
        return sys.stdin is not None and os.path.samestat(os.fstat(sys.stdin.fileno()), file)
    except (OSError, ValueError):  # it is closed, or no file
        return False


def write_lines(lines: Iterable[str], output: Path | None) -> None:
    """Write to standard output (`-`), or to a file that appears only when it is complete.

    The file is compressed if its name ends in .gz, .bz2 or .xz.
    """
    from seq2seq.data.readers.streams import STANDARD, open_for_writing

    if output in (None, STANDARD):
        at_terminal = sys.stdout.isatty()  # another program gets the bytes as they are
        for line in lines:
            print(legible(line) if at_terminal else line, flush=True)
        return
    if output.exists() and not output.is_file():  # /dev/null, a pipe
        with writing(output), output.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        return
    output = Path(os.path.realpath(output))  # a link stays a link
    part = output.with_name(f".{output.name}.part")
    try:
        with writing(output):
            with open_for_writing(part, output.name) as file:
                file.writelines(f"{line}\n" for line in lines)
            part.replace(output)
    finally:
        part.unlink(missing_ok=True)
