"""The command line: parse, call one library function, print.

Results go to standard output, everything else to standard error. A user's mistake is one line and
exit status 2. Nothing here imports torch before a command needs it.
"""

from __future__ import annotations

import atexit
import codecs
import gc
import logging
import os
import sys
import traceback
from typing import Annotated

import typer

from seq2seq import __version__
from seq2seq.cli import (
    benching,
    checking,
    configuration,
    data,
    explaining,
    exporting,
    listing,
    measuring,
    training,
    translating,
)
from seq2seq.cli.options import at_home
from seq2seq.errors import UserError
from seq2seq.machine.allocator import keep_freed_memory

app = typer.Typer(
    name="seq2seq",
    help="Train, study and compare attention in recurrent sequence-to-sequence translation.",
    epilog="A run directory under runs/ holds all that translating needs. Start with: "
    "seq2seq train --config demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (training, translating, explaining, measuring, exporting, listing, checking):
    app.registered_commands += group.app.registered_commands
app.add_typer(data.app, name="data", no_args_is_help=True)
app.add_typer(configuration.app, name="config", no_args_is_help=True)
app.add_typer(checking.attention, name="attention", no_args_is_help=True)
app.add_typer(benching.app, name="bench", no_args_is_help=True)


def main() -> None:
    """Run the command line; turn what a user can mend into one line."""
    keep_freed_memory()
    # Importing torch makes 180,000 objects that stay: to look through them for garbage at the usual
    # pace takes 0.15 s, and at the end 0.5 s.
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)
    _open_closed_streams()
    arguments, debug = _without_debug(at_home(sys.argv[1:]))
    codecs.register_error(_AS_BYTES, _as_bytes)
    for stream in (sys.stdout, sys.stderr):  # whatever the locale says: what it can't spell is text
        stream.reconfigure(encoding="utf-8", errors=_AS_BYTES)  # type: ignore[union-attr]
    try:
        try:
            app(arguments, prog_name="seq2seq")
        finally:
            sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told of
    except (UserError, OSError) as error:
        if debug:
            traceback.print_exc()
        if not isinstance(error, BrokenPipeError):  # `| head` has read enough
            print(f"error: {_one_line(error)}", file=sys.stderr)
        _drop_output()
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


_AS_BYTES = "seq2seq.as_bytes"


def _as_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write a file's name as the bytes it has, however the locale reads them; else its escapes."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _open_closed_streams() -> None:
    """Have standard streams that the caller closed (`>&-`) be open to nothing.

    Python has None for them, and the next file to be opened would get the number of one: what a
    library then writes to standard error would stand in a checkpoint.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            found = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            stream = os.fdopen(found, "w" if number else "r", encoding="utf-8")
            setattr(sys, name, stream)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments, and whether --debug was among them: it may stand after the command too."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    return [item for item in options if item != "--debug"] + arguments[len(options) :], debug


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror
    return " ".join(str(error).split())


def _drop_output() -> None:
    """Have what could not be written not be tried again, and complained of, at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"seq2seq {__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only warnings and errors on standard error.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (after a command too).")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    handler = _BarSafeHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("seq2seq")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)  # for train.log too, however quiet standard error is
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    logging.raiseExceptions = False  # a log line that can't be written stops no training


class _BarSafeHandler(logging.Handler):
    """Writes above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error."""
        from tqdm import tqdm

        try:
            tqdm.write(self.format(record), file=sys.stderr)
        except OSError:
            self.handleError(record)


@app.command(
    short_help="Show versions, device, cache and the newest run.", epilog="Example: seq2seq doctor"
)
def doctor() -> None:
    """Show what this program runs on: versions, device, cache and the newest run."""
    from seq2seq.environment import describe_environment

    print(describe_environment())
