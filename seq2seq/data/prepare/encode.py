"""Text -> ids: the tokenizers, and the ids of the training and of the validation pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress
from pathlib import Path
from typing import NamedTuple

from seq2seq.config import Config, DataConfig
from seq2seq.data.corpus import Corpus
from seq2seq.data.dataset import DatasetWriter, Sentences
from seq2seq.data.pairs import each_translation
from seq2seq.data.prepare.chunks import Chunk, chunks_of, spread
from seq2seq.data.prepare.summary import LEAKED, Counts, listed
from seq2seq.data.prepare.survey import Survey, count_seen
from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.data.variation import with_variants
from seq2seq.errors import UserError
from seq2seq.machine.disk import write_lines

_SAMPLE = 100_000  # pairs that the tokenizers learn from
_ENDLESS = 10  # x data.max_length pieces: a line that is no sentence even of a validation set
_SHORT = 10  # pieces: of shorter sentences the ratio says little
_FILTERS = {  # why no pair may be left -> the setting that says so; duplicates leave the first
    "too long": "data.max_length",
    "lopsided": "data.max_ratio",
    "empty": "data.train",
}


def learn_tokenizers(config: Config, text: Corpus, survey: Survey) -> Tokenizers:
    """Return tokenizers learnt from pairs evenly spread over the corpus, at most `_SAMPLE`."""
    varied = with_variants(sampled(text, survey), config.data.vary, config.seed)
    sources, targets, _ = zip(*varied, strict=True)
    return train_tokenizers(sources, targets, config.tokenizer)


def sampled(text: Corpus, survey: Survey) -> Iterator[tuple[str, str]]:
    """Return pairs evenly spread over the corpus, at most `_SAMPLE`; UserError if none is kept."""
    kept, size = survey.kept, min(survey.kept, _SAMPLE)
    if not kept:
        raise nothing_left(text, Counts(survey.read, survey.dropped))
    drawn = ((k + 1) * size // kept > k * size // kept for k in range(kept))
    return compress(unique(text, survey), drawn)


class _Encoded(NamedTuple):
    """The ids of a chunk's sentences end to end, and the length of each; what was counted."""

    source: Sentences
    target: Sentences
    counts: Counts


def write_train(
    config: Config, text: Corpus, survey: Survey, tokenizers: Tokenizers, folder: Path
) -> Counts:
    """Write the ids of the training pairs that are kept; UserError if there is none."""

    def encode(chunk: Chunk) -> _Encoded:
        return _encode(chunk, config, tokenizers)

    counts = Counts(survey.read, survey.dropped)
    chunks = chunks_of(unique(text, survey))
    with _writer(tokenizers, folder, "train") as writer:
        for source, target, found in spread(encode, chunks, config.data.workers):
            writer.add_all(source, target)
            counts.add(found)
    if not counts.kept:
        raise nothing_left(text, counts)
    return counts


def _encode(chunk: Chunk, config: Config, tokenizers: Tokenizers) -> _Encoded:
    """The ids of the pairs that fit, and of their variants."""
    counts = Counts()
    sources: list[list[int]] = []
    targets: list[list[int]] = []
    source_side, target_side = tokenizers.source, tokenizers.target
    for source, target, variant in with_variants(chunk, config.data.vary, config.seed):
        source_ids, target_ids = source_side.encode(source), target_side.encode(target)
        reason = unfit(len(source_ids), len(target_ids), config.data)
        if reason:
            counts.dropped[reason] += not variant
            continue
        sources.append(source_ids)
        targets.append(target_ids)
        if variant:
            counts.noted[f"once more {variant}"] += 1
            counts.measure(source_ids, target_ids)
        else:
            counts.keep(source_ids, target_ids)
    return _Encoded(Sentences.of(sources), Sentences.of(targets), counts)


def write_valid(
    data: DataConfig, text: Corpus, tokenizers: Tokenizers, folder: Path, hashes: Path
) -> Counts:
    """Write validation's ids and its raw text; every pair with two sides, none endless, is kept.

    `hashes` is the file that the survey of the training pairs wrote.
    """
    counts = Counts()
    pairs = []
    for counts.read, pair in enumerate(text.pairs(), 1):
        if clean_source(pair.source) and clean_target(pair.target):
            pairs.append((pair.source.strip(), pair.target.strip()))
    counts.dropped["empty"] = counts.read - len(pairs)
    if not pairs:
        raise UserError(
            f"data.valid: expected sentence pairs in {text.name}, found only empty ones"
        )
    source_side, target_side = tokenizers.source, tokenizers.target
    ids = [(source_side.encode(left), target_side.encode(right)) for left, right in pairs]
    fits = [max(map(len, sides)) <= _ENDLESS * data.max_length for sides in ids]
    counts.dropped["far too long"] = fits.count(False)
    if not any(fits):
        raise UserError(
            f"data.valid: every pair of {text.name} has more than {_ENDLESS} x data.max_length "
            "pieces; expected sentences"
        )
    pairs, ids = list(compress(pairs, fits)), list(compress(ids, fits))
    write_valid_texts(folder, pairs)
    with _writer(tokenizers, folder, "valid") as writer:
        for source_ids, target_ids in ids:
            writer.add(source_ids, target_ids)
            counts.keep(source_ids, target_ids)
            reason = unfit(len(source_ids), len(target_ids), data)
            if reason:
                counts.noted[reason] += 1
    cleaned = ((clean_source(left), clean_target(right)) for left, right in pairs)
    if seen := count_seen(cleaned, hashes):
        counts.noted[LEAKED] = seen
    return counts


def write_valid_texts(folder: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the raw lines of both sides of validation."""
    for side, lines in zip(("source", "target"), zip(*pairs, strict=True), strict=True):
        write_lines(folder / f"valid.{side}.txt", lines)


def unique(text: Corpus, survey: Survey) -> Iterator[tuple[str, str]]:
    """Return the pairs that the survey keeps, as they were written."""
    return compress(each_translation(text.pairs()), survey.kept_N)


def _writer(tokenizers: Tokenizers, folder: Path, name: str) -> DatasetWriter:
    source, target = tokenizers.sizes
    return DatasetWriter(folder, name, source_vocabulary=source, target_vocabulary=target)


def unfit(source_length: int, target_length: int, data: DataConfig) -> str | None:
    """Return why a pair of so many pieces, or positions, is not trained on; None if it is."""
    shortest, longest = sorted((source_length, target_length))
    if not shortest:  # all of it was erased by the normalization
        return "empty"
    if longest > data.max_length:
        return "too long"
    if data.source_kind.is_text and longest >= _SHORT and longest > data.max_ratio * shortest:
        return "lopsided"
    return None


def nothing_left(text: Corpus, counts: Counts) -> UserError:
    """Return the error that names the setting which dropped the most pairs."""
    worst = max(_FILTERS, key=lambda reason: counts.dropped[reason])
    return UserError(
        f"{_FILTERS[worst]}: no pair of {text.name} is left to train on: "
        f"{counts.read:,} read, dropped {listed(counts.dropped)}"
    )
