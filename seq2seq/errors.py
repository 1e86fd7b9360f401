"""The one error for mistakes of the user, and a hint for misspelt names."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake that the user can correct: one line with place, expectation, finding, way out.

    The library raises it; the command line prints it on standard error and exits with status 2.
    Whatever of a file or of an argument stands in the message, it is one line.
    """

    def __init__(self, message: str) -> None:
        """Take the message, which may quote anything."""
        super().__init__(printable(message))


class DamagedError(UserError):
    """A file that was written by this program is not what it was: it is cut, changed or missing."""


class RankError(UserError):
    """A mistake that only one of several processes sees, so that it must tell of it itself."""


def printable(text: str) -> str:
    """Return `text` with what would end the line or move the cursor escaped, as in `\\n`.

    The bytes of a file's name that are no text stay as they are.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    is_byte = "\udc80" <= character <= "\udcff"
    return character if character.isprintable() or is_byte else repr(character)[1:-1]


def shortened(text: str, most: int = 200) -> str:
    """Return `text` with its middle left out where it is longer than `most` characters."""
    half = most // 2 - 3
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known name nearest to `name`, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
