"""Which languages a corpus is in, as far as the names of its files tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seq2seq.data.corpus import without_endings

UNKNOWN = ("source", "target")
"""What the languages are called where nothing tells them."""

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")
_PAIR = re.compile(r"(?:^|[._-])([a-z]{2})[-_]([a-z]{2})$")


def languages_of(specs: Sequence[str]) -> tuple[str, str] | None:
    """Return the two languages that the names of a corpus tell: `a.en a.fr`, `a.en-fr.tsv`.

    None if they tell none, or the same one twice. `fra-eng.txt` tells none: Tatoeba's files of such
    names begin with the English.
    """
    stems = list(map(without_endings, specs))
    found = None
    if len(stems) == 2:
        endings = [stem.suffix[1:] for stem in stems]
        if all(map(_LANGUAGE.fullmatch, endings)):
            found = (endings[0], endings[1])
    elif len(stems) == 1 and (match := _PAIR.search(stems[0].name)):
        found = (match[1], match[2])
    return found if found and found[0] != found[1] else None


def name_of(specs: Sequence[str], languages: tuple[str, str]) -> str:
    """Return what to call a corpus: its first file's name without format and language."""
    stem = without_endings(specs[0])
    if stem.suffix[1:] in languages:
        stem = stem.with_suffix("")
    return stem.name or "corpus"
