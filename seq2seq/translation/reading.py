"""A text, or the name of a file -> what a search starts from; without torch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

from seq2seq.config import DecodingConfig
from seq2seq.data.scripts import letters_of
from seq2seq.data.sources import FileReader, Rows
from seq2seq.data.text import clean_target
from seq2seq.data.tokenizer import UNK, Tokenizers, WordPieces
from seq2seq.errors import UserError
from seq2seq.translation.edits import spans_of
from seq2seq.translation.tags import Tag, take_out_tags

logger = logging.getLogger(__name__)

_LONGEST_PIECE = 16  # characters, by SentencePiece's own limit


class Source(NamedTuple):
    """A sentence as it is read; where sources are files, a file by its name."""

    number: int
    text: str
    ids: list[int] | Rows
    """Of its pieces, without an end; of a file, rows of features."""
    stand_in: str | None = None
    """The translation where no word is known, and nothing is searched for."""
    tags: tuple[Tag, ...] = ()
    """What was taken out of the text, to be put back by `decoding.keep`."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to read."""
        return not len(self.ids)

    @property
    def is_searched(self) -> bool:
        """Whether there is something to search for."""
        return not self.is_blank and self.stand_in is None

    @property
    def unknown(self) -> int:
        """How many pieces stand for text that the models can't spell."""
        return self.ids.count(UNK) if isinstance(self.ids, list) else 0


class SourceReader(Protocol):
    """What reads one run's sources: texts, or files."""

    def read(self, number: int, text: str, options: DecodingConfig) -> Source:
        """Return source `number` (from 0) as it is searched for; warn of what is long."""

    def ids(self, text: str) -> list[int] | Rows:
        """Return what stands for each position of a source, without an end."""

    def words(self, text: str) -> list[WordPieces]:
        """Return the words of a source and their places in `ids(text)`."""

    def pieces(self, source: Source) -> list[str]:
        """Return a name for each position of a source."""


class PositionReader:
    """Reads files as one run's models do; each position is a word, named after its place."""

    def __init__(self, files: FileReader, *, max_length: int) -> None:
        self._files = files
        self._max_length = max_length

    def read(self, number: int, text: str, options: DecodingConfig) -> Source:
        """Return file `number`; UserError if it can't be read, or has too many positions."""
        rows = self.ids(text)
        if options.keep:
            raise UserError(f"decoding.keep needs text, and sources are files ({self._files.kind})")
        if len(rows) > options.max_source:
            raise UserError(
                f"{text.strip()}: expected at most {options.max_source} positions "
                f"(decoding.max_source), found {len(rows)}"
            )
        if len(rows) > self._max_length:
            logger.warning(
                "line %d has %d positions, more than the %d that training saw (data.max_length)",
                *(number + 1, len(rows), self._max_length),
            )
        return Source(number, text.strip(), rows)

    def ids(self, text: str) -> Rows:
        """Return the rows of features."""
        return self._files.encode(text)

    def words(self, text: str) -> list[WordPieces]:
        """Return each position as a word."""
        return [WordPieces(label, (at,)) for at, label in enumerate(self._files.labels(text))]

    def pieces(self, source: Source) -> list[str]:
        """Return the names of the positions."""
        return self._files.labels(source.text)


def open_source_reader(
    tokenizers: Tokenizers, *, max_length: int, scripts: frozenset[str]
) -> SourceReader:
    """Return what reads the sources; `scripts` are those of texts, of the language and training."""
    if isinstance(tokenizers.input, FileReader):
        return PositionReader(tokenizers.input, max_length=max_length)
    return Reader(tokenizers, max_length=max_length, scripts=scripts)


class Reader:
    """Cleans, cuts and spells texts as one run's models read them."""

    def __init__(self, tokenizers: Tokenizers, *, max_length: int, scripts: frozenset[str]) -> None:
        """`scripts` are those of the source language, and of training sources."""
        self._tokenizer = tokenizers.source
        self._joint = tokenizers.joint
        self._max_length = max_length
        self._given_scripts = scripts

    def read(self, number: int, text: str, options: DecodingConfig) -> Source:
        """Return text `number` (from 0) as it is searched for; warn of what is long."""
        read = whole = self._cut(number, text, options.max_source)
        tags: tuple[Tag, ...] = ()
        if options.keep:
            read, tags = take_out_tags(clean_target(read))  # its words stand as in the text
        ids = self._tokenizer.encode(read)
        if tags and not ids:
            return Source(number, read, ids, text)
        if options.unknown != "translate" and self._knows_no_word(ids):
            return Source(number, read, ids, text if options.unknown == "copy" else "")
        if len(ids) > self._max_length and len(whole) == len(text):  # else _cut has warned
            logger.warning(
                "line %d has %d pieces, more than the %d that training saw (data.max_length)",
                number + 1,
                len(ids),
                self._max_length,
            )
        return Source(number, read, ids, tags=tags)

    def ids(self, text: str) -> list[int]:
        """Return the ids of the pieces."""
        return self._tokenizer.encode(text)

    def words(self, text: str) -> list[WordPieces]:
        """Return the words with the places of their pieces."""
        return self._tokenizer.source_words(text)

    def pieces(self, source: Source) -> list[str]:
        """Return the pieces as they are written."""
        assert isinstance(source.ids, list)
        return self._tokenizer.pieces(source.ids)

    def _cut(self, number: int, text: str, limit: int) -> str:
        """The first words of `text`, of up to `limit` pieces; of one endless word, its start.

        A very long text is cut to a bound of characters before it is spelt, to save time.
        """
        if len(text) < limit:
            return text
        bound = limit * _LONGEST_PIECE
        whole = text if len(text) <= bound else " ".join(text.split())
        start = clean_target(whole[:bound])  # its words are as they are spelt
        words = self._tokenizer.source_words(start)
        if len(whole) <= bound and sum(len(word.pieces) for word in words) <= limit:
            return whole
        end = pieces = 0
        for (_, stop), word in zip(spans_of(start, words), words, strict=True):
            pieces += len(word.pieces)
            if pieces > limit:
                break
            end = stop
        read = start[: end or max(1, limit - 1)]
        logger.warning(
            "line %d has %d characters, which are more than %d pieces (decoding.max_source): only "
            "the first %d characters are translated",
            number + 1,
            len(text),
            limit,
            len(read),
        )
        return read

    def _knows_no_word(self, ids: Sequence[int]) -> bool:
        """Whether there are words, and none of them has a letter that training saw in a source.

        Digits and punctuation don't count, as text of any script has them. In a vocabulary for both
        languages only letters of the source's scripts count: others come from targets.
        """
        known = self._tokenizer.decode(id_ for id_ in ids if id_ != UNK)
        if letters_of(known, self._scripts):
            return False
        return UNK in ids or bool(letters_of(known, frozenset()))

    @cached_property
    def _scripts(self) -> frozenset[str]:
        """The scripts of sources, where the vocabulary is for both languages.

        Empty if none is known, or the vocabulary has no letter of them, or is the source's alone.
        """
        if not self._joint:
            return frozenset()
        vocabulary = self._tokenizer.decode(range(len(self._tokenizer)))
        return self._given_scripts if letters_of(vocabulary, self._given_scripts) else frozenset()
