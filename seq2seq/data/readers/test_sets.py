"""Pairs from the test sets of WMT (SGM, XML).

Test sets are often no well-formed XML (`<seg id=1>`, a bare `&`): html.parser reads them, which
knows no declarations of entities at all.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, TypeAlias

from seq2seq.data.languages import same_language
from seq2seq.data.pairs import Pair, one_line
from seq2seq.data.readers.streams import TextFile, open_bytes, told_by_place
from seq2seq.errors import UserError

_SETS = {"srcset", "refset", "tstset", "mteval", "dataset", "doc"}


class Segment(NamedTuple):
    """A sentence of a test set, its language and kind of set, and where it stands."""

    side: str
    """srcset, refset, tstset or hyp; empty where the file does not say."""
    language: str
    document: str
    key: str
    version: str
    """Which of several references it is of."""
    text: str
    line: int


class _SegmentParser(HTMLParser):
    """Collects the segments of SGM and XML test sets."""

    def __init__(self, file: TextFile) -> None:
        super().__init__(convert_charrefs=True)
        self.done: deque[Segment] = deque()
        self._file = file
        self._side = self._language = self._document = self._key = self._version = ""
        self._text: list[str] | None = None
        self._line = 1

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag in ("srcset", "src"):
            self._side, self._version = "srcset", ""
            self._language = given.get("srclang", given.get("lang", ""))
        elif tag in ("refset", "ref"):
            self._side = "refset"
            self._version = given.get("refid", given.get("translator", ""))
            self._language = given.get("trglang", given.get("lang", ""))
        elif tag in ("tstset", "hyp"):
            self._side = "tstset"
            self._version = given.get("sysid", given.get("system", ""))
            self._language = given.get("trglang", given.get("lang", ""))
        elif tag == "doc":
            self._document = given.get("docid", given.get("id", ""))
            if self._side == "refset":  # of an older refset each document names its translator
                self._version = given.get("sysid", self._version)
        elif tag == "seg":
            self._text, self._key, self._line = [], given.get("id", ""), self.getpos()[0]

    def handle_endtag(self, tag: str) -> None:
        if tag == "seg" and self._text is not None:
            text = one_line("".join(self._text)).strip()
            self.done.append(
                Segment(
                    self._side,
                    self._language,
                    self._document,
                    self._key,
                    self._version,
                    text,
                    self._line,
                )
            )
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA["):
            self.handle_data(data.removeprefix("CDATA["))

    def handle_decl(self, decl: str) -> None:
        if "<!ENTITY" in decl.upper():
            raise self._entity()

    def handle_comment(self, data: str) -> None:
        if data.upper().startswith("ENTITY"):  # a declaration, as html.parser sees it
            raise self._entity()

    def _entity(self) -> UserError:
        return UserError(
            f"{self._file}:{self.getpos()[0]}: cannot be read, as it declares an entity: "
            "remove the declaration, and write the text itself"
        )


def segments(file: TextFile) -> Iterator[Segment]:
    """Yield the segments of a test set, in the order in which they stand."""
    parser = _SegmentParser(file)
    number, found = 0, False
    with open_bytes(file) as stream, told_by_place(str(file), lambda: number + 1):
        for number, raw in enumerate(stream, 1):
            try:
                parser.feed(raw.decode("utf-8").removeprefix("\ufeff" if number == 1 else ""))
            except UnicodeDecodeError:
                raise UserError(f"{file}:{number}: expected UTF-8 text") from None
            while parser.done:
                found = True
                yield parser.done.popleft()
    parser.close()
    if not found:
        raise UserError(f"{file}: expected a test set, found no <seg>")


def is_test_set(root: str) -> bool:
    """Whether an outermost element of this name is the root of a test set."""
    return root in _SETS


def open_test_set(file: TextFile, source_language: str, target_language: str) -> SegmentedText:
    """Return the test set in `file`; UserError if it has one side only, or other languages.

    Of a set in the other direction the sides are exchanged.
    """
    first: dict[str, Segment] = {}
    for segment in segments(file):
        first.setdefault(segment.side, segment)
    if not _has_both(first):
        raise UserError(
            f"{file}: expected both sides of a test set, found one; name both files: "
            "[source file, reference file]"
        )
    source = first["srcset"]
    target = first.get("refset") or first["tstset"]
    backwards = _is_in(source, target_language) and _is_in(target, source_language)
    if backwards and not _is_in(source, source_language):
        return SegmentedText(file, source_language, target_language, exchanged=True)
    for segment, language in ((source, source_language), (target, target_language)):
        check_language(file, segment, language)
    return SegmentedText(file, source_language, target_language)


def has_both_sides(file: TextFile) -> bool:
    """Whether a test set holds the source and a translation."""
    sides = set()
    for segment in segments(file):
        sides.add(segment.side)
        if _has_both(sides):
            return True
    return False


def _has_both(sides: Collection[str]) -> bool:
    return "srcset" in sides and ("refset" in sides or "tstset" in sides)


@dataclass(frozen=True)
class SegmentedText:
    """A file with the source and the references of a test set."""

    file: TextFile
    source_language: str
    target_language: str
    exchanged: bool = False
    """Whether the set was made for the other direction."""

    @property
    def doubtful(self) -> bool:
        """Whether the note is a warning."""
        return self.exchanged

    @property
    def note(self) -> str:
        """What there is to say of how it is read."""
        if not self.exchanged:
            return ""
        return (
            f"made to translate {self.target_language} to {self.source_language}; "
            "its references are taken as the source"
        )

    def pairs(self) -> Iterator[Pair]:
        """Yield each segment with its references, in the source's order.

        Segments without a reference are left out; UserError if a reference has no source.
        """
        everything = list(segments(self.file))  # a test set is small
        side = "refset" if any(one.side == "refset" for one in everything) else "tstset"
        found: dict[_Key, list[Segment]] = {}
        for segment, key in _numbered(one for one in everything if one.side == side):
            found.setdefault(key, []).append(segment)
        for source, key in _numbered(one for one in everything if one.side == "srcset"):
            targets = found.pop(key, None)
            if targets is None:
                continue  # WMT gives some documents no reference
            first, *others = targets
            if self.exchanged:
                yield Pair(first.text, source.text, source.line)
                continue
            ours = (other.text for other in others if _is_in(other, self.target_language))
            yield Pair(source.text, first.text, source.line, tuple(ours))
        for left, *_ in found.values():
            raise UserError(
                f"{self.file}:{left.line}: segment {left.key!r} of document {left.document!r} has "
                "no source, or two of them"
            )


_Key: TypeAlias = tuple[str, str, int]


def _numbered(segments: Iterable[Segment]) -> Iterator[tuple[Segment, _Key]]:
    """Yield each segment with its document and key; where there is no key, with its number."""
    seen: Counter[tuple[str, str]] = Counter()
    for segment in segments:
        number = 0
        if not segment.key:
            number = seen[segment.version, segment.document]
            seen[segment.version, segment.document] += 1
        yield segment, (segment.document, segment.key, number)


def check_language(file: TextFile, segment: Segment, language: str) -> None:
    """Refuse a segment that is said to be in another language; `any` is every language."""
    if not _is_in(segment, language):
        said = segment.language
        raise UserError(f"{file}:{segment.line}: expected segments in {language}, found {said}")


def _is_in(segment: Segment, language: str) -> bool:
    said = segment.language
    return not said or said.casefold() == "any" or same_language(said, language)


def first_version(file: TextFile) -> Iterator[Segment]:
    """Yield the segments of a one-sided file; of several references the first's."""
    version: str | None = None
    for segment in segments(file):
        version = segment.version if version is None else version
        if segment.version == version:
            yield segment


