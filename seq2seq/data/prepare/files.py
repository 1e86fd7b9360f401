"""Files -> rows of features: what stands in the place of ids where sources are not text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from seq2seq.config import Config, DataConfig
from seq2seq.data.corpus import Corpus, Pair
from seq2seq.data.dataset import DatasetWriter
from seq2seq.data.prepare.chunks import Chunk, chunks_of, spread
from seq2seq.data.prepare.encode import nothing_left, sampled, unfit, unique, write_valid_texts
from seq2seq.data.prepare.summary import LEAKED, Counts
from seq2seq.data.prepare.survey import Survey, count_seen
from seq2seq.data.sources import FileReader, Moments, Rows, open_reader
from seq2seq.data.text import clean_target
from seq2seq.data.tokenizer import PAD, Tokenizers, train_target_tokenizer
from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file

_CHUNK = 50  # files, since their features are many


def hash_sources(corpus: Corpus) -> str:
    """Return a hash of the content of all files that a corpus names, in their order.

    Raises UserError at the line whose file is missing.
    """
    digest, known = hashlib.sha256(), dict[str, str]()
    for pair in corpus.pairs():
        path = file_of(pair, corpus.name)
        if path and path not in known:
            try:
                known[path] = hash_file(Path(path))
            except OSError as error:
                raise UserError(
                    f"{corpus.name}:{pair.line}: {path}: cannot be read: {error.strerror}"
                ) from None
        digest.update(known.get(path, "").encode())
    return digest.hexdigest()


def file_of(pair: Pair, name: str) -> str:
    """Return the path of a pair's file, without the name of an array in it; empty if blank."""
    path, mark, _ = pair.source.rpartition("#")
    return path if mark and not Path(pair.source).exists() else pair.source


def learn_reader(config: Config, corpus: Corpus, survey: Survey) -> Tokenizers:
    """Return a reader with the scale of the training files, and the tokenizer of the targets."""
    reader = open_reader(config.data.source_kind)

    def measure(chunk: Chunk) -> Moments:
        return reduce(Moments.plus, map(_moments, {source: None for source, _ in chunk}))

    def _moments(source: str) -> Moments:
        return Moments.of(source, reader.grid(source))

    targets = (target for _, target in sampled(corpus, survey))
    tokenizer = train_target_tokenizer(targets, config.tokenizer)
    chunks = chunks_of(unique(corpus, survey), _CHUNK)
    reader.fit(reduce(Moments.plus, spread(measure, chunks, config.data.workers)))
    return Tokenizers(reader, tokenizer)


class _Read(NamedTuple):
    """The rows and the target's ids of the pairs of a chunk that fit."""

    pairs: list[tuple[Rows, list[int]]]
    counts: Counts


def write_train_files(
    config: Config, corpus: Corpus, survey: Survey, tokenizers: Tokenizers, folder: Path
) -> Counts:
    """Write the training pairs that are kept; UserError if there is none."""

    def read(chunk: Chunk) -> _Read:
        return _read(chunk, config.data, tokenizers)

    counts = Counts(survey.read, survey.dropped)
    chunks = chunks_of(unique(corpus, survey), _CHUNK)
    with _writer(tokenizers, folder, "train") as writer:
        for pairs, found in spread(read, chunks, config.data.workers):
            for rows, ids in pairs:
                writer.add_rows(rows, ids)
            counts.add(found)
    if not counts.kept:
        raise nothing_left(corpus, counts)
    return counts


def _read(chunk: Chunk, data: DataConfig, tokenizers: Tokenizers) -> _Read:
    reader, counts, pairs = _reader(tokenizers), Counts(), []
    for source, target in chunk:
        rows, ids = reader.encode(source), tokenizers.target.encode(target)
        if reason := unfit(len(rows), len(ids), data):
            counts.dropped[reason] += 1
            continue
        pairs.append((rows, ids))
        counts.keep([PAD] * len(rows), ids)
    return _Read(pairs, counts)


def write_valid_files(
    data: DataConfig, corpus: Corpus, tokenizers: Tokenizers, folder: Path, hashes: Path
) -> Counts:
    """Write validation's pairs and its raw lines; every pair with two sides is kept."""
    counts = Counts()
    pairs = list(_filled(corpus.pairs(), counts))
    if not pairs:
        raise UserError(f"data.valid: expected pairs in {corpus.name}, found only empty ones")
    write_valid_texts(folder, pairs)
    reader = _reader(tokenizers)
    with _writer(tokenizers, folder, "valid") as writer:
        for source, target in pairs:
            rows, ids = reader.encode(source), tokenizers.target.encode(target)
            writer.add_rows(rows, ids)
            counts.keep([PAD] * len(rows), ids)
            if reason := unfit(len(rows), len(ids), data):
                counts.noted[reason] += 1
    if seen := count_seen([(source, clean_target(target)) for source, target in pairs], hashes):
        counts.noted[LEAKED] = seen
    return counts


def _filled(pairs: Iterable[Pair], counts: Counts) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        counts.read += 1
        if pair.source and clean_target(pair.target):
            yield pair.source, pair.target.strip()
        else:
            counts.dropped["empty"] += 1


def _reader(tokenizers: Tokenizers) -> FileReader:
    assert isinstance(tokenizers.input, FileReader)
    return tokenizers.input


def _writer(tokenizers: Tokenizers, folder: Path, name: str) -> DatasetWriter:
    source, target = tokenizers.sizes
    return DatasetWriter(folder, name, source_vocabulary=source, target_vocabulary=target)
