"""What is no command, option or value of one, told in a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from seq2seq.errors import printable, shortened


def is_usage(error: Exception) -> bool:
    """Return whether typer raised `error`, of which it brings its own kinds with it."""
    return hasattr(error, "format_message") and hasattr(error, "ctx")


def usage_told(error: Any, arguments: Sequence[str]) -> str:
    """Return the command, what is wrong with it, what was given, and how to see what is right.

    Of a command that was given nothing it is the help.
    """
    said = str(error.format_message()).rstrip(".")
    if said.startswith("Usage:"):
        return said
    path = error.ctx.command_path if error.ctx else "seq2seq"
    place = path.partition(" ")[2]
    names = [*getattr(getattr(error, "param", None), "opts", ())]
    found = _given(names, arguments)
    return (
        f"error: {place}{': ' if place else ''}{printable(said[:1].lower() + said[1:])}"
        f"{'' if found is None else f', found {shortened(repr(found))}'}; see {path} --help"
    )


def _given(names: Sequence[str], arguments: Sequence[str]) -> str | None:
    """The value of the option of these names, if there is one."""
    for argument, after in zip_longest(arguments, arguments[1:]):
        option, equals, value = argument.partition("=")
        if option in names and option.startswith("-"):
            return value if equals else after
    return None
