"""Files of sources that are damaged, or made to do harm: one line each, and nothing is run."""

from __future__ import annotations

import io
import os
import struct
import warnings
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seq2seq.config import SourceConfig
from seq2seq.data.sources import open_reader, read_model
from seq2seq.errors import UserError

NUMBERS = np.arange(30.0).reshape(6, 5)


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def headed(header: str) -> bytes:
    text = f"{header}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)


def shaped(shape: str, kind: str = "'<f8'") -> bytes:
    return headed(f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}")


def archive(content: bytes, method: int = zipfile.ZIP_DEFLATED, name: str = "a.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as members:
        members.writestr(name, content)
    return file.getvalue()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def wav(width: int = 2, count: int = 400) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(width)
        out.setframerate(16000)
        out.writeframes(bytes(width * count))
    return file.getvalue()


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, kind)
    return file.getvalue()


PACKED = archive(npy(NUMBERS))
DAMAGED = {
    "an empty array": ("x.npy", b""),
    "no array": ("x.npy", b"garbage"),
    "an array cut in its header": ("x.npy", npy(NUMBERS)[:40]),
    "an array cut in its numbers": ("x.npy", npy(NUMBERS)[:-9]),
    "Python objects": ("x.npy", npy(np.array([{}, {}]))),
    "a pickle": ("x.npy", b"\x80\x04N."),
    "a header that calls": ("x.npy", headed("__import__('os').system('true')")),
    "a header without an end": ("x.npy", headed("{'descr': '<f8', 'shape': (3, 3), (")),
    "a header that is too deep": ("x.npy", headed("(" * 400 + ")" * 400)),
    "more numbers than there are": ("x.npy", shaped("(1000000000000,)")),
    "more numbers than can be": ("x.npy", shaped("(99999999999999999999, 3)")),
    "none of very many": ("x.npy", shaped("(0, 99999999999999999999)")),
    "fewer numbers than none": ("x.npy", shaped("(-1, 3)")),
    "a shape of text": ("x.npy", shaped("('a', 3)")),
    "numbers of no kind": ("x.npy", shaped("(2, 2)", "3")),
    "times": ("x.npy", shaped("(2, 2)", "'<M8[s]'")),
    "an archive that is empty": ("x.npz", b""),
    "an archive of no array": ("x.npz", archive(b"garbage", name="a.txt")),
    "an archive cut off": ("x.npz", PACKED[:-30]),
    "an archive with a wrong byte": ("x.npz", flipped(PACKED, 60)),
    "an archive, packed by an unknown method":
        ("x.npz", flipped(PACKED, PACKED.rindex(b"PK\x01\x02") + 10)),
    "an archive, packed otherwise, with a wrong byte":
        ("x.npz", flipped(archive(npy(NUMBERS), zipfile.ZIP_LZMA), 80)),
    "an archive of more numbers than there are": ("x.npz", archive(shaped("(1000000000000,)"))),
    "a recording that is empty": ("x.wav", b""),
    "a recording cut off": ("x.wav", wav()[:30]),
    "a recording without samples": ("x.wav", wav(count=0)),
    "a recording of strange samples": ("x.wav", flipped(wav(), 35)),
    "a recording whose first part ends behind its end": ("x.wav", flipped(wav(), 18)),
    "no picture": ("x.png", b"garbage"),
    "a picture cut off": ("x.png", picture("PNG")[:50]),
    "a picture with a wrong byte": ("x.png", flipped(picture("PNG"), 45)),
    "a picture with damaged notes": ("x.tiff", picture("TIFF")[:-40]),
    "a program for a picture":
        ("x.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
}  # fmt: skip
KINDS = {".npy": "array", ".npz": "array", ".wav": "sound"}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_source_is_one_line_with_its_name(name: str, tmp_path: Path) -> None:
    file, content = DAMAGED[name]
    path = tmp_path / file
    path.write_bytes(content)
    reader = open_reader(SourceConfig(kind=KINDS.get(path.suffix, "image")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # which would be a line of its own
        with pytest.raises(UserError) as refused:
            reader.grid(str(path))
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said


def test_numbers_that_were_packed_very_small_are_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("a.npy", npy(NUMBERS))
    content = file.read_bytes()
    size = struct.pack("<I", len(npy(NUMBERS)))
    file.write_bytes(content.replace(size, struct.pack("<I", 3_000_000_000)))
    with pytest.raises(UserError, match=r"expected at most 2,000,000,000 bytes of numbers"):
        open_reader(SourceConfig(kind="array")).grid(str(file))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("kind", ["array", "sound", "image"])
def test_a_pipe_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe: expected a file, found a pipe"):
        open_reader(SourceConfig(kind=kind)).grid(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    "model",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"kind": "none"}',
        '{"kind": ["array"], "options": {}}',
        '{"kind": "array", "options": {"patch": 0}, "scale": null}',
        '{"kind": "array", "options": {"patch": "x"}, "scale": null}',
        '{"kind": "array", "options": {"self": 1}, "scale": null}',
        '{"kind": "array", "options": {}, "scale": null}',
        '{"kind": "array", "options": {}, "scale": {"axes": 1, "means": ["x"], "deviations": [1]}}',
        '{"kind": "array", "options": {}, "scale": {"axes": 9, "means": [0], "deviations": [1]}}',
        '{"kind": "array", "options": {}, "scale": {"axes": 1, "means": [0], "deviations": []}}',
    ],
)
def test_a_reader_that_a_damaged_run_kept_is_one_line(model: str, tmp_path: Path) -> None:
    path = tmp_path / "reader.json"
    path.write_text(model)
    with pytest.raises(UserError) as refused:
        read_model(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
