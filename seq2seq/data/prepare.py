"""Corpora -> a folder of tokenizers and ids, made once for each content and kept in a cache.

The name of the folder is a hash of all that decides what is in it. It is built under another name
and renamed when whole, so that a folder of the right name is complete whenever a build is killed,
and builders beside each other do no harm. Memory does not grow with the corpus, but for one byte a
pair while duplicates are looked for.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import sentencepiece

from seq2seq.config import Config, DataConfig, VaryConfig
from seq2seq.data.corpus import (
    FORMATS,
    Corpus,
    check_columns,
    find_corpus,
    read_lines,
    warn_if_odd,
)
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.tokenizer import UNK, Tokenizers, train_tokenizers
from seq2seq.data.variation import with_variants
from seq2seq.errors import UserError
from seq2seq.machine.disk import flush, hash_file, write_lines

logger = logging.getLogger(__name__)

_FORMAT = 3  # raise it whenever the same inputs would give other files
_SAMPLE = 100_000  # pairs that the tokenizers learn from
_ENDLESS = 10  # x data.max_length pieces: a line that is no sentence even of a validation set
_SHORT = 10  # pieces: of shorter sentences the ratio says little
_BUCKET = 1 << 20  # hashes compared at a time
_BUILDING = ".building"
_ABANDONED = 24 * 3600  # seconds
_HASHES = "hashes"  # the file of the training pairs' hashes, while a folder is built
LEAKED = "trained on too"
"""Why validation pairs are noted that are trained on too."""
_FILTERS = {  # why no pair may be left -> the setting that says so; duplicates leave the first
    "too long": "data.max_length",
    "lopsided": "data.max_ratio",
    "empty": "data.train",
}


@dataclass(frozen=True)
class SplitSummary:
    """What became of one corpus: numbers of pairs, pieces, and the share of pieces unknown.

    `inputs` is the sha256 of each file, by side or kind; `dropped` and `noted` count pairs by
    reason, those noted (in validation) being kept all the same; in training, variants are noted
    (`data.vary`). read = kept + the sum of dropped.
    """

    inputs: dict[str, str]
    read: int
    kept: int
    dropped: dict[str, int]
    noted: dict[str, int]
    source_pieces: int
    target_pieces: int
    source_unknown: float
    target_unknown: float


@dataclass(frozen=True)
class Summary:
    """What became of the training and of the validation corpus."""

    train: SplitSummary
    valid: SplitSummary


@dataclass(frozen=True)
class Prepared:
    """A prepared corpus: ids for training and validation, and validation's raw text for BLEU."""

    folder: Path
    tokenizers: Tokenizers
    train: ParallelDataset
    valid: ParallelDataset
    valid_source: list[str]
    valid_target: list[str]
    summary: Summary

    @classmethod
    def load(cls, folder: Path) -> Prepared:
        """Open what `prepare` built; UserError naming the file that is missing or damaged."""
        prepared = cls(
            folder=folder,
            tokenizers=Tokenizers.load(folder / "tokenizer"),
            train=ParallelDataset(folder, "train"),
            valid=ParallelDataset(folder, "valid"),
            valid_source=list(read_lines(folder / "valid.source.txt")),
            valid_target=list(read_lines(folder / "valid.target.txt")),
            summary=_read_summary(folder / "data.json"),
        )
        counts = {len(prepared.valid), len(prepared.valid_source), len(prepared.valid_target)}
        if len(counts) > 1:
            raise UserError(f"{folder}: damaged: validation text and ids differ in length")
        return prepared


def prepare(
    config: Config, *, cache: Path | None = None, tokenizers: Tokenizers | None = None
) -> Prepared:
    """Return the prepared corpora of `config`, from the cache if they were prepared before.

    Sentences are cleaned (`seq2seq.data.text`); validation's text is kept as it was given, for
    BLEU, without its outer white space. A training pair is dropped if a side is empty, if the
    same pair came before (`data.deduplicate`), if a side has more than `data.max_length` pieces, or
    if the longer side has at least 10 pieces and more than `data.max_ratio` times the shorter's. Of
    validation only pairs with an empty side are dropped, and those with more than 10 times
    `data.max_length` pieces, which would fill the memory. `data.vary` shows some training pairs
    once more in another spelling. The cache is `cache`, else prepared/ in $SEQ2SEQ_CACHE or
    ~/.cache/seq2seq. Text is cut by `tokenizers`, else by the tokenizers of the run `config.init`,
    else by what is learnt from the training text.

    Raises UserError for what is wrong with a corpus, if no pair is left, and if the cache can't be
    written.
    """
    train, valid = _corpus(config, "train"), _corpus(config, "valid")
    check_columns(config.data.columns, train.text, valid.text)
    if tokenizers is None and config.init is not None:
        tokenizers = Tokenizers.load(Path(config.init) / "tokenizer")
    folder = (cache or default_cache()) / _key(config, tokenizers, train, valid)
    if folder.exists():
        try:
            prepared = Prepared.load(folder)
        except UserError as error:
            logger.warning("%s; preparing it again", error)
        else:
            logger.info("prepared before: %s", folder)
            return prepared
    try:
        _sweep(folder.parent)
        _build(config, tokenizers, train, valid, folder)
    except OSError as error:
        raise UserError(
            f"{folder.parent}: the prepared data cannot be written here: {error.strerror or error}"
        ) from None
    return Prepared.load(folder)


