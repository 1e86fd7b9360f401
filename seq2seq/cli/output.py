"""What is printed, with nothing in it that a terminal would obey.

A name, a piece of a vocabulary or a setting may come from a stranger's run, and hold the escape
sequences that move the cursor, set the title or answer as if the user had typed.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # C0 but for tab and newline, DEL, C1


def legible(text: str) -> str:
    r"""Return a text whose control characters are written out, as `\u001b`: JSON stays the same."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def tell(*values: object, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
    """Print what is for people to read, or JSON."""
    print(legible(sep.join(map(str, values))), end=end, flush=flush)
