"""Texts in, translations out, whatever searches in between; without torch.

Shapes: B sentences, T target steps, S source positions, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, overload

import numpy.typing as npt

from seq2seq.config import Config, DecodingConfig, revise
from seq2seq.data.padding import Ids, pad_sources
from seq2seq.data.scripts import scripts_of
from seq2seq.data.sources import Backdrop, Features, FileReader, Rows
from seq2seq.data.tokenizer import EOS, Tokenizers, WordPieces
from seq2seq.errors import UserError
from seq2seq.machine.workers import Workers
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.translation.keep import find_tokens, keep
from seq2seq.translation.reading import Source, open_source_reader
from seq2seq.translation.translation import END, Candidate, Translation
from seq2seq.translation.unknown import tell_unknown

_MANY = 400  # sentences, below which workers don't pay: they take a tenth of a second to start
_LEAST = 32  # sentences for each of them
_WINDOW = 50  # batches read ahead, or `_MANY`, so that sentences of like length come together
_ROOM = 10  # target pieces allowed beyond max_ratio x source pieces

Found = list[list[Hypothesis]]
"""The hypotheses of each sentence of a batch, best first."""

Search = Callable[[Sequence[Source]], Found]
"""A batch of sentences, none of them blank -> their hypotheses."""


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How the models of a run read texts, and how they search where a call doesn't say."""

    options: DecodingConfig
    source_end: bool
    """Whether EOS follows each source."""
    max_length: int
    """Pieces of the longest source that training saw; the log warns of a longer one."""
    language: str = ""
    """Code of the source language; its scripts, and these, tell text of another script."""
    scripts: frozenset[str] = frozenset()
    """The scripts that training sources were written in."""

    @classmethod
    def of(
        cls,
        config: Config,
        *,
        options: DecodingConfig | None = None,
        scripts: Iterable[str] = (),
    ) -> TextSettings:
        """Return the settings of a run; its data say which `scripts`."""
        return cls(
            options=options or config.decoding,
            source_end=config.tokenizer.source_end,
            max_length=config.data.max_length,
            language=config.data.source,
            scripts=frozenset(scripts),
        )


