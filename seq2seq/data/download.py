"""Named English-French corpora, fetched, checked and laid out as train, valid and test files.

`get_corpus("multi30k", "corpora")` makes corpora/multi30k/ with train.en, train.fr, valid.* and
test*.*, whole or not at all. Addresses are pinned to bytes: size and SHA-256 are checked. A broken
transfer goes on where it stopped. WMT test sets come by name through sacreBLEU.
"""

from __future__ import annotations

import errno
import gzip
import http.client
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias, cast

from seq2seq.bundled import bundled_recipe
from seq2seq.data.split import split_pairs, write_splits
from seq2seq.errors import UserError, did_you_mean
from seq2seq.extras import install_hint
from seq2seq.machine.disk import hash_file

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a file's name, its bytes so far and its size in bytes."""

logger = logging.getLogger(__name__)

ATTEMPTS = 5
TIMEOUT = 30.0
"""Seconds without a byte before a connection is given up."""
_CHUNK = 1 << 16
_PAUSE = 0.5  # seconds before the second attempt, doubled for each one after


class PinnedFile(NamedTuple):
    """A file at a public address whose bytes can't change."""

    url: str
    size: int
    sha256: str
    member: str = ""
    """Of a zip: the one file in it that is wanted."""

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def unpacked(self) -> str:
        """The name of what it holds."""
        return Path(self.member).name or self.name.removesuffix(".gz")

    def at(self, mirror: str) -> PinnedFile:
        """Return the same file at another address."""
        return self._replace(url=f"{mirror.rstrip('/')}/{self.name}")


