"""The languages of a corpus, from its file names, a header row, or its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from seq2seq.data.corpus import Columns, locate_corpus, without_endings
from seq2seq.data.corpus.kinds import kind_of
from seq2seq.data.corpus.patterns import is_pattern, matching
from seq2seq.data.identification import SAMPLE, guess_language
from seq2seq.data.languages import known_language
from seq2seq.data.readers.column_names import language_in
from seq2seq.data.readers.layouts import first_names
from seq2seq.data.readers.memories import languages_in
from seq2seq.data.readers.streams import bare_name, members
from seq2seq.data.readers.xml import root_of
from seq2seq.errors import UserError

UNKNOWN = ("source", "target")
"""The names of the languages where they are unknown."""

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")
_PAIR = re.compile(r"(?:^|[._-])([a-z]{2})[-_]([a-z]{2})$")


def languages_of(specs: Sequence[str]) -> tuple[str, str] | None:
    """Return the two languages in the file names of a corpus: `a.en a.fr`, `a.en-fr.tsv`.

    None if there are none, or the same one twice. `fra-eng.txt` is not taken: Tatoeba's files of
    such names have English first.
    """
    stems = list(map(without_endings, specs))
    found = None
    if len(stems) == 2:
        endings = [stem.suffix[1:] for stem in stems]
        # One known language is enough: `a.en a.nah` is taken, `a.old a.new` is not.
        if all(map(_LANGUAGE.fullmatch, endings)) and any(map(known_language, endings)):
            found = (endings[0], endings[1])
    elif len(stems) == 1 and (match := _PAIR.search(stems[0].name)):
        pair = (match[1], match[2])
        found = pair if all(map(known_language, pair)) else None
    return found if found and found[0] != found[1] else None


def name_of(specs: Sequence[str], languages: tuple[str, str]) -> str:
    """Return a name for a corpus: its first file's name without format and language."""
    stem = without_endings(specs[0])
    if stem.suffix[1:] in languages:
        stem = stem.with_suffix("")
    plain = re.sub(r"[-_.]*(\*+|\?|\[[^\]]*\])[-_.]*", "", stem.name)  # of a pattern
    return plain or re.sub(r"[*?\[\]]", "", stem.parent.name) or "corpus"


def languages_inside(
    spec: str | list[str], columns: Columns | None = None
) -> tuple[str, str] | None:
    """Return the two languages that a header, keys, tags or the files of a .zip name.

    If they name none, guess from the two texts; None if two languages can't be found.
    """
    named = _named_in(spec) if isinstance(spec, str) else []
    codes = list(dict.fromkeys(known_language(name) or name for name in named))
    return (codes[0], codes[1]) if len(codes) == 2 else _of_text(spec, columns)


def _named_in(name: str) -> list[str]:
    """The languages that are named in a file of both sides, in their order there."""
    path = Path(next(iter(matching(name)), name) if is_pattern(name) else name)
    if not path.is_file() or without_endings(path) == path:
        return []
    kind = kind_of(path.name)
    try:
        if kind == "zip":
            endings = [Path(bare_name(Path(member))).suffix[1:] for member in members(path)]
            return [ending for ending in endings if known_language(ending)]
        if kind == "tmx" or kind == "xml":
            return languages_in(path) if kind == "tmx" or root_of(path) == "tmx" else []
        cells = first_names(path, kind or "tsv")
    except UserError:  # told when it is read in earnest
        return []
    return [language for cell in cells if (language := language_in(cell.strip()))]


def _of_text(spec: str | list[str], columns: Columns | None) -> tuple[str, str] | None:
    try:
        pairs = list(islice(locate_corpus(spec, *UNKNOWN, columns).pairs(), SAMPLE))
    except UserError:  # told when it is read in earnest
        return None
    sides = [pair.source for pair in pairs], [pair.target for pair in pairs]
    guesses = list(map(guess_language, sides))
    if not all(guesses) or guesses[0][0] == guesses[1][0]:
        return None
    return guesses[0][0], guesses[1][0]