# --- what is prepared, and where -----------------------------------------------------------------


class _Corpus(NamedTuple):
    """A corpus and the sha256 of its files: of `source` and `target`, of one `table`, `2.csv`."""

    text: Corpus
    inputs: dict[str, str]


def _corpus(config: Config, split: str) -> _Corpus:
    data = config.data
    spec = getattr(data, split)
    if not spec:
        raise UserError(f"data.{split}: expected {FORMATS}, found nothing set")
    text = find_corpus(spec, data.source, data.target, data.columns)
    warn_if_odd(text, data.source, data.target)
    try:
        return _Corpus(text, {role: hash_file(file) for role, file in text.inputs.items()})
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}") from None


def default_cache() -> Path:
    """Return prepared/ in $SEQ2SEQ_CACHE or ~/.cache/seq2seq."""
    root = os.environ.get("SEQ2SEQ_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "seq2seq") / "prepared"


def _key(config: Config, given: Tokenizers | None, train: _Corpus, valid: _Corpus) -> str:
    """A hash of all that decides what the folder holds, which `source_end` and paths do not."""
    tokenizer: Any = config.tokenizer.model_dump(mode="json", exclude={"source_end"})
    if given is not None:
        tokenizer = [hashlib.sha256(each.model).hexdigest() for each in given]
    decisive = {
        "format": _FORMAT,
        "sentencepiece": sentencepiece.__version__,
        "data": config.data.model_dump(mode="json", exclude={"train", "valid", "test"}),
        "tokenizer": tokenizer,
        "inputs": [list(corpus.inputs.items()) for corpus in (train, valid)],
    }
    if config.data.vary != VaryConfig():
        decisive["seed"] = config.seed  # it says which pairs are varied
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:20]


# --- building a folder ---------------------------------------------------------------------------


