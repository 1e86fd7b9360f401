"""Training text cut into other pieces in each epoch: subword regularisation.

A model that has seen a word in several spellings learns more of its parts, and from less text. The
seed and the epoch alone decide what is drawn, so that a run which was stopped, and each of several
processes, sees the same. (SentencePiece samples too, but its random numbers differ from process to
process, whatever the seed.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import exp
from random import Random
from typing import NamedTuple

import numpy as np
import sentencepiece

from seq2seq.config import Config
from seq2seq.data.dataset import Ids, ParallelDataset, Sentences
from seq2seq.data.tokenizer import UNK, Tokenizer, Tokenizers
from seq2seq.errors import UserError

Speller = Callable[[str, Random], Sequence[int]]
"""Draws the ids of a unit of text."""

_SPACE = "▁"
_SPELLINGS = 64  # of a unit, the likeliest: Kudo 2018, section 3.3
_CACHED = 50_000  # units


def check_sampling(config: Config) -> None:
    """Raise UserError if other spellings are asked for where a word has only one."""
    sampling, kind = config.data.subword_sampling, config.tokenizer.kind
    if sampling is not None and kind not in SPELLERS:
        raise UserError(
            f"data.subword_sampling: expected null, as tokenizer.kind {kind} spells a word in one "
            f"way, found {sampling:g}"
        )


class SubwordSampling(NamedTuple):
    """How pieces are drawn: as `data.subword_sampling` says, at most `longest` for a text."""

    tokenizers: Tokenizers
    kind: str
    sampling: float
    longest: int

    @classmethod
    def of(cls, config: Config, tokenizers: Tokenizers) -> SubwordSampling | None:
        """Return what `config` asks for, if anything."""
        sampling = config.data.subword_sampling
        if sampling is None:
            return None
        return cls(tokenizers, config.tokenizer.kind, sampling, config.data.max_length)

    def draw(self, dataset: ParallelDataset, *, seed: int, epoch: int) -> ParallelDataset:
        """Return the pairs of an epoch; sources that are not text stay as they are."""
        state = np.random.SeedSequence((seed, epoch)).generate_state(2, np.uint64)
        random = Random(int(state[0]) << 64 | int(state[1]))
        targets = Sentences.of(self._respelt(dataset.targets(), self.tokenizers.target, random))
        if not isinstance(self.tokenizers.input, Tokenizer):
            return dataset.replaced(targets)
        source = self._respelt(dataset.sources(), self.tokenizers.source, random)
        return dataset.replaced(targets, Sentences.of(source))

    def _respelt(
        self, texts: Iterator[Ids], tokenizer: Tokenizer, random: Random
    ) -> Iterator[Sequence[int]]:
        spell = SPELLERS[self.kind](tokenizer.model, self.sampling)
        for ids in texts:
            plain = ids.tolist()
            drawn = plain if UNK in plain else respell(plain, tokenizer, spell, random)
            yield drawn if len(drawn) <= self.longest else plain


def respell(
    ids: Sequence[int], tokenizer: Tokenizer, spell: Speller, random: Random
) -> Sequence[int]:
    """Return other pieces of the same text."""
    return [id_ for unit in tokenizer.units(ids) for id_ in spell(unit, random)]


def bpe_dropout(model: bytes, dropout: float) -> Speller:
    """Return a speller that leaves merges out -- Provilkov et al. 2020, algorithm 1.

    As long as there are merges, each is left out with probability `dropout`, and the first of the
    others, in the order in which they were learnt, is done.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = {processor.id_to_piece(id_): id_ for id_ in range(len(processor))}
    # A piece that was learnt earlier has the lower number, and a character none that matters here.

    def spell(unit: str, random: Random) -> Sequence[int]:
        symbols = list(unit.replace(" ", _SPACE))
        draw = random.random
        while len(symbols) > 1:
            best, place = len(ids), -1
            for number, pair in enumerate(pairwise(symbols)):
                rank = ids.get(pair[0] + pair[1], best)
                if rank < best and draw() >= dropout:
                    best, place = rank, number
            if place < 0:
                break
            symbols[place : place + 2] = [symbols[place] + symbols[place + 1]]
        found = [ids[symbol] for symbol in symbols if symbol in ids]
        whole = len(found) == len(symbols)  # else a character is part of pieces and none itself
        return found if whole else processor.encode(unit)

    return spell


def unigram_sampling(model: bytes, alpha: float) -> Speller:
    """Return a speller that draws by probability ^ `alpha` -- Kudo 2018, equation 7.

    It is drawn among the 64 likeliest spellings of a unit.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    @lru_cache(_CACHED)
    def spellings(unit: str) -> tuple[list[list[int]], list[float]]:
        found: list[list[int]] = processor.nbest_encode_as_ids(unit, _SPELLINGS)
        scores = [alpha * sum(map(processor.get_score, ids)) for ids in found]
        highest = max(scores)
        return found, list(accumulate(exp(score - highest) for score in scores))

    def spell(unit: str, random: Random) -> Sequence[int]:
        found, sums = spellings(unit)
        return found[0] if len(found) == 1 else random.choices(found, cum_weights=sums)[0]

    return spell


SPELLERS: dict[str, Callable[[bytes, float], Speller]] = {
    "bpe": bpe_dropout,
    "unigram": unigram_sampling,
}
"""By the kind of the tokenizer."""
