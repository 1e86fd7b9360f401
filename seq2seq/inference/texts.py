"""Text in, translations out, whatever searches in between; without torch.

Shapes: T target steps, S source positions, H heads.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.config import DecodingConfig
from seq2seq.data.tokenizer import EOS, Tokenizers, WordPieces
from seq2seq.inference.hypothesis import Hypothesis
from seq2seq.inference.translation import END, Candidate, Translation

if TYPE_CHECKING:
    from seq2seq.inference.workers import Workers

logger = logging.getLogger(__name__)

_MANY = 400  # sentences, before which workers don't pay: they take a tenth of a second to start
_LEAST = 32  # sentences for each of them
_WINDOW = 50  # batches read ahead, or `_MANY`, so that sentences of like length come together
_ROOM = 10  # target pieces allowed beyond max_ratio x source pieces


class Source(NamedTuple):
    """A sentence; `ids` are its pieces without an end."""

    number: int
    text: str
    ids: list[int]


Search = Callable[[Sequence[Source]], list[list[Hypothesis]]]
"""A batch of sentences, none of them blank -> the hypotheses of each, best first."""


class TextTranslator:
    """The contract of what translates text: a subclass gives `stream`."""

    def __init__(
        self,
        tokenizers: Tokenizers,
        *,
        options: DecodingConfig,
        source_end: bool,
        max_length: int,
    ) -> None:
        """`max_length` is the longest source, in pieces, that training saw: longer ones warn."""
        self.tokenizers = tokenizers
        """Of source and target."""
        self.options = options
        """The settings of decoding where a call names no others."""
        self._source_end = source_end
        self._max_length = max_length

    def stream(
        self,
        texts: Iterable[str],
        options: DecodingConfig | None = None,
        *,
        ahead: int | None = None,
    ) -> Iterator[Translation]:
        """Yield the translation of each text, in order, reading `ahead` of them before the first.

        The default is many batches of them, for speed; 1 answers each text at once.
        """
        raise NotImplementedError

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
        texts: Iterable[str],
        search: Search,
        *,
        size: int,
        ahead: int | None,
        workers: Workers[Sequence[Source], list[list[Hypothesis]]] | None = None,
    ) -> Iterator[Translation]:
        """What `stream` yields, by a search of batches of up to `size`, the longest texts first.

        `workers` are called in for many texts at once; their work is `search`.
        """
        numbered = enumerate(texts)
        while window := list(islice(numbered, ahead or max(_WINDOW * size, _MANY))):
            sources = [self._read(number, text) for number, text in window]
            done = {source.number: self._blank(source) for source in sources if not source.ids}
            work = sorted((s for s in sources if s.ids), key=lambda source: -len(source.ids))
            if workers is None or len(work) < _MANY:
                batches = _batches(work, size, 1)
                results: Iterable[list[list[Hypothesis]]] = map(search, batches)
            else:
                batches = _batches(work, size, min(workers.count, len(work) // _LEAST))
                results = workers.map(batches)
            for batch, found in zip(batches, results, strict=True):
                for source, hypotheses in zip(batch, found, strict=True):
                    done[source.number] = self._translation(source, hypotheses)
            yield from (done[source.number] for source in sources)

    def _read(self, number: int, text: str) -> Source:
        ids = self.tokenizers.source.encode(text)
        if len(ids) > self._max_length:
            logger.warning(
                "line %d has %d pieces, more than the %d that training saw (data.max_length)",
                number + 1,
                len(ids),
                self._max_length,
            )
        return Source(number, text, ids)

    # --- and back ---------------------------------------------------------------------------------

    def _blank(self, source: Source) -> Translation:
        return Translation(source.text, [], [], [])

    def _translation(self, source: Source, hypotheses: Sequence[Hypothesis]) -> Translation:
        pieces = self.tokenizers.source.pieces(source.ids)
        words = self.source_words(source.text)
        if self._source_end:
            pieces = [*pieces, END]
        candidates = [self._candidate(hypothesis, words) for hypothesis in hypotheses]
        return Translation(source.text, pieces, words, candidates)

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
