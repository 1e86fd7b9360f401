"""Files of text, plain, compressed or in a .zip -> bytes and lines, in constant memory.

A line ends at "\\n" and nowhere else: U+2028, U+0085 and a "\\r" inside a line are characters like
any other, so that two files with the same number of "\\n" can never slip against each other.

How a file is packed is read from its name: .gz, .bz2, .xz, .zst. A name that says otherwise than
the first bytes do is refused.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeAlias, cast

from seq2seq.errors import UserError
from seq2seq.extras import install_hint
from seq2seq.machine.input import is_open_pipe, kind_of, name_of

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
"""Endings of compressed files that are read."""
WRITABLE = (".gz", ".bz2", ".xz")
"""Endings of compressed files that are written too."""
STANDARD = Path("-")
"""Standard input or output, where a file may be named."""
_ENDING_DEVICES = ("/dev/null", "/dev/tty", "/dev/pts/", "/dev/console")
LONGEST_LINE = 1 << 28
"""Bytes: /dev/zero has but one line."""
_BOM = "\ufeff"
_SIGNATURES = {  # the first bytes of a file -> what it is, and the ending that says so
    b"\x1f\x8b": ("gzip", ".gz"),
    b"BZh": ("bzip2", ".bz2"),
    b"\xfd7zXZ\x00": ("xz", ".xz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", ".zst"),
    b"PK\x03\x04": ("zip", ".zip"),
}
_OFFICE = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "save the sheet as CSV UTF-8"),
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".pdf"), "save it as plain text, UTF-8"),
    **dict.fromkeys(
        (".parquet", ".arrow", ".feather", ".pkl"),
        "write it as JSON lines, with pandas: .to_json('x.jsonl', orient='records', lines=True)",
    ),
    **dict.fromkeys((".xliff", ".xlf", ".sdlxliff", ".po", ".tbx"), "export it as TMX"),
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"), "unpack it, and name a file"),
}


@dataclass(frozen=True)
class Zipped:
    """A file inside a .zip."""

    archive: Path
    member: str

    @property
    def name(self) -> str:
        """Its name without the folders it lies in."""
        return Path(self.member).name

    def __str__(self) -> str:
        return f"{self.archive}/{self.member}"


TextFile: TypeAlias = Path | Zipped


def on_disk(file: TextFile) -> Path:
    """Return the file that lies on the disk."""
    return file.archive if isinstance(file, Zipped) else file


def bare_name(file: TextFile) -> str:
    """Return the name of `file` without the ending that says how it is compressed."""
    path = Path(file.name)
    return path.stem if path.suffix.lower() in COMPRESSED else path.name


def check_readable(name: str | Path) -> None:
    """Refuse what another program's file is, by its ending, with the way to convert it."""
    path = Path(name)
    stem = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    way_out = _OFFICE.get(stem.suffix.lower())
    if way_out:
        raise UserError(f"{name}: cannot read a {stem.suffix} file as text: {way_out}")


@contextmanager
def open_bytes(file: TextFile) -> Iterator[BinaryIO]:
    """Open `file` and unpack it as its name says.

    Raises UserError if it can't be opened, or if its first bytes are of another kind of file.
    """
    try:
        with _raw(file) as raw:
            _check_signature(file, raw)
            with _unpacked(raw, Path(file.name).suffix.lower()) as stream:
                yield stream
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from None


def check_stream(path: Path) -> None:
    """Refuse what can't be read as text, or never ends: folders, sockets, devices, named pipes.

    A pipe that is open already, `<(command)`, can be read, and so can a terminal.
    """
    kind = kind_of(path)
    if kind in (None, stat.S_IFREG) or is_open_pipe(path):
        return
    if kind == stat.S_IFCHR and os.path.realpath(path).startswith(_ENDING_DEVICES):
        return
    way_out = f"; redirect it to standard input: < {path}" if kind == stat.S_IFIFO else ""
    raise UserError(f"{path}: expected a text file, found {name_of(kind or 0)}{way_out}")


