"""From a configuration to the prepared corpora, of the cache or made now."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import sentencepiece

from seq2seq.config import Config, DataConfig, VaryConfig
from seq2seq.data.corpus import (
    FORMATS,
    Corpus,
    PartOddness,
    check_apart,
    check_columns,
    find_corpus,
    find_odd_parts,
    has_pattern,
    locate_corpus,
    warn_of_odd_parts,
    with_sources,
)
from seq2seq.data.prepare.cache import build, default_cache
from seq2seq.data.prepare.encode import learn_tokenizers, write_train, write_valid
from seq2seq.data.prepare.files import (
    hash_sources,
    learn_reader,
    write_train_files,
    write_valid_files,
)
from seq2seq.data.prepare.prepared import Prepared
from seq2seq.data.prepare.summary import Summary
from seq2seq.data.prepare.survey import survey
from seq2seq.data.sources import FileReader, open_reader
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file

logger = logging.getLogger(__name__)

_FORMAT = 6  # raise it whenever the same inputs would give other files
_HASHES = "hashes"  # the file of the training pairs' hashes, while a folder is built


class _Corpus(NamedTuple):
    """A corpus and the sha256 of its files: of `source` and `target`, of one `table`, `2.csv`."""

    text: Corpus
    inputs: dict[str, str]


def prepare(
    config: Config, *, cache: Path | None = None, tokenizers: Tokenizers | None = None
) -> Prepared:
    """Return the prepared corpora of `config`, from the cache if they were prepared before.

    Sentences are cleaned (`seq2seq.data.text`); validation's text is kept as it was given, for
    BLEU, without its outer white space. A training pair is dropped if a side is empty, if the
    same pair came before (`data.deduplicate`), if a side has more than `data.max_length` pieces, or
    if the longer side has at least 10 pieces and more than `data.max_ratio` times the shorter's. Of
    validation only pairs with an empty side are dropped, and those with more than 10 times
    `data.max_length` pieces, which would fill the memory. A sentence with several translations is a
    training pair with each; validation has the first. `data.vary` shows some training pairs
    once more in another spelling. The cache is `cache`, else prepared/ in $SEQ2SEQ_CACHE or
    ~/.cache/seq2seq. Text is cut by `tokenizers`, else by the tokenizers of the run `config.init`,
    else by tokenizers learnt from the training text. `data.workers` processes do it, with the same
    result as one; memory does not grow with the corpus, but for one byte a pair.

    Raises UserError if a corpus can't be read, if no pair is left, or if the cache can't be
    written.
    """
    train, valid = _open_corpus(config, "train"), _open_corpus(config, "valid")
    check_columns(config.data.columns, train.text, valid.text)
    _check_apart(config.data, train.text, valid.text)
    if tokenizers is None and config.init is not None:
        tokenizers = Tokenizers.load(Path(config.init) / "tokenizer")
    if tokenizers is not None:
        _check_reader(config, tokenizers)
    folder = (cache or default_cache()) / _key(config, tokenizers, train, valid)
    if folder.exists():
        try:
            prepared = Prepared.load(folder)
        except UserError as error:
            logger.warning("%s; preparing the data again", error)
        else:
            logger.info("using data prepared earlier: %s", folder)
            for split, corpus in (("train", train), ("valid", valid)):
                warn_of_odd_parts(prepared.summary.odd[split], corpus.text, config.data)
            return prepared
    odd = {}
    for split, corpus in (("train", train), ("valid", valid)):
        odd[split] = _find_odd(config.data, corpus.text)
        warn_of_odd_parts(odd[split], corpus.text, config.data)
    build(folder, lambda building: _fill(building, config, tokenizers, train, valid, odd))
    return Prepared.load(folder)


def _check_reader(config: Config, tokenizers: Tokenizers) -> None:
    """Refuse to read sources otherwise than the run that this one starts from."""
    source, kind = tokenizers.input, config.data.source_kind
    before, now = (
        (reader.kind, reader.options) if isinstance(reader, FileReader) else ("text", {})
        for reader in (source, None if kind.is_text else open_reader(kind))
    )
    if before != now:
        raise UserError(
            f"data.source_kind: was {before[0]} with {before[1]} in the run that this one starts "
            f"from (init), and can't be {now[0]} with {now[1]}"
        )


def _open_corpus(config: Config, split: str) -> _Corpus:
    data = config.data
    spec = getattr(data, split)
    if not spec:
        raise UserError(f"data.{split}: expected {FORMATS}, found nothing set")
    found = find_corpus(spec, data.source, data.target, data.columns)
    text = with_sources(found, data.source_kind)
    try:
        inputs = {role: hash_file(file) for role, file in text.inputs.items()}
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}") from None
    if not data.source_kind.is_text:
        inputs["files"] = hash_sources(text)
    return _Corpus(text, inputs)


def _find_odd(data: DataConfig, text: Corpus) -> list[PartOddness]:
    """What is odd in a corpus; of files nothing, whose names are in no language."""
    return find_odd_parts(text, data.source, data.target) if data.source_kind.is_text else []


def _check_apart(data: DataConfig, train: Corpus, valid: Corpus) -> None:
    """Refuse a pattern that matches the files of another split too."""
    files = {"data.train": train.files, "data.valid": valid.files}
    specs = {"data.train": data.train, "data.valid": data.valid}
    if data.test and any(map(has_pattern, (data.train, data.valid, data.test))):
        with suppress(UserError):  # reported when it is read
            test = locate_corpus(data.test, data.source, data.target)
            files["data.test"], specs["data.test"] = test.files, data.test
    check_apart(specs, files)


def _key(config: Config, given: Tokenizers | None, train: _Corpus, valid: _Corpus) -> str:
    """A hash of all that decides the content of the folder: not paths, not how it is made."""
    tokenizer: Any = config.tokenizer.model_dump(mode="json", exclude={"source_end"})
    if given is not None:
        tokenizer = [hashlib.sha256(side.model).hexdigest() for side in given]
    idle = {"train", "valid", "test", "workers", "subword_sampling"}
    decisive = {
        "format": _FORMAT,
        "sentencepiece": sentencepiece.__version__,
        "data": config.data.model_dump(mode="json", exclude=idle),
        "tokenizer": tokenizer,
        "inputs": [list(corpus.inputs.items()) for corpus in (train, valid)],
    }
    if not config.data.source_kind.is_text:  # validation keeps their paths
        parts = (part for corpus in (train, valid) for part in corpus.text.parts)
        decisive["folders"] = [str(part.files[0].parent.absolute()) for part in parts]
    if config.data.vary != VaryConfig():
        decisive["seed"] = config.seed  # it says which pairs are varied
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:20]


def _fill(
    folder: Path,
    config: Config,
    given: Tokenizers | None,
    train: _Corpus,
    valid: _Corpus,
    odd: dict[str, list[PartOddness]],
) -> None:
    """Write all files of the prepared data into `folder`."""
    data, hashes = config.data, folder / _HASHES
    surveyed = survey(train.text, hashes, deduplicate=data.deduplicate, workers=data.workers)
    if data.source_kind.is_text:
        tokenizers = given or learn_tokenizers(config, train.text, surveyed)
        train_counts = write_train(config, train.text, surveyed, tokenizers, folder)
        valid_counts = write_valid(data, valid.text, tokenizers, folder, hashes)
    else:
        tokenizers = given or learn_reader(config, train.text, surveyed)
        train_counts = write_train_files(config, train.text, surveyed, tokenizers, folder)
        valid_counts = write_valid_files(data, valid.text, tokenizers, folder, hashes)
    tokenizers.save(folder / "tokenizer")
    hashes.unlink()
    summary = Summary(
        train_counts.summary(train.inputs),
        valid_counts.summary(valid.inputs),
        surveyed.scripts if data.source_kind.is_text else [],
        odd,
    )
    logger.info("training: %s", summary.train)
    logger.info("validation: %s", summary.valid)
    summary.write(folder / "data.json")