def _build(
    config: Config, given: Tokenizers | None, train: _Corpus, valid: _Corpus, folder: Path
) -> None:
    """Write the prepared data to `folder`, which appears whole or not at all."""
    building = _beside(folder)
    building.mkdir(parents=True)
    try:
        summary = _write(config, given, train, valid, building)
        (building / "data.json").write_text(json.dumps(asdict(summary), indent=2), "utf-8")
        _sync(building)
        _publish(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _beside(folder: Path) -> Path:
    """A new name, for what is not, or no longer, the folder itself."""
    return folder.with_name(f".{folder.name}.{uuid4().hex}{_BUILDING}")


def _publish(building: Path, folder: Path) -> None:
    """Rename `building` to `folder`, unless another builder was quicker."""
    if folder.exists():
        try:
            Prepared.load(folder)
        except UserError:  # damaged: put it out of the way, where a sweep will find it
            with suppress(FileNotFoundError):  # unless another builder just did
                folder.rename(_beside(folder))
        else:
            return
    try:
        building.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    flush(folder.parent)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        flush(path)
    flush(folder)


def _sweep(cache: Path) -> None:
    """Remove what builds that were killed left behind, a day or more ago."""
    for path in cache.glob(f".*{_BUILDING}"):
        try:
            abandoned = time.time() - path.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue
        if abandoned:
            shutil.rmtree(path, ignore_errors=True)


def _read_summary(path: Path) -> Summary:
    try:
        tree: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return Summary(SplitSummary(**tree["train"]), SplitSummary(**tree["valid"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: missing or damaged: {error}") from None


# --- from text to ids ----------------------------------------------------------------------------


def _write(
    config: Config, given: Tokenizers | None, train: _Corpus, valid: _Corpus, folder: Path
) -> Summary:
    """Write everything but the summary into `folder`, and return the summary."""
    survey = _survey(train.text, folder, deduplicate=config.data.deduplicate)
    tokenizers = given or _learn(config, train.text, survey)
    tokenizers.save(folder / "tokenizer")
    counts = _write_train(config, train.text, survey, tokenizers, folder)
    valid_counts = _write_valid(config.data, valid.text, tokenizers, folder)
    (folder / _HASHES).unlink()
    summary = Summary(counts.summary(train), valid_counts.summary(valid))
    logger.info("training: %s", _sentence(summary.train))
    logger.info("validation: %s", _sentence(summary.valid))
    return summary


class _Counts:
    """Running counts of one corpus, which end as a `SplitSummary`."""

    def __init__(self, read: int = 0, dropped: dict[str, int] | None = None) -> None:
        self.read, self.kept = read, 0
        self.dropped, self.noted = Counter(dropped), Counter[str]()
        self._pieces, self._unknown = [0, 0], [0, 0]

    def keep(self, *sides: list[int]) -> None:
        """Count a pair that is kept."""
        self.kept += 1
        self.measure(*sides)

    def measure(self, *sides: list[int]) -> None:
        """Count the pieces of a pair, or of a variant of it."""
        for side, ids in enumerate(sides):
            self._pieces[side] += len(ids)
            self._unknown[side] += ids.count(UNK)

    def summary(self, corpus: _Corpus) -> SplitSummary:
        rates = [
            count / max(1, all_) for count, all_ in zip(self._unknown, self._pieces, strict=True)
        ]
        return SplitSummary(
            corpus.inputs,
            self.read,
            self.kept,
            {reason: count for reason, count in self.dropped.items() if count},
            dict(self.noted),
            *self._pieces,
            *rates,
        )


class _Survey(NamedTuple):
    """What a first reading found: which of the N pairs to keep, and how many have no empty side."""

    kept_N: npt.NDArray[np.bool_]
    filled: int

    @property
    def read(self) -> int:
        return len(self.kept_N)

    @property
    def kept(self) -> int:
        return int(self.kept_N.sum())

    @property
    def dropped(self) -> dict[str, int]:
        return {"empty": self.read - self.filled, "duplicate": self.filled - self.kept}


def _survey(text: Corpus, folder: Path, *, deduplicate: bool) -> _Survey:
    """Read `text` once; a hash of every pair goes into a file in `folder`."""
    hashes, filled = folder / _HASHES, bytearray()
    with hashes.open("wb") as file:
        for source, target, _ in text.pairs():
            source, target = clean_source(source), clean_target(target)
            filled.append(bool(source and target))
            if source and target:
                file.write(_hash(source, target))
    kept_N = np.frombuffer(filled, bool)
    count = hashes.stat().st_size // 8
    if deduplicate and count:
        kept_N[kept_N] = _first_of_each(np.memmap(hashes, np.uint64, "r"))
    return _Survey(kept_N, count)


def _hash(source: str, target: str) -> bytes:
    return hashlib.blake2b(f"{source}\n{target}".encode(), digest_size=8).digest()


def _count_seen(pairs: Iterable[tuple[str, str]], hashes: Path) -> int:
    """How many of `pairs` are among those whose hashes are in the file; a block of it at a time."""
    wanted = np.frombuffer(b"".join(_hash(*pair) for pair in pairs), np.uint64)
    seen = np.zeros(len(wanted), bool)
    if hashes.stat().st_size:
        trained = np.memmap(hashes, np.uint64, "r")
        for at in range(0, len(trained), _BUCKET):
            seen |= np.isin(wanted, trained[at : at + _BUCKET])
    return int(seen.sum())


def _first_of_each(hashes_M: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Where in `hashes_M` a value stands for the first time; a bucket of values at a time."""
    first_M = np.zeros(len(hashes_M), bool)
    buckets = len(hashes_M) // _BUCKET + 1
    blocks = range(0, len(hashes_M), _BUCKET)
    for bucket in range(buckets):
        places = np.concatenate(
            [np.flatnonzero(hashes_M[at : at + _BUCKET] % buckets == bucket) + at for at in blocks]
        )
        first_M[places[np.unique(hashes_M[places], return_index=True)[1]]] = True
    return first_M


def _unique(text: Corpus, survey: _Survey) -> Iterator[tuple[str, str]]:
    """The pairs that the survey keeps, as they were written."""
    return compress(((source, target) for source, target, _ in text.pairs()), survey.kept_N)


def _learn(config: Config, text: Corpus, survey: _Survey) -> Tokenizers:
    """Tokenizers learnt from pairs evenly spread over the corpus, at most `_SAMPLE`."""
    kept, size = survey.kept, min(survey.kept, _SAMPLE)
    if not kept:
        raise _nothing_left(text, _Counts(survey.read, survey.dropped))
    spread = ((k + 1) * size // kept > k * size // kept for k in range(kept))
    sample = compress(_unique(text, survey), spread)
    sources, targets, _ = zip(*with_variants(sample, config.data.vary, config.seed), strict=True)
    return train_tokenizers(sources, targets, config.tokenizer)


def _write_train(
    config: Config,
    text: Corpus,
    survey: _Survey,
    tokenizers: Tokenizers,
    folder: Path,
) -> _Counts:
    counts = _Counts(survey.read, survey.dropped)
    with _writer(tokenizers, folder, "train") as writer:
        pairs = with_variants(_unique(text, survey), config.data.vary, config.seed)
        for source, target, variant in pairs:
            source_ids = tokenizers.source.encode(source)
            target_ids = tokenizers.target.encode(target)
            reason = _unfit(len(source_ids), len(target_ids), config.data)
            if reason:
                counts.dropped[reason] += not variant
                continue
            writer.add(source_ids, target_ids)
            if variant:
                counts.noted[f"once more {variant}"] += 1
                counts.measure(source_ids, target_ids)
            else:
                counts.keep(source_ids, target_ids)
    if not counts.kept:
        raise _nothing_left(text, counts)
    return counts


def _write_valid(data: DataConfig, text: Corpus, tokenizers: Tokenizers, folder: Path) -> _Counts:
    """Write validation's ids and its raw text; every pair with two sides, none endless, is kept."""
    counts = _Counts()
    pairs = []
    for counts.read, (source, target, _) in enumerate(text.pairs(), 1):
        if clean_source(source) and clean_target(target):
            pairs.append((source.strip(), target.strip()))
    counts.dropped["empty"] = counts.read - len(pairs)
    if not pairs:
        raise UserError(
            f"data.valid: expected sentence pairs in {text.name}, found only empty ones"
        )
    ids = list(_encoded(pairs, tokenizers))
    fits = [max(map(len, sides)) <= _ENDLESS * data.max_length for sides in ids]
    counts.dropped["far too long"] = fits.count(False)
    if not any(fits):
        raise UserError(
            f"data.valid: every pair of {text.name} has more than {_ENDLESS} x data.max_length "
            "pieces; expected sentences"
        )
    pairs, ids = list(compress(pairs, fits)), list(compress(ids, fits))
    for side, sentences in zip(("source", "target"), zip(*pairs, strict=True), strict=True):
        write_lines(folder / f"valid.{side}.txt", sentences)
    with _writer(tokenizers, folder, "valid") as writer:
        for source_ids, target_ids in ids:
            writer.add(source_ids, target_ids)
            counts.keep(source_ids, target_ids)
            reason = _unfit(len(source_ids), len(target_ids), data)
            if reason:
                counts.noted[reason] += 1
    cleaned = ((clean_source(source), clean_target(target)) for source, target in pairs)
    if seen := _count_seen(cleaned, folder / _HASHES):
        counts.noted[LEAKED] = seen
    return counts


def _writer(tokenizers: Tokenizers, folder: Path, name: str) -> DatasetWriter:
    return DatasetWriter(
        folder,
        name,
        source_vocabulary=len(tokenizers.source),
        target_vocabulary=len(tokenizers.target),
    )


def _encoded(
    pairs: Iterable[tuple[str, str]], tokenizers: Tokenizers
) -> Iterator[tuple[list[int], list[int]]]:
    source, target = tokenizers
    return ((source.encode(left), target.encode(right)) for left, right in pairs)


def _unfit(source_length: int, target_length: int, data: DataConfig) -> str | None:
    """Why a pair of so many pieces is not trained on; None if it is."""
    shortest, longest = sorted((source_length, target_length))
    if not shortest:  # all of it was erased by the normalization
        return "empty"
    if longest > data.max_length:
        return "too long"
    if longest >= _SHORT and longest > data.max_ratio * shortest:
        return "lopsided"
    return None


# --- telling -------------------------------------------------------------------------------------


def _nothing_left(text: Corpus, counts: _Counts) -> UserError:
    """The error that names the setting which dropped the most pairs."""
    worst = max(_FILTERS, key=lambda reason: counts.dropped[reason])
    return UserError(
        f"{_FILTERS[worst]}: no pair of {text.name} is left to train on: "
        f"{counts.read:,} read, dropped {_listed(counts.dropped)}"
    )


def _sentence(summary: SplitSummary) -> str:
    noted = f" ({_listed(summary.noted)})" if summary.noted else ""
    return (
        f"{summary.read:,} pairs read, {summary.kept:,} kept{noted}, "
        f"dropped {_listed(summary.dropped)}; "
        f"{summary.source_pieces:,} source and {summary.target_pieces:,} target pieces, "
        f"{summary.source_unknown:.3%} and {summary.target_unknown:.3%} unknown"
    )


def _listed(counts: dict[str, int]) -> str:
    """`3 empty, 1 too long`, or `none`."""
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count) or "none"