def _other_versions(file: TextFile, language: str) -> dict[_Key, list[str]]:
    """The texts of each segment that are not of the first version, but of its side and language."""
    everything = list(segments(file))  # a test set is small
    first = everything[0]
    others: dict[_Key, list[str]] = {}
    for segment, key in _numbered(everything):
        alike = segment.side == first.side and (not language or _is_in(segment, language))
        if alike and segment.version != first.version:
            others.setdefault(key, []).append(segment.text)
    return others


def all_versions(file: TextFile) -> list[list[str | None]]:
    """Return each version of a one-sided file, aligned with the first; None where it lacks one."""
    first = list(_numbered(first_version(file)))
    others = _other_versions(file, first[0][0].language)
    texts = ([segment.text, *others.get(key, ())] for segment, key in first)
    return [list(version) for version in zip_longest(*texts)]


def aligned_segments(
    source: TextFile, target: TextFile, source_language: str, target_language: str
) -> Iterator[Pair]:
    """Yield the pairs of two one-sided test sets; UserError where they name other segments."""
    others = _other_versions(target, target_language)
    sides = zip_longest(first_version(source), _numbered(first_version(target)))
    for number, (left, numbered) in enumerate(sides, 1):
        right = numbered and numbered[0]
        if left is None or right is None or numbered is None:
            short, longer = (source, target) if left is None else (target, source)
            raise UserError(f"{short} has {number - 1} segments, and {longer} has more")
        check_language(source, left, source_language)
        check_language(target, right, target_language)
        if (left.document, left.key) != (right.document, right.key):
            raise UserError(
                f"{target}:{right.line}: expected segment {left.key!r} of document "
                f"{left.document!r}, as {source}:{left.line} has, found {right.key!r} of "
                f"{right.document!r}"
            )
        yield Pair(left.text, right.text, left.line, tuple(others.get(numbered[1], ())))


SGM = (".sgm", ".sgml")
"""Endings of one-sided (or whole) test sets."""


def is_sgm(file: TextFile | str) -> bool:
    """Whether the name of a file, compressed or not, is the name of an SGM test set."""
    name = file if isinstance(file, str) else file.name
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:]]
    return any(suffix in SGM for suffix in suffixes)
