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

from seq2seq.config import Config, DataConfig
from seq2seq.data.corpus import ParallelText, find_corpus, read_lines
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.tokenizer import UNK, Tokenizers, train_tokenizers
from seq2seq.disk import flush
from seq2seq.errors import UserError

logger = logging.getLogger(__name__)

_FORMAT = 2  # raise it whenever the same inputs would give other files
_SAMPLE = 100_000  # pairs that the tokenizers learn from
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

    `inputs` is the sha256 of each file, by side; `dropped` and `noted` count pairs by reason, those
    noted (in validation) being kept all the same. read = kept + the sum of dropped.
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

    Sentences lose their outer white space. A training pair is dropped if a side is empty, if the
    same pair came before (`data.deduplicate`), if a side has more than `data.max_length` pieces, or
    if the longer side has at least 10 pieces and more than `data.max_ratio` times the shorter's. Of
    validation only pairs with an empty side are dropped. The cache is `cache`, else prepared/ in
    $SEQ2SEQ_CACHE or ~/.cache/seq2seq. Text is cut by `tokenizers`, else by the tokenizers of the
    run `config.init`, else by what is learnt from the training text.

    Raises UserError for what is wrong with a corpus, if no pair is left, and if the cache can't be
    written.
    """
    train, valid = _corpus(config, "train"), _corpus(config, "valid")
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
    """A corpus and the sha256 of its files: of `source` and `target`, or of one `table`."""

    text: ParallelText
    inputs: dict[str, str]


def _corpus(config: Config, split: str) -> _Corpus:
    spec = getattr(config.data, split)
    if not spec:
        raise UserError(
            f"data.{split}: expected a prefix, a .tsv file or [source, target], found nothing set"
        )
    text = find_corpus(spec, config.data.source, config.data.target)
    sides = ("table",) if text.target is None else ("source", "target")
    return _Corpus(text, dict(zip(sides, map(_sha256, text.files), strict=True)))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()


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
        "inputs": [list(corpus.inputs.values()) for corpus in (train, valid)],
    }
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
    counts = _write_train(config.data, train.text, survey, tokenizers, folder)
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
    """What a first reading found: pairs read, and which of those not empty [M] are to be kept."""

    read: int
    first_M: npt.NDArray[np.bool_]

    @property
    def kept(self) -> int:
        return int(self.first_M.sum())

    @property
    def dropped(self) -> dict[str, int]:
        filled = len(self.first_M)
        return {"empty": self.read - filled, "duplicate": filled - self.kept}


def _clean(text: ParallelText) -> Iterator[tuple[str, str]]:
    """The pairs without outer white space; an empty side stays, for the reader to count."""
    return ((source.strip(), target.strip()) for source, target, _ in text.pairs())


def _survey(text: ParallelText, folder: Path, *, deduplicate: bool) -> _Survey:
    """Read `text` once; a hash of every pair goes into a file in `folder`."""
    hashes, read = folder / _HASHES, 0
    with hashes.open("wb") as file:
        for source, target in _clean(text):
            read += 1
            if source and target:
                file.write(_hash(source, target))
    count = hashes.stat().st_size // 8
    if deduplicate and count:
        first_M = _first_of_each(np.memmap(hashes, np.uint64, "r"))
    else:
        first_M = np.ones(count, bool)
    return _Survey(read, first_M)


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


def _unique(text: ParallelText, survey: _Survey) -> Iterator[tuple[str, str]]:
    """The pairs that the survey keeps."""
    filled = (pair for pair in _clean(text) if pair[0] and pair[1])
    return compress(filled, survey.first_M)


def _learn(config: Config, text: ParallelText, survey: _Survey) -> Tokenizers:
    """Tokenizers learnt from pairs evenly spread over the corpus, at most `_SAMPLE`."""
    kept, size = survey.kept, min(survey.kept, _SAMPLE)
    if not kept:
        raise _nothing_left(text, _Counts(survey.read, survey.dropped))
    spread = ((k + 1) * size // kept > k * size // kept for k in range(kept))
    sample = list(compress(_unique(text, survey), spread))
    sources, targets = zip(*sample, strict=True)
    return train_tokenizers(sources, targets, config.tokenizer)


def _write_train(
    data: DataConfig,
    text: ParallelText,
    survey: _Survey,
    tokenizers: Tokenizers,
    folder: Path,
) -> _Counts:
    counts = _Counts(survey.read, survey.dropped)
    with _writer(tokenizers, folder, "train") as writer:
        for source_ids, target_ids in _encoded(_unique(text, survey), tokenizers):
            reason = _unfit(len(source_ids), len(target_ids), data)
            if reason:
                counts.dropped[reason] += 1
            else:
                writer.add(source_ids, target_ids)
                counts.keep(source_ids, target_ids)
    if not counts.kept:
        raise _nothing_left(text, counts)
    return counts


def _write_valid(
    data: DataConfig, text: ParallelText, tokenizers: Tokenizers, folder: Path
) -> _Counts:
    """Write validation's ids and its raw text; every pair with two sides is kept."""
    counts = _Counts()
    pairs = []
    for counts.read, (source, target) in enumerate(_clean(text), 1):
        if source and target:
            pairs.append((source, target))
    counts.dropped["empty"] = counts.read - len(pairs)
    if not pairs:
        raise UserError(
            f"data.valid: expected sentence pairs in {text.source}, found only empty ones"
        )
    for side, sentences in zip(("source", "target"), zip(*pairs, strict=True), strict=True):
        _write_lines(folder / f"valid.{side}.txt", sentences)
    with _writer(tokenizers, folder, "valid") as writer:
        for source_ids, target_ids in _encoded(pairs, tokenizers):
            writer.add(source_ids, target_ids)
            counts.keep(source_ids, target_ids)
            reason = _unfit(len(source_ids), len(target_ids), data)
            if reason:
                counts.noted[reason] += 1
    if seen := _count_seen(pairs, folder / _HASHES):
        counts.noted[LEAKED] = seen
    return counts


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


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


def _nothing_left(text: ParallelText, counts: _Counts) -> UserError:
    """The error that names the setting which dropped the most pairs."""
    worst = max(_FILTERS, key=lambda reason: counts.dropped[reason])
    return UserError(
        f"{_FILTERS[worst]}: no pair of {text.source} is left to train on: "
        f"{counts.read:,} read, dropped {_listed(counts.dropped)}"
    )


def _sentence(summary: SplitSummary) -> str:
    noted = f" (kept: {_listed(summary.noted)})" if summary.noted else ""
    return (
        f"{summary.read:,} pairs read, {summary.kept:,} kept{noted}, "
        f"dropped {_listed(summary.dropped)}; "
        f"{summary.source_pieces:,} source and {summary.target_pieces:,} target pieces, "
        f"{summary.source_unknown:.3%} and {summary.target_unknown:.3%} unknown"
    )


def _listed(counts: dict[str, int]) -> str:
    """`3 empty, 1 too long`, or `none`."""
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count) or "none"
