"""The standard corpora by name: where their files are, how they become train, valid and test.

Addresses are pinned to bytes: size and SHA-256 are checked.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from seq2seq.data.download.transfer import PinnedFile
from seq2seq.data.split import split_pairs, write_splits
from seq2seq.errors import UserError


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


# --- unpacking -----------------------------------------------------------------------------------


@contextmanager
def _unpacked(path: Path, member: str = "") -> Iterator[BinaryIO]:
    """The bytes of a plain, .gz or .zip file; a zip's member is read, never written by its name.

    UserError where the archive is damaged, or lacks the member.
    """
    try:
        with _opened(path, member) as stream:
            yield stream
    except KeyError:
        raise UserError(f"{path}: expected {member} in it, found no such file") from None
    except (EOFError, RuntimeError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be unpacked: {error}") from None


@contextmanager
def _opened(path: Path, member: str) -> Iterator[BinaryIO]:
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
        content = stream.read()
    try:
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{files[0]}:{number}: expected UTF-8 text, found byte {content[error.start]:#04x}; "
            "convert the file"
        ) from None
    pairs = []
    for number, line in enumerate(lines, 1):
        cells = line.removesuffix("\r").split("\t")
        if len(cells) < 2:
            raise UserError(f"{files[0]}:{number}: expected English<TAB>French, found no tab")
        pairs.append((cells[0].strip(), cells[1].strip()))
    write_splits(split_pairs(pairs), pairs, out, ("en", "fr"))


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
