"""A named corpus in a folder of its own, whole or not at all.

`get_corpus("multi30k", "corpora")` makes corpora/multi30k/ with train.en, train.fr, valid.* and
test*.*. WMT test sets come by name through sacreBLEU.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seq2seq.bundled import bundled_recipe
from seq2seq.data.download.mtdata import run_mtdata
from seq2seq.data.download.registry import CORPORA, Corpus
from seq2seq.data.download.transfer import PinnedFile, Progress, checked_address, download
from seq2seq.errors import UserError, did_you_mean
from seq2seq.machine.disk import hash_file
from seq2seq.machine.input import check_folder


@dataclass(frozen=True)
class FetchedCorpus:
    """A corpus ready for `data.train: FOLDER/train`."""

    name: str
    folder: Path
    pairs: dict[str, int]
    """Split -> sentence pairs."""
    fresh: bool
    """False if it was there already."""
    unverified: tuple[str, ...] = ()
    """Local files that could not be checked, being already unpacked."""
    missing: tuple[str, ...] = ()
    """Test files that a local folder did not have."""


def get_corpus(
    name: str,
    root: str | Path = "corpora",
    *,
    origin: str | None = None,
    progress: Progress | None = None,
) -> FetchedCorpus:
    """Return the corpus `name` of CORPORA in ROOT/NAME, fetching it first unless it is there.

    `origin` is a folder or an http(s) address to take the same file names from, plain (unchecked)
    or compressed. Raises UserError for an unknown name, a failed transfer, bytes that are not the
    pinned ones, or a folder that holds something else; nothing wrong is left in place.
    """
    if name not in CORPORA:
        raise UserError(
            f"corpus {name!r}: expected one of {', '.join(CORPORA)}{did_you_mean(name, CORPORA)}"
        )
    corpus, folder = CORPORA[name], Path(root) / name
    if folder.exists():
        return FetchedCorpus(name, folder, _count_pairs(folder), fresh=False)
    downloads, built = Path(root) / f".{name}.downloads", Path(root) / f".{name}.unpacked"
    try:
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(parents=True)
        downloads.mkdir(exist_ok=True)
        unverified, missing = _fill(corpus, downloads, built, origin, progress)
        pairs = _count_pairs(built)
        os.replace(built, folder)
    except OSError as error:
        reason = error.strerror or error
        if error.filename and not Path(error.filename).is_relative_to(root):
            raise UserError(f"{error.filename}: cannot be read: {reason}") from None
        raise UserError(f"{folder}: cannot be written: {reason}") from None
    finally:
        shutil.rmtree(built, ignore_errors=True)
        with suppress(OSError):
            downloads.rmdir()  # unless a part is there to go on from
    shutil.rmtree(downloads, ignore_errors=True)
    return FetchedCorpus(name, folder, pairs, True, unverified, missing)


def render_fetched(fetched: FetchedCorpus) -> str:
    """Return what was got, as text: folder, pairs of each split, and what was not checked."""
    state = "" if fetched.fresh else " (already there)"
    rows = [f"{fetched.folder}{state}"]
    rows += [f"  {split:<20} {pairs:>9,} pairs" for split, pairs in fetched.pairs.items()]
    if fetched.unverified:
        rows.append(f"  not checked against a pinned hash: {', '.join(fetched.unverified)}")
    if fetched.missing:
        rows.append(f"  not found, so left out: {', '.join(fetched.missing)}")
    if bundled_recipe(Path(fetched.name)) and fetched.folder.parent == Path("corpora"):
        rows.append(f"  train on it with: seq2seq train --config {fetched.name}")
    return "\n".join(rows)


def render_corpora() -> str:
    """Return the list of corpora as text: name, description, licence."""
    return "\n".join(
        f"{corpus.name:<16} {corpus.description} ({corpus.licence})" for corpus in CORPORA.values()
    )


def sacrebleu_testset(name: str, pair: str = "en-fr") -> tuple[list[str], list[list[str]]]:
    """Return the sources and the reference streams of a test set that sacreBLEU knows, as wmt14.

    It is downloaded once into sacreBLEU's own folder. Raises UserError for an unknown name or
    a download that failed.
    """
    from sacrebleu import utils

    known = utils.get_available_testsets_for_langpair(pair)
    if name not in known:
        hint = did_you_mean(name, known) or f"; for {pair} there are {', '.join(known) or 'none'}"
        raise UserError(f"test set {name!r}: not one of sacreBLEU's for {pair}{hint}")
    try:
        source = utils.get_source_file(name, pair)
        references = utils.get_reference_files(name, pair)
    except (Exception, SystemExit) as error:  # sacreBLEU raises bare exceptions, and exits
        raise UserError(f"test set {name!r}: sacreBLEU could not download it: {error}") from None
    return _read_lines(Path(source)), [_read_lines(Path(path)) for path in references]


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _fill(
    corpus: Corpus, downloads: Path, built: Path, origin: str | None, progress: Progress | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the corpus into `built`; the names that were not checked, and those not found."""
    if corpus.mtdata:
        if origin is not None:
            raise UserError(f"corpus {corpus.name!r}: mtdata downloads it; leave out --from")
        run_mtdata(corpus.mtdata, downloads, built)
        return (), ()
    assert corpus.build is not None
    if origin is None or "://" in origin:
        mirror = None if origin is None else checked_address(origin)
        places = [file if mirror is None else file.at(mirror) for file in corpus.files]
        corpus.build([download(file, downloads, progress=progress) for file in places], built)
        return (), ()
    local = {file.name: _find_local(file, Path(origin)) for file in corpus.files}
    corpus.build([path for path in local.values() if path], built)
    return (
        tuple(path.name for name, path in local.items() if path and path.name != name),
        tuple(name for name, path in local.items() if path is None),
    )


def _count_pairs(folder: Path) -> dict[str, int]:
    """Split -> pairs, train first; UserError if this is no corpus or two sides differ."""
    splits = {path.stem for path in folder.glob("*.en")}
    if "train" not in splits:
        raise UserError(f"{folder}: expected a corpus with a file train.en; move this folder away")
    pairs = {}
    for split in sorted(splits, key=lambda name: (name != "train", name != "valid", name)):
        english, french = (_count_lines(folder / f"{split}.{side}") for side in ("en", "fr"))
        if english != french:
            raise UserError(f"{folder / split}: {english} lines in .en but {french} in .fr")
        if not english:
            raise UserError(f"{folder / split}: expected sentence pairs, found empty files")
        pairs[split] = english
    return pairs


def _count_lines(path: Path) -> int:
    try:
        count = 0
        with path.open("rb") as stream:
            for line in stream:
                count += 1
                line.decode("utf-8")
        return count
    except UnicodeDecodeError as error:
        found = error.object[error.start]
        raise UserError(
            f"{path}:{count}: expected UTF-8 text, found byte {found:#04x}; convert the file"
        ) from None
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, but its other side is there") from None


def _find_local(file: PinnedFile, folder: Path) -> Path | None:
    """The file in a folder of the user's, checked, or unpacked; None for a test set not there."""
    check_folder(folder)
    packed, plain = folder / file.name, folder / file.unpacked
    if packed.is_file():
        found = hash_file(packed)
        if found != file.sha256:
            raise UserError(
                f"{packed}: expected SHA-256 {file.sha256}, found {found}; "
                "to use it all the same, unpack it: it is then not checked"
            )
        return packed
    if plain.is_file():
        return plain
    if file.name.startswith("test"):
        return None
    raise UserError(f"{folder}: expected {packed.name} or {plain.name}, found neither")
