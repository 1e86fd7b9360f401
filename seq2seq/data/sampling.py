"""Training text cut into other pieces in each epoch: subword regularisation.

A model that has seen a word in several spellings learns more of its parts, and from less text: a
BPE model leaves merges out at random (BPE-dropout, Provilkov et al. 2020), a unigram model draws a
spelling by its probability (Kudo 2018). The seed and the epoch alone decide what is drawn, so that
a run which was stopped, and each of several processes, sees the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import sentencepiece

from seq2seq.config import Config
from seq2seq.data.dataset import Ids, ParallelDataset, Sentences
from seq2seq.data.tokenizer import Tokenizer, Tokenizers
from seq2seq.errors import UserError


def check_sampling(config: Config) -> None:
    """Raise UserError if other spellings are asked for where a word has only one."""
    sampling, kind = config.data.subword_sampling, config.tokenizer.kind
    if sampling is not None and kind not in ("bpe", "unigram"):
        raise UserError(
            f"data.subword_sampling: expected null, as tokenizer.kind {kind} spells a word in one "
            f"way, found {sampling:g}"
        )


class SubwordSampling(NamedTuple):
    """How pieces are drawn: as `data.subword_sampling` says, at most `longest` for a text."""

    tokenizers: Tokenizers
    sampling: float
    longest: int

    @classmethod
    def of(cls, config: Config, tokenizers: Tokenizers) -> SubwordSampling | None:
        """Return what `config` asks for, if anything."""
        sampling = config.data.subword_sampling
        return None if sampling is None else cls(tokenizers, sampling, config.data.max_length)

    def draw(self, dataset: ParallelDataset, *, seed: int, epoch: int) -> ParallelDataset:
        """Return the pairs of an epoch; sources that are not text stay as they are."""
        state = np.random.SeedSequence((seed, epoch)).generate_state(1)
        sentencepiece.set_random_generator_seed(int(state[0]))
        # SentencePiece seeds the generator of a thread when the thread first draws.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._draw, dataset).result()

    def _draw(self, dataset: ParallelDataset) -> ParallelDataset:
        target = Sentences.of(list(self._respelt(dataset.targets(), self.tokenizers.target)))
        if not isinstance(self.tokenizers.input, Tokenizer):
            return dataset.replaced(target)
        source = self._respelt(dataset.sources(), self.tokenizers.source)
        return dataset.replaced(target, Sentences.of(list(source)))

    def _respelt(self, texts: Iterator[Ids], tokenizer: Tokenizer) -> Iterator[Sequence[int]]:
        for ids in texts:
            plain = ids.tolist()
            drawn = tokenizer.respell(plain, self.sampling)
            yield drawn if len(drawn) <= self.longest else plain
