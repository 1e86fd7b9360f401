"""Text in, translations out, whatever searches in between; without torch.

Shapes: T target steps, S source positions, H heads.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from seq2seq.config import DecodingConfig, revise
from seq2seq.data.scripts import letters_of, scripts_of
from seq2seq.data.text import clean_target
from seq2seq.data.tokenizer import EOS, UNK, Tokenizers, WordPieces
from seq2seq.errors import UserError
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.translation.edits import spans_of
from seq2seq.translation.keep import find_tokens, keep
from seq2seq.translation.tags import Tag, take_out_tags
from seq2seq.translation.translation import END, Candidate, Translation

if TYPE_CHECKING:
    from seq2seq.machine.workers import Workers

logger = logging.getLogger(__name__)

_MANY = 400  # sentences, before which workers don't pay: they take a tenth of a second to start
_LEAST = 32  # sentences for each of them
_WINDOW = 50  # batches read ahead, or `_MANY`, so that sentences of like length come together
_ROOM = 10  # target pieces allowed beyond max_ratio x source pieces
_LONGEST_PIECE = 16  # characters, by SentencePiece's own limit
_SHOWN = 5  # line numbers in a warning about many


class Source(NamedTuple):
    """A sentence; `ids` are its pieces without an end.

    `stand_in` takes the place of a translation where no word is known.
    """

    number: int
    text: str
    ids: list[int]
    stand_in: str | None = None
    tags: tuple[Tag, ...] = ()
    """What was taken out of the text, to be put back by `decoding.keep`."""


Search = Callable[[Sequence[Source]], list[list[Hypothesis]]]
"""A batch of sentences, none of them blank -> the hypotheses of each, best first."""


class TextTranslator:
    """The contract of what translates text: a subclass gives `stream` and `has_attention`."""

    def __init__(
        self,
        tokenizers: Tokenizers,
        *,
        options: DecodingConfig,
        source_end: bool,
        max_length: int,
        language: str = "",
        scripts: Iterable[str] = (),
    ) -> None:
        """`max_length` is the longest source, in pieces, that training saw: longer ones warn.

        `language` is the code of the source's, and `scripts` are those that training sources were
        written in; they tell text of another script.
        """
        self.tokenizers = tokenizers
        """Of source and target."""
        self.options = options
        """The settings of decoding where a call names no others."""
        self._source_end = source_end
        self._max_length = max_length
        self._language = language
        self._trained_scripts = frozenset(scripts)

    @property
    def has_attention(self) -> bool:
        """Whether all models have attention weights."""
        raise NotImplementedError

    def require_attention(self, purpose: str) -> None:
        """Raise UserError, naming what they are for, if a model has no attention weights."""
        if not self.has_attention:
            raise UserError(f"{purpose}: the model has no attention weights (attention kind none)")

    @overload
    def translate(  # a str is one text, and never its letters
        self, texts: str, options: DecodingConfig | None = None, **changes: Any
    ) -> Translation: ...

    @overload
    def translate(
        self, texts: Iterable[str], options: DecodingConfig | None = None, **changes: Any
    ) -> list[Translation]: ...

    def translate(
        self, texts: str | Iterable[str], options: DecodingConfig | None = None, **changes: Any
    ) -> Translation | list[Translation]:
        """Return the translation of one text, or of each of several, in order.

        A blank text gives a blank one. `changes` are settings of decoding for this call (`beam=1,
        n_best=1`), on top of `options` or the run's own; UserError if they can't be. Logs a warning
        of what the model does not know.
        """
        options = self._revised(options, changes)
        found = list(tell_unknown(self.stream(texts, options)))
        return found[0] if isinstance(texts, str) else found

    def stream(
        self,
        texts: str | Iterable[str],
        options: DecodingConfig | None = None,
        *,
        ahead: int | None = None,
        waits: Callable[[], bool] | None = None,
    ) -> Iterator[Translation]:
        """Yield the translation of each text, in order, reading `ahead` of them before the first.

        The default is many batches of them, for speed; 1 answers each text at once. With `waits`,
        which tells whether another text is there already, those read are answered when none is.
        """
        raise NotImplementedError

    def _revised(
        self, options: DecodingConfig | None, changes: Mapping[str, Any]
    ) -> DecodingConfig:
        """`options`, or the translator's own, with `changes` by name."""
        chosen = self.options if options is None else options
        if not isinstance(chosen, DecodingConfig):
            raise UserError(f"options: expected a DecodingConfig, found {chosen!r}")
        return revise(chosen, changes) if changes else chosen

    def _searching(self) -> str:
        """The vocabularies and the search in a few words."""
        source, target = map(len, self.tokenizers)
        options = self.options
        how = f"{options.n_best} samples" if options.sample else f"beam {options.beam}"
        return f"{source:,} source and {target:,} target pieces, {how}"

    def source_ids(self, text: str) -> list[int]:
        """Return the ids of `text` that the encoder reads: with the end, if the models read one."""
        return self.tokenizers.source.encode(text) + ([EOS] if self._source_end else [])

    def source_words(self, text: str) -> list[WordPieces]:
        """Return the words of `text` and their places in `source_ids(text)`; the end is one."""
        words = self.tokenizers.source.source_words(text)
        if not self._source_end:
            return words
        return [*words, WordPieces(END, (sum(len(word.pieces) for word in words),))]

    # --- there ------------------------------------------------------------------------------------

    def _searched(
        self,
        texts: str | Iterable[str],
        search: Search,
        *,
        options: DecodingConfig,
        size: int,
        ahead: int | None,
        waits: Callable[[], bool] | None,
        workers: Workers[Sequence[Source], list[list[Hypothesis]]] | None = None,
    ) -> Iterator[Translation]:
        """What `stream` yields, by a search of batches of up to `size`, the longest texts first.

        `workers` are called in for many texts at once; their work is `search`.
        """
        if options.keep:
            self.require_attention("decoding.keep")
        numbered = enumerate(_each(texts))
        while window := _window(numbered, ahead or max(_WINDOW * size, _MANY), waits):
            sources = [self._read(number, text, options) for number, text in window]
            done = {s.number: self._unsearched(s) for s in sources if not _is_work(s)}
            work = sorted(filter(_is_work, sources), key=lambda source: -len(source.ids))
            if workers is None or len(work) < _MANY:
                batches = _batches(work, size, 1)
                results: Iterable[list[list[Hypothesis]]] = map(search, batches)
            else:
                batches = _batches(work, size, min(workers.count, len(work) // _LEAST))
                results = workers.map(batches)
            for batch, found in zip(batches, results, strict=True):
                for source, hypotheses in zip(batch, found, strict=True):
                    translation = self._translation(source, hypotheses)
                    done[source.number] = self._kept(source, translation, options)
            yield from (done[source.number] for source in sources)

    def _read(self, number: int, text: str, options: DecodingConfig) -> Source:
        read = whole = self._cut(number, text, options.max_source)
        tags: tuple[Tag, ...] = ()
        if options.keep:
            read, tags = take_out_tags(clean_target(read))  # where words stand as in the text
        ids = self.tokenizers.source.encode(read)
        if tags and not ids:
            return Source(number, read, ids, text)
        if options.unknown != "translate" and self._knows_no_word(ids):
            return Source(number, read, ids, text if options.unknown == "copy" else "")
        if len(ids) > self._max_length and len(whole) == len(text):  # else it is told of already
            logger.warning(
                "line %d has %d pieces, more than the %d that training saw (data.max_length)",
                number + 1,
                len(ids),
                self._max_length,
            )
        return Source(number, read, ids, tags=tags)

    def _cut(self, number: int, text: str, limit: int) -> str:
        """The first words of `text`, of up to `limit` pieces; of one endless word, its start.

        What can't be within the limit is cut before it is spelt, so that no line takes long.
        """
        if len(text) < limit:
            return text
        bound = limit * _LONGEST_PIECE
        whole = text if len(text) <= bound else " ".join(text.split())
        start = clean_target(whole[:bound])  # in which words stand as they are spelt
        words = self.tokenizers.source.source_words(start)
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
        """Whether there are words but none that the models learnt to read.

        Digits and punctuation stand between words of any script; and a vocabulary for both
        languages has letters of the target's, which no source had.
        """
        known = self.tokenizers.source.decode(id_ for id_ in ids if id_ != UNK)
        if letters_of(known, self._scripts):
            return False
        return UNK in ids or bool(letters_of(known, frozenset()))

    @cached_property
    def _scripts(self) -> frozenset[str]:
        """The scripts of the source language, and of the training sources, in a joint vocabulary.

        Empty if none is known, or the text is in another, or the vocabulary is the source's alone.
        """
        if not self.tokenizers.joint:
            return frozenset()
        scripts = scripts_of(self._language) | self._trained_scripts
        vocabulary = self.tokenizers.source.decode(range(len(self.tokenizers.source)))
        return scripts if letters_of(vocabulary, scripts) else frozenset()

    # --- and back ---------------------------------------------------------------------------------

    def _unsearched(self, source: Source) -> Translation:
        """The translation of a blank line, or of one whose words are all unknown."""
        if not source.ids:
            return Translation(source.text, [], [], [], stand_in=source.stand_in or "")
        return replace(self._translation(source, []), stand_in=source.stand_in or "")

    def _translation(self, source: Source, hypotheses: Sequence[Hypothesis]) -> Translation:
        pieces = self.tokenizers.source.pieces(source.ids)
        words = self.source_words(source.text)
        if self._source_end:
            pieces = [*pieces, END]
        candidates = [self._candidate(hypothesis, words) for hypothesis in hypotheses]
        return Translation(source.text, pieces, words, candidates, source.ids.count(UNK))

    def _kept(
        self, source: Source, translation: Translation, options: DecodingConfig
    ) -> Translation:
        """The translation with what `decoding.keep` lets survive in each hypothesis."""
        if not options.keep:
            return translation
        words = [word for word in translation.source_words if word.word != END]
        tokens = find_tokens(source.text, words, self.tokenizers.source)
        candidates = [
            keep(each, source.text, source.tags, tokens) for each in translation.candidates
        ]
        return replace(translation, candidates=candidates)

    def _candidate(self, hypothesis: Hypothesis, source_words: list[WordPieces]) -> Candidate:
        target = self.tokenizers.target
        positions = sum(len(word.pieces) for word in source_words)
        return Candidate(
            text=target.decode(hypothesis.tokens),
            score=hypothesis.score,
            log_probs=hypothesis.log_probs,
            pieces=target.pieces(hypothesis.tokens),
            words=target.target_words(hypothesis.tokens),
            finished=hypothesis.finished,
            weights_THS=hypothesis.weights_THS[..., :positions],
            source_words=source_words,
        )


def tell_unknown(translations: Iterable[Translation]) -> Iterator[Translation]:
    """Yield `translations`, the lines of a text; when they end, warn once of what was unknown."""
    whole, partly, pieces = [], [], 0
    try:
        for line, translation in enumerate(translations, 1):
            if translation.is_unknown:
                whole.append(line)
            elif translation.unknown:
                partly.append(line)
                pieces += translation.unknown
            yield translation
    finally:
        if whole:
            logger.warning("no word known to the model: %s (decoding.unknown)", _listed(whole))
        if partly:
            logger.warning(
                "%d source piece%s unknown to the model: %s",
                pieces,
                "" if pieces == 1 else "s",
                _listed(partly),
            )


def _listed(lines: Sequence[int]) -> str:
    """`line 3`, or `7 lines (3, 5, 8, 9, 11, ...)`."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    more = ", ..." if len(lines) > _SHOWN else ""
    return f"{len(lines)} lines ({', '.join(map(str, lines[:_SHOWN]))}{more})"


def _is_work(source: Source) -> bool:
    """Whether there is something to search for."""
    return bool(source.ids) and source.stand_in is None


def _each(texts: str | Iterable[str]) -> Iterator[str]:
    """Each of the texts; UserError for what is none."""
    if isinstance(texts, str):
        texts = [texts]
    if isinstance(texts, bytes) or not isinstance(texts, Iterable):
        raise UserError(f"expected one text or several, found a {type(texts).__name__}")
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise UserError(f"text {number}: expected a text, found a {type(text).__name__}")
        yield text


def _window(
    numbered: Iterator[tuple[int, str]], size: int, waits: Callable[[], bool] | None
) -> list[tuple[int, str]]:
    """The next texts, `size` of them, or those that are there now; none at the end."""
    window = []
    for each in islice(numbered, size):
        window.append(each)
        if waits is not None and not waits():
            break
    return window


def _batches(sources: Sequence[Source], size: int, workers: int) -> list[Sequence[Source]]:
    """`sources` in batches of up to `size`, as many and of like lengths for each of the workers."""
    rounds = math.ceil(len(sources) / (size * workers))
    share = math.ceil(len(sources) / (rounds * workers)) * workers if rounds else 1
    blocks = [sources[first : first + share] for first in range(0, len(sources), share)]
    return [
        block[worker::workers] for block in blocks for worker in range(min(workers, len(block)))
    ]


def longest(source_pieces: int, options: DecodingConfig) -> int:
    """Return the most target pieces, the end counted, that a source of this length may get."""
    return min(options.max_length, math.ceil(options.max_ratio * source_pieces) + _ROOM)
