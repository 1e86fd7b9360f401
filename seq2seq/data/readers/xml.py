"""The outermost element of an XML file, which says what it is."""

from __future__ import annotations

import re

from seq2seq.data.readers.streams import TextFile, open_bytes, told_by_place

_BLOCK = 1 << 16


def root_of(file: TextFile) -> str:
    """Return the name of the outermost element, in lower case; an empty string if there is none."""
    with open_bytes(file) as stream, told_by_place(str(file), lambda: 1):
        head = stream.read(_BLOCK)
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "ignore")
    found = re.search(r"<([A-Za-z][\w.:-]*)", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    return found[1].lower() if found else ""