class TextTranslator:
    """The contract of what translates text: a subclass gives `stream` and `has_attention`."""

    def __init__(self, tokenizers: Tokenizers, settings: TextSettings) -> None:
        self.tokenizers = tokenizers
        """Of source and target."""
        self.options = settings.options
        """The settings of decoding where a call gives no others."""
        self._source_end = settings.source_end
        self._reader = open_source_reader(
            tokenizers,
            max_length=settings.max_length,
            scripts=scripts_of(settings.language) | settings.scripts,
        )

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
        translations = list(tell_unknown(self.stream(texts, options)))
        return translations[0] if isinstance(texts, str) else translations

    def stream(
        self,
        texts: str | Iterable[str],
        options: DecodingConfig | None = None,
        *,
        ahead: int | None = None,
        waits: Callable[[], bool] | None = None,
    ) -> Iterator[Translation]:
        """Yield the translation of each text, in order, reading `ahead` of them before the first.

        The default is many batches, for speed; 1 answers each text at once. `waits` says whether
        another text is there already: where none is, the texts read so far are answered.
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
        source, target = self.tokenizers.sizes
        options = self.options
        how = f"{options.n_best} samples" if options.sample else f"beam {options.beam}"
        if isinstance(source, Features):
            return f"{source.size:,} source features and {target:,} target pieces, {how}"
        return f"{source:,} source and {target:,} target pieces, {how}"

    @property
    def reads_files(self) -> bool:
        """Whether what is translated are files, and a text is the name of one."""
        return isinstance(self.tokenizers.input, FileReader)

    def source_ids(self, text: str) -> list[int] | Rows:
        """Return the ids of `text` that the encoder reads: with the end, if the models read one.

        Of the name of a file, its rows of features.
        """
        ids = self._reader.ids(text)
        return [*ids, EOS] if isinstance(ids, list) and self._source_end else ids

    def backdrop(self, text: str) -> Backdrop | None:
        """Return the file that `text` names as a picture; None where sources are text."""
        reader = self.tokenizers.input
        return reader.backdrop(text) if isinstance(reader, FileReader) else None

    def is_blank(self, text: str) -> bool:
        """Return whether there is nothing in `text` to read."""
        return not len(self._reader.ids(text))

    def source_words(self, text: str) -> list[WordPieces]:
        """Return the words of `text` and their places in `source_ids(text)`; the end is one."""
        words = self._reader.words(text)
        if not self._source_end:
            return words
        return [*words, WordPieces(END, (sum(len(word.pieces) for word in words),))]

    # --- from texts to hypotheses -----------------------------------------------------------------

    def _searched(
        self,
        texts: str | Iterable[str],
        search: Search,
        *,
        options: DecodingConfig,
        size: int,
        ahead: int | None,
        waits: Callable[[], bool] | None,
        workers: Workers[Sequence[Source], Found] | None = None,
    ) -> Iterator[Translation]:
        """What `stream` yields, by a search of batches of up to `size`, the longest texts first.

        Many texts at once are searched by `workers`, whose work is `search`.
        """
        if options.keep:
            self.require_attention("decoding.keep")
        numbered = enumerate(_each(texts))
        while window := _window(numbered, ahead or max(_WINDOW * size, _MANY), waits):
            sources = [self._reader.read(number, text, options) for number, text in window]
            done = {
                source.number: self._unsearched(source)
                for source in sources
                if not source.is_searched
            }
            searched = [source for source in sources if source.is_searched]
            searched.sort(key=lambda source: -len(source.ids))
            if workers is None or len(searched) < _MANY:
                batches = _batches(searched, size, 1)
                results: Iterable[Found] = map(search, batches)
            else:
                batches = _batches(searched, size, min(workers.count, len(searched) // _LEAST))
                results = workers.map(batches)
            for batch, found in zip(batches, results, strict=True):
                for source, hypotheses in zip(batch, found, strict=True):
                    translation = self._translation(source, hypotheses)
                    done[source.number] = self._kept(source, translation, options)
            yield from (done[source.number] for source in sources)

    def _padded(self, sources: Sequence[Source]) -> tuple[npt.NDArray[Any], Ids]:
        """source_BS as the encoder reads it, and lengths_B."""
        return pad_sources([source.ids for source in sources], end=self._source_end)

    # --- from hypotheses to translations ----------------------------------------------------------

    def _unsearched(self, source: Source) -> Translation:
        """The translation of a blank line, or of one whose words are all unknown."""
        if source.is_blank:
            return Translation(source.text, [], [], [], stand_in=source.stand_in or "")
        return replace(self._translation(source, []), stand_in=source.stand_in or "")

    def _translation(self, source: Source, hypotheses: Sequence[Hypothesis]) -> Translation:
        pieces = self._reader.pieces(source) + [END] * self._source_end
        words = self.source_words(source.text)
        candidates = [self._candidate(hypothesis, words) for hypothesis in hypotheses]
        return Translation(source.text, pieces, words, candidates, source.unknown)

    def _kept(
        self, source: Source, translation: Translation, options: DecodingConfig
    ) -> Translation:
        """The translation with what `decoding.keep` lets survive in each hypothesis."""
        if not options.keep:
            return translation
        words = [word for word in translation.source_words if word.word != END]
        tokens = find_tokens(source.text, words, self.tokenizers.source)
        candidates = [
            keep(candidate, source.text, source.tags, tokens)
            for candidate in translation.candidates
        ]
        return replace(translation, candidates=candidates)

    def _candidate(self, hypothesis: Hypothesis, source_words: list[WordPieces]) -> Candidate:
        target = self.tokenizers.target
        positions = sum(len(word.pieces) for word in source_words)
        return Candidate(
            text=target.decode(hypothesis.tokens),
            score=hypothesis.score,
            log_probs=hypothesis.log_probs,
            ids=hypothesis.tokens,
            pieces=target.pieces(hypothesis.tokens),
            words=target.target_words(hypothesis.tokens),
            finished=hypothesis.finished,
            weights_HTS=hypothesis.weights_HTS[..., :positions],
            source_words=source_words,
        )


def _each(texts: str | Iterable[str]) -> Iterator[str]:
    """Each of the texts; UserError for anything else."""
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
    """The next `size` texts, or, with `waits`, as many as are waiting; none at the end."""
    window = []
    for text in islice(numbered, size):
        window.append(text)
        if waits is not None and not waits():
            break
    return window


def _batches(sources: Sequence[Source], size: int, workers: int) -> list[Sequence[Source]]:
    """`sources` in batches of up to `size`: as many for each worker, and of similar lengths."""
    rounds = math.ceil(len(sources) / (size * workers))
    share = math.ceil(len(sources) / (rounds * workers)) * workers if rounds else 1
    blocks = [sources[first : first + share] for first in range(0, len(sources), share)]
    return [
        block[worker::workers] for block in blocks for worker in range(min(workers, len(block)))
    ]


def longest(source_pieces: int, options: DecodingConfig) -> int:
    """Return the most target pieces, the end counted, that a source of this length may get."""
    by_ratio = min(options.max_ratio * source_pieces, options.max_length)  # the ratio may be huge
    return min(options.max_length, math.ceil(by_ratio) + _ROOM)
