"""Pairs from translation memories (TMX).

TMX is read by the standard library's expat, as a stream. A file that declares entities is refused,
so that none can grow without end or reach for another file; lxml and defusedxml were considered,
and give no more than this.
"""

from __future__ import annotations

import html
import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from xml.parsers import expat

from seq2seq.data.languages import same_language
from seq2seq.data.pairs import Pair, one_line
from seq2seq.data.readers.streams import TextFile, open_bytes, told_by_place
from seq2seq.errors import UserError

logger = logging.getLogger(__name__)

_BLOCK = 1 << 16
_LOOKED_AT = 50  # units
_CODE = {"bpt", "ept", "it", "ph", "ut", "sub"}  # what is in them is another program's markup


@dataclass
class Memory:
    """A TMX file: translation units, each with a variant in some languages."""

    file: TextFile
    source_language: str
    target_language: str
    _told: bool = field(default=False, compare=False, repr=False)

    def pairs(self) -> Iterator[Pair]:
        """Yield the units that have both languages; of several sources the first.

        Raises UserError if the file is not well-formed XML, if it declares entities, and if no
        unit has both languages.
        """
        seen: Counter[str] = Counter()
        used = skipped = 0
        for unit in _units(self.file):
            seen.update(language for language, _ in unit.variants)
            sources, targets = (
                _variants(unit.variants, language)
                for language in (self.source_language, self.target_language)
            )
            if not (sources and targets):
                skipped += 1
                continue
            used += 1
            target, *others = targets
            yield Pair(sources[0], target, unit.line, tuple(others))
        if not used:
            languages = ", ".join(sorted(seen)) or "none"
            raise UserError(
                f"{self.file}: expected translation units with {self.source_language} and "
                f"{self.target_language}, found {languages}"
            )
        if skipped and not self._told:
            self._told = True  # a corpus is read several times
            logger.info(
                "%s: %s of %s units lack %s or %s, and are left out",
                self.file,
                *(f"{skipped:,}", f"{used + skipped:,}"),
                *(self.source_language, self.target_language),
            )


def languages_in(file: TextFile) -> list[str]:
    """Return the languages of the first units of a TMX file, as they are tagged, in their order."""
    units = islice(_units(file), _LOOKED_AT)
    return list(dict.fromkeys(language for unit in units for language, _ in unit.variants))


class _Unit(NamedTuple):
    line: int
    variants: list[tuple[str, str]]


def _variants(variants: Sequence[tuple[str, str]], language: str) -> list[str]:
    """The texts that are tagged as the language, or else as a region's."""
    wanted = language.casefold().replace("_", "-")
    exact = [text for tag, text in variants if tag.casefold().replace("_", "-") == wanted]
    return exact or [text for tag, text in variants if same_language(tag, language)]


class _UnitParser:
    """Collects translation units from expat's events."""

    def __init__(self, file: TextFile) -> None:
        self.done: deque[_Unit] = deque()
        self._file = file
        self._line, self._language = 1, ""
        self._variants: list[tuple[str, str]] = []
        self._text: list[str] | None = None
        self._code = 0
        self.parser = expat.ParserCreate(namespace_separator=None)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.EntityDeclHandler = self._entity
        self.parser.SkippedEntityHandler = self._skipped

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.lower()
        if name == "tu":
            self._line, self._variants = self.parser.CurrentLineNumber, []
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang") or ""
        elif name == "seg":
            self._text, self._code = [], 0
        elif name in _CODE:
            self._code += 1

    def _end(self, name: str) -> None:
        name = name.lower()
        if name == "tu":
            self.done.append(_Unit(self._line, self._variants))
        elif name == "seg" and self._text is not None:
            self._variants.append((self._language, one_line("".join(self._text)).strip()))
            self._text = None
        elif name in _CODE:
            self._code -= 1

    def _data(self, text: str) -> None:
        if self._text is not None and not self._code:
            self._text.append(text)

    def _entity(self, name: str, *_: object) -> None:
        raise UserError(
            f"{self._file}:{self.parser.CurrentLineNumber}: cannot be read, as it declares an "
            f"entity, {name!r}: remove the declaration, and write the text itself"
        )

    def _skipped(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:  # of a DTD that is named and not read: &nbsp;
            self._data(html.unescape(f"&{name};"))


def _units(file: TextFile) -> Iterator[_Unit]:
    units = _UnitParser(file)
    parser = units.parser
    with open_bytes(file) as stream:
        try:
            with told_by_place(str(file), lambda: parser.CurrentLineNumber):
                while block := stream.read(_BLOCK):
                    parser.Parse(block, False)
                    while units.done:
                        yield units.done.popleft()
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise UserError(f"{file}:{error.lineno}: not well-formed XML: {reason}") from None
    yield from units.done