def read_lines(file: str | Path | Zipped | TextIO | BinaryIO) -> Iterator[str]:
    """Yield the lines of a file (unpacked), of an open stream or of standard input (`-`).

    They are split at "\\n" alone. The "\\r" that ends a line of a CRLF file is dropped, and so is a
    byte order mark on line 1. Raises UserError naming file:line for bytes that are not UTF-8 and
    for a file that is cut off.
    """
    if isinstance(file, str):
        file = Path(file)
    if file == STANDARD:
        file = sys.stdin
    if isinstance(file, (Path, Zipped)):
        check_readable(file.name)
        with open_bytes(file) as stream:
            yield from map(trimmed, _decoded(stream, str(file)))
    elif isinstance(file, io.TextIOBase) and not hasattr(file, "buffer"):
        yield from (trimmed(_without_mark(line, n)) for n, line in enumerate(file, 1))
    else:
        name = str(getattr(file, "name", "stream"))
        yield from map(trimmed, _decoded(cast(BinaryIO, getattr(file, "buffer", file)), name))


def read_raw_lines(file: TextFile) -> Iterator[str]:
    """Yield the lines as `read_lines` does, each with the characters that end it."""
    with open_bytes(file) as stream:
        yield from _decoded(stream, str(file))


def trimmed(line: str) -> str:
    """Return a line without what ends it."""
    return line.removesuffix("\n").removesuffix("\r")


@contextmanager
def told_by_place(name: str, place: Callable[[], int]) -> Iterator[None]:
    """Turn what can go wrong with a compressed stream into a UserError at name:place()."""
    try:
        yield
    except EOFError:
        raise UserError(f"{name}:{place()}: the compressed file ends too early") from None
    except _damaged() as error:
        kind = Path(name).suffix.lower()
        raise UserError(f"{name}:{place()}: not a valid {kind} file: {error}") from None
    except OSError as error:
        if error.errno is None:  # bz2 has no error of its own
            kind = Path(name).suffix.lower()
            raise UserError(f"{name}:{place()}: not a valid {kind} file: {error}") from None
        raise UserError(f"{name}: cannot be read: {error.strerror or error}") from None


def members(archive: Path) -> list[str]:
    """Return the names of the files in a .zip; UserError if it is none."""
    with _zip(archive) as opened:
        return [
            item.filename
            for item in opened.infolist()
            if not item.is_dir() and not item.filename.startswith("__MACOSX/")
        ]


@contextmanager
def open_for_writing(path: Path, name: str) -> Iterator[TextIO]:
    """Open `path` for text, packed as the ending of `name` says."""
    suffix = Path(name).suffix.lower()
    with ExitStack() as stack:
        raw: BinaryIO = stack.enter_context(path.open("wb"))
        if suffix == ".gz":  # no name and no time: equal text makes equal files
            raw = cast(BinaryIO, stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0)))
        elif suffix == ".bz2":
            raw = cast(BinaryIO, stack.enter_context(bz2.BZ2File(raw, "wb")))
        elif suffix == ".xz":
            raw = cast(BinaryIO, stack.enter_context(lzma.LZMAFile(raw, "wb")))
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
        yield stack.enter_context(text)


def check_writable(name: str | Path) -> None:
    """Refuse an ending that promises what is not written here: .zst, .zip, a sheet, an archive."""
    suffix = Path(name).suffix.lower()
    if suffix in (".zst", ".zip", ".7z", ".rar", ".tar", ".tgz", ".xlsx", ".ods", ".docx", ".pdf"):
        raise UserError(
            f"{name}: expected a text file, plain or compressed ({', '.join(WRITABLE)}), "
            f"found {suffix}; write a text file, then convert it"
        )


# --- opening -------------------------------------------------------------------------------------


