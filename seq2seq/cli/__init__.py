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
import tempfile
import traceback
from contextlib import suppress
from typing import Annotated

import typer

from seq2seq import __version__
from seq2seq.cli import (
    benching,
    checking,
    comparing,
    configuration,
    data,
    explaining,
    exporting,
    listing,
    measuring,
    training,
    translating,
)
from seq2seq.cli.options import at_home, refuse_empty
from seq2seq.cli.output import legible, tell
from seq2seq.cli.usage import is_usage, usage_told
from seq2seq.errors import RankError, UserError, printable, shortened
from seq2seq.extension import file_that_ended
from seq2seq.machine.allocator import keep_freed_memory
from seq2seq.machine.launched import is_first_here, world_size
from seq2seq.machine.memory import is_out_of_memory

app = typer.Typer(
    name="seq2seq",
    help="Train, study and compare attention in recurrent sequence-to-sequence translation.",
    epilog="Training writes a run directory under runs/, which holds all that translating needs. "
    "Start with: seq2seq train --config demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    *(training, translating, explaining, measuring, comparing),
    *(exporting, listing, checking),
):
    app.registered_commands += group.app.registered_commands
app.add_typer(data.app, name="data", no_args_is_help=True)
app.add_typer(configuration.app, name="config", no_args_is_help=True)
app.add_typer(checking.attention, name="attention", no_args_is_help=True)
app.add_typer(benching.app, name="bench", no_args_is_help=True)


def main() -> None:
    """Run the command line; print an error that the user can correct as one line."""
    try:
        _run()
    except SystemExit as end:
        if world_size() > 1:
            _end_at_once(end)
        raise


def _end_at_once(end: SystemExit) -> None:
    """End one of several processes by all that is done at exit, but for the end of Python itself.

    A thread of torch.distributed that lets go of its last tensor while Python ends aborts the
    process (`terminate called without an active exception`), or waits for ever.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def _run() -> None:
    keep_freed_memory()
    # Importing torch makes 180,000 objects that stay. Searching them for garbage takes 0.15 s at
    # the usual threshold, and 0.5 s at exit.
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)
    _open_closed_streams()
    arguments, debug = _without_debug(at_home(sys.argv[1:]))
    codecs.register_error(_AS_BYTES, _as_bytes)
    for stream in (sys.stdout, sys.stderr):  # text that the locale can't encode is text too
        stream.reconfigure(encoding="utf-8", errors=_AS_BYTES)  # type: ignore[union-attr]
    try:
        try:
            command = typer.main.get_command(app)
            refuse_empty(command, arguments)
            # Not standalone: its usage and its errors would be several lines.
            status = command.main(arguments, prog_name="seq2seq", standalone_mode=False)
        finally:
            sys.stdout.flush()  # here, where a full disk or a closed pipe can still be reported
        sys.exit(status if isinstance(status, int) else 0)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as end:
        if (file := file_that_ended(end)) is not None:
            print(f"error: {legible(str(file))}: its code ended the program", file=sys.stderr)
            end.code = 1
        raise
    except Exception as error:
        if isinstance(error, typer.Abort):  # Ctrl-C, in older releases of typer
            sys.exit(130)
        if is_usage(error):
            print(usage_told(error, arguments), file=sys.stderr)
            sys.exit(2)
        foreseen = isinstance(error, (UserError, OSError)) or is_out_of_memory(error)
        if debug:
            traceback.print_exc()
        tells = is_first_here() or isinstance(error, RankError)  # of several processes
        if tells and not isinstance(error, BrokenPipeError):  # `| head` has read enough
            print(f"error: {legible(_one_line(error, foreseen, debug))}", file=sys.stderr)
        _drop_output()
        sys.exit(2 if foreseen else 1)


_AS_BYTES = "seq2seq.as_bytes"


def _as_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write a file name as its own bytes, whatever the locale; other characters as escapes."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _open_closed_streams() -> None:
    """Open standard streams that the caller closed (`>&-`) on the null device.

    Python has None for a closed stream, and the next file that is opened would get its number: a
    library that writes to standard error would then write into a checkpoint.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            lowest_free = os.open(os.devnull, os.O_RDWR)
            stream = os.fdopen(lowest_free, "w" if number else "r", encoding="utf-8")
            setattr(sys, name, stream)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without --debug, and whether it was there: it may follow the command too."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    return [item for item in options if item != "--debug"] + arguments[len(options) :], debug


def _one_line(error: Exception, foreseen: bool, debug: bool) -> str:
    """The message of an error, without the characters that would make more of it than a line."""
    message = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    elif isinstance(error, OSError) and error.strerror is not None:
        message = error.strerror
    elif is_out_of_memory(error):
        message = f"not enough memory: {_start(error)}; choose smaller sizes, batches or a beam"
    elif not foreseen:
        told = "what stands above" if debug else _write_traceback()
        message = f"{type(error).__name__}: {_start(error)}: not foreseen; please report {told}"
    return shortened(printable(" ".join(message.splitlines())), _LONGEST_MESSAGE)


_LONGEST_MESSAGE = 2000


def _start(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or ["no message"])[0][:300]


def _write_traceback() -> str:
    """Write the traceback of the exception at hand into a new file; return its name."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="seq2seq-", suffix=".log", encoding="utf-8", errors=_AS_BYTES, delete=False
        ) as file:
            traceback.print_exc(file=file)
    except OSError:
        return "what --debug shows"
    return file.name


def _drop_output() -> None:
    """Discard unwritten output, so that Python does not try to write it again at exit."""
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
        bool,
        typer.Option("--debug", help="Show the traceback of an error; may follow the command."),
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
    logging.raiseExceptions = False  # training goes on if a log line can't be written


class _BarSafeHandler(logging.Handler):
    """Writes above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error."""
        from tqdm import tqdm

        try:
            tqdm.write(legible(self.format(record)), file=sys.stderr)
        except OSError:
            self.handleError(record)


@app.command(
    short_help="Show versions, device, cache and the newest run.", epilog="Example: seq2seq doctor"
)
def doctor() -> None:
    """Show the versions of packages, the device, the cache folder and the newest run."""
    from seq2seq.environment import describe_environment

    tell(describe_environment())
