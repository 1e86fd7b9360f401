"""The one error for mistakes of the user, and a hint for misspelt names."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake that the user can correct: one line with place, expectation, finding, way out.

    The library raises it; the command line prints it on standard error and exits with status 2.
    """


class DamagedError(UserError):
    """A file that was written by this program is not what it was: it is cut, changed or missing."""


class RankError(UserError):
    """A mistake that only one of several processes sees, so that it must tell of it itself."""


def shortened(text: str, most: int = 200) -> str:
    """Return `text` with its middle left out where it is longer than `most` characters."""
    half = most // 2 - 3
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known name nearest to `name`, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