@contextmanager
def _raw(file: TextFile) -> Iterator[io.BufferedReader]:
    """The bytes as they are stored, or as the .zip holds them."""
    if isinstance(file, Path):
        check_stream(file)
        with file.open("rb") as raw:
            yield raw
        return
    with _zip(file.archive) as archive:
        try:
            member = archive.open(file.member)
        except OSError:
            raise
        except Exception as error:  # a password, a method, or a damaged header: almost anything
            raise UserError(f"{file}: cannot be unpacked: {error}") from None
        with cast(io.BufferedReader, io.BufferedReader(cast(Any, member))) as raw:
            yield raw


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # damaged names and numbers raise almost anything
        raise UserError(f"{path}: not a valid .zip file, or cut off: {error}") from None
    with archive:
        yield archive


def _check_signature(file: TextFile, raw: io.BufferedReader) -> None:
    # Only where the ending is another: a .gz file that holds plain text is told of by gzip.
    with told_by_place(str(file), lambda: 1):
        first = raw.peek(8) if raw.seekable() or isinstance(file, Zipped) else b""
    suffix = Path(file.name).suffix.lower()
    for signature, (kind, ending) in _SIGNATURES.items():
        if first.startswith(signature) and suffix != ending:
            way_out = f"name it {file.name}{ending}"
            if kind == "zip":
                way_out = "save a sheet (.xlsx, .ods) as CSV, and name a .zip of text .zip"
            raise UserError(
                f"{file}: expected {'text' if suffix not in COMPRESSED else suffix}, "
                f"found {kind} data; {way_out}"
            )


def _unpacked(raw: io.BufferedReader, suffix: str) -> BinaryIO:
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if suffix == ".zst":
        return _open_zst(raw)
    return raw


def _open_zst(raw: io.BufferedReader) -> BinaryIO:
    try:
        return cast(BinaryIO, importlib.import_module("compression.zstd").ZstdFile(raw))
    except ImportError:  # before Python 3.14
        pass
    try:
        library = importlib.import_module("zstandard")
    except ImportError:
        raise UserError(f"{raw.name}: .zst files need zstandard: {install_hint('zst')}") from None
    return cast(BinaryIO, io.BufferedReader(_ZstReader(raw, library), 1 << 16))


class _ZstReader(io.RawIOBase):
    """Frames of Zstandard, one after another; the library's own reader takes a cut for an end."""

    def __init__(self, raw: BinaryIO, library: Any) -> None:
        self._raw, self._library = raw, library
        self._frame: Any = None
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = self._packed or self._raw.read(1 << 16)
            if not packed:
                if self._frame is not None:
                    raise EOFError
                return 0
            frame = self._frame or self._library.ZstdDecompressor().decompressobj()
            self._ready = frame.decompress(packed)
            self._packed = frame.unused_data if frame.eof else b""
            self._frame = None if frame.eof else frame
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def _damaged() -> tuple[type[Exception], ...]:
    errors = [gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile]
    for library in ("zstandard", "compression.zstd"):
        try:
            errors.append(importlib.import_module(library).ZstdError)
        except ImportError:
            continue
    return tuple(errors)


# --- decoding ------------------------------------------------------------------------------------


def _decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a stream of UTF-8 bytes, with every failure told by its place."""
    number = 0
    with told_by_place(name, lambda: number + 1):
        try:
            for number, raw in enumerate(iter(partial(stream.readline, LONGEST_LINE), b""), 1):
                if len(raw) == LONGEST_LINE:
                    raise UserError(f"{name}:{number}: expected text, found a line without end")
                yield _without_mark(raw.decode("utf-8"), number)
        except UnicodeDecodeError as error:
            found = _found(error, number)
            raise UserError(f"{name}:{number}: expected UTF-8 text, found {found}") from None


def _found(error: UnicodeDecodeError, number: int) -> str:
    """What stands in line `number` that is not UTF-8."""
    if number == 1 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16, as some programs save it; save it as UTF-8"
    return f"byte 0x{error.object[error.start]:02x} at place {error.start + 1} of the line"


def _without_mark(line: str, number: int) -> str:
    return line.removeprefix(_BOM) if number == 1 else line
