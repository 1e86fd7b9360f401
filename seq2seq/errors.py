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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known name nearest to `name`, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