@dataclass(frozen=True)
class Corpus:
    """A named corpus: where its files are, and how they become train, valid and test."""

    name: str
    description: str
    licence: str
    files: tuple[PinnedFile, ...] = ()
    build: Callable[[list[Path], Path], None] | None = None
    """(its files, plain or compressed; the folder to fill)"""
    mtdata: dict[str, str] | None = None
    """In place of files and build: train, dev and test -> the id that mtdata knows it by."""


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
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
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
        raise UserError(f"test set {name!r}: sacreBLEU could not get it: {error}") from None
    return _read_lines(Path(source)), [_read_lines(Path(path)) for path in references]


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _fill(
    corpus: Corpus, downloads: Path, built: Path, origin: str | None, progress: Progress | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the corpus into `built`; the names that were not checked, and those not found."""
    if corpus.mtdata:
        if origin is not None:
            raise UserError(f"corpus {corpus.name!r}: mtdata fetches it, and takes no other origin")
        _run_mtdata(corpus.mtdata, downloads, built)
        return (), ()
    assert corpus.build is not None
    if origin is None or _is_address(origin):
        places = [file if origin is None else file.at(origin) for file in corpus.files]
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
        raise UserError(f"{folder}: expected a corpus, with a train.en; move this folder away")
    pairs = {}
    for split in sorted(splits, key=lambda name: (name != "train", name != "valid", name)):
        english, french = (_count_lines(folder / f"{split}.{side}") for side in ("en", "fr"))
        if english != french:
            raise UserError(f"{folder / split}: {english} lines in .en but {french} in .fr")
        pairs[split] = english
    return pairs


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            return sum(1 for _ in stream)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, but its other side is there") from None


# --- transfers -----------------------------------------------------------------------------------


_LOCAL_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS)


class _WrongBytesError(Exception):
    """A whole file came, and it is another one."""


def download(
    file: PinnedFile,
    folder: Path,
    *,
    progress: Progress | None = None,
    attempts: int = ATTEMPTS,
    pause: float = _PAUSE,
) -> Path:
    """Return FOLDER/NAME holding the pinned bytes of `file`, transferring what is still missing.

    What has come stays in NAME.part, so that a later call goes on from there. Raises UserError
    if the server refuses, stays unreachable after `attempts`, or sends other bytes.
    """
    path, part = folder / file.name, folder / f"{file.name}.part"
    if path.exists() and hash_file(path) == file.sha256:
        return path
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        resumed = part.exists()
        try:
            _transfer(file, part, progress)
            return _accept(file, part, path)
        except urllib.error.HTTPError as error:
            failure = f"HTTP {error.code} {error.reason}"
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                raise UserError(f"{file.url}: {failure}") from None
        except _WrongBytesError as error:
            failure = str(error)
            if not resumed:  # else the old part may be to blame: once more, from the start
                raise UserError(f"{file.url}: {failure}; nothing was kept") from None
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in _LOCAL_ERRORS:
                raise
            failure = str(getattr(error, "reason", "") or error or type(error).__name__)
        logger.info("%s: %s (attempt %d of %d)", file.url, failure, attempt + 1, attempts)
    raise UserError(
        f"{file.url}: cannot be fetched: {failure} (tried {attempts} times); "
        "a mirror or a folder with a copy can be named with --from"
    )


def _transfer(file: PinnedFile, part: Path, progress: Progress | None) -> None:
    """Append to `part` what it lacks; from the start if the server can't send a range."""
    done = part.stat().st_size if part.exists() else 0
    if done >= file.size:  # whole, or from something else: the hash will tell
        return
    request = urllib.request.Request(file.url, headers={"User-Agent": "seq2seq"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0
        with part.open("ab" if done else "wb") as out:
            while done < file.size and (chunk := response.read(_CHUNK)):
                out.write(chunk)
                done += len(chunk)
                if progress:
                    progress(file.name, min(done, file.size), file.size)
        if done < file.size and response.length != 0:  # what the server still owes
            raise ConnectionError(f"broken off at {done} of {file.size} bytes")


def _accept(file: PinnedFile, part: Path, path: Path) -> Path:
    """Give the finished `part` its name, or throw it away if it is not the pinned file."""
    size, sha256 = part.stat().st_size, hash_file(part)
    if sha256 != file.sha256:
        part.unlink()
        raise _WrongBytesError(
            f"expected {file.size} bytes with SHA-256 {file.sha256}, "
            f"found {size} bytes with SHA-256 {sha256}"
        )
    os.replace(part, path)
    return path


def _is_address(origin: str) -> bool:
    scheme = urllib.parse.urlsplit(origin).scheme
    if "://" in origin and scheme not in ("http", "https"):
        raise UserError(f"{origin}: expected a folder or an http(s) address")
    return "://" in origin


def _find_local(file: PinnedFile, folder: Path) -> Path | None:
    """The file in a folder of the user's, checked, or unpacked; None for a test set not there."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    packed, plain = folder / file.name, folder / file.unpacked
    if packed.is_file():
        found = hash_file(packed)
        if found != file.sha256:
            raise UserError(
                f"{packed}: expected SHA-256 {file.sha256}, found {found}; "
                "unpack it to use it unchecked"
            )
        return packed
    if plain.is_file():
        return plain
    if file.name.startswith("test"):
        return None
    raise UserError(f"{folder}: expected {packed.name} or {plain.name}, found neither")


# --- unpacking -----------------------------------------------------------------------------------


@contextmanager
def _unpacked(path: Path, member: str = "") -> Iterator[BinaryIO]:
    """The bytes of a plain, .gz or .zip file; a zip's member is read, never written by its name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            yield cast(BinaryIO, stream)
    elif path.suffix == ".gz":
        with gzip.open(path) as stream:
            yield cast(BinaryIO, stream)
    else:
        with path.open("rb") as stream:
            yield stream


def _build_multi30k(files: list[Path], out: Path) -> None:
    for path in files:
        name = path.name.removesuffix(".gz").replace("val.", "valid.")
        with _unpacked(path) as source, (out / name).open("wb") as target:
            shutil.copyfileobj(source, target)


# --- Tatoeba -------------------------------------------------------------------------------------

_TATOEBA_MEMBER = "fra-eng/fra.txt"


def _build_tatoeba(files: list[Path], out: Path) -> None:
    with _unpacked(files[0], _TATOEBA_MEMBER) as stream:
        lines = stream.read().decode("utf-8").removesuffix("\n").split("\n")
    pairs = []
    for number, line in enumerate(lines, 1):
        cells = line.removesuffix("\r").split("\t")
        if len(cells) < 2:
            raise UserError(f"{files[0]}:{number}: expected English<TAB>French, found no tab")
        pairs.append((cells[0].strip(), cells[1].strip()))
    write_splits(split_pairs(pairs), out, ("en", "fr"))


# --- mtdata --------------------------------------------------------------------------------------


def _run_mtdata(ids: dict[str, str], folder: Path, out: Path) -> None:
    """Have mtdata fetch and unpack the sets, and copy what it wrote to `out` under our names."""
    if importlib.util.find_spec("mtdata") is None:
        raise UserError(f"this corpus needs mtdata: {install_hint('corpora')}")
    command = [sys.executable, "-m", "mtdata", "-no-pb", "get", "-l", "eng-fra", "-o", str(folder)]
    for split, id_ in ids.items():
        command += [f"--{split}", id_]
    command += ["--merge", "--fail", "--drop-dupes", "--drop-tests"]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    assert process.stderr is not None
    last: deque[str] = deque(maxlen=1)
    for line in process.stderr:
        if line.strip():
            logger.info("mtdata: %s", line.strip())
            last.append(line.strip())
    if process.wait():
        raise UserError(f"mtdata could not get {', '.join(ids.values())}: {' '.join(last)}")
    for theirs, ours in (("train", "train"), ("dev", "valid"), ("test1", "test")):
        for language, suffix in (("eng", "en"), ("fra", "fr")):
            shutil.copyfile(folder / f"{theirs}.{language}", out / f"{ours}.{suffix}")


# --- the registry --------------------------------------------------------------------------------


def _pinned(folder: str, line: str) -> PinnedFile:
    name, size, sha256 = line.split(" ")
    return PinnedFile(folder + name, int(size), sha256)


_MULTI30K = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/"
)
# name, bytes, SHA-256
_MULTI30K_FILES = """
train.en.gz 568929 d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f
train.fr.gz 604242 622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c
val.en.gz 21650 14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28
val.fr.gz 23001 ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9
test_2016_flickr.en.gz 21077 611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9
test_2016_flickr.fr.gz 22310 6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90
test_2017_flickr.en.gz 19138 76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074
test_2017_flickr.fr.gz 20434 3ba671ceb2299f3304ffafefea7a833d08632fbaf0ba18546f8a2ec2391af496
test_2017_mscoco.en.gz 8844 aab300bfb4427697987e02cd0aacd44bfe8aa50456231b6474c08038bbed2b58
test_2017_mscoco.fr.gz 9751 754f3072ba9f124569ba5258b32730fc1d214bbf8e0c6dfb2b74401676220db0
test_2018_flickr.en.gz 23514 ef4f4844037d4c5dea75c9a8ed5fd78905967a26f67c255e230cc9780032654d
test_2018_flickr.fr.gz 25321 fb2b83fcceb937a4f7e3e93c1c51c22aba92f1e342391e6b5ba392b16a920501
"""
_TATOEBA = PinnedFile(
    "https://raw.githubusercontent.com/modelexlab/data/"
    "adddaf33ac35572bcfeb421efec29435e7ea9332/fra-eng.zip",
    3424571,
    "161c93f18da3a7e6df611ed961426613260de8af06ccf8c79c977afe5135ac44",
    _TATOEBA_MEMBER,
)
_NEWS_TESTS = {
    "dev": "Statmt-newstest-2013-eng-fra",
    "test": "Statmt-newstest_fren-2014-fra-eng",
}

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "multi30k",
            "29,000 image captions, four test sets",
            "for research and education",
            tuple(_pinned(_MULTI30K, line) for line in _MULTI30K_FILES.split("\n") if line),
            _build_multi30k,
        ),
        Corpus(
            "tatoeba",
            "160,000 everyday sentences, edition 2019-04-07",
            "CC BY 2.0 FR",
            (_TATOEBA,),
            _build_tatoeba,
        ),
        Corpus(
            "news-commentary",
            "news analysis, WMT 2013 and 2014 test sets, by mtdata",
            "see data.statmt.org/news-commentary",
            mtdata={"train": "Statmt-news_commentary-18.1-eng-fra", **_NEWS_TESTS},
        ),
        Corpus(
            "europarl",
            "the European Parliament, WMT 2013 and 2014 test sets, by mtdata",
            "see statmt.org/europarl",
            mtdata={"train": "Statmt-europarl-10-fra-eng", **_NEWS_TESTS},
        ),
        Corpus(
            "ted",
            "transcribed talks, by mtdata",
            "see ted.com's terms of use",
            mtdata={
                "train": "Neulab-tedtalks_train-1-eng-fra",
                "dev": "Neulab-tedtalks_dev-1-eng-fra",
                "test": "Neulab-tedtalks_test-1-eng-fra",
            },
        ),
    )
}
