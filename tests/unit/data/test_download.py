import gzip
import hashlib
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seq2seq.data.download import (
    CORPORA,
    Corpus,
    PinnedFile,
    download,
    get_corpus,
    render_corpora,
    render_fetched,
    sacrebleu_testset,
)
from seq2seq.data.download.transfer import _Redirects, checked_address
from seq2seq.errors import UserError

CONTENT = bytes(range(256)) * 1000
pause = threading.Event()


class Server(ThreadingHTTPServer):
    """Serves `files` from memory, as badly as a test asks for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cuts: list[int] = []  # the next answers break off after so many bytes
        self.statuses: list[int] = []  # the next answers are these errors
        self.asked: list[str | None] = []  # the Range header of each request
        self.redirects: dict[str, str] = {}  # path -> where to go on
        self.drips = ""  # "headers" or "body": a byte at a time, for ever

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def pin(self, name: str, content: bytes) -> PinnedFile:
        self.files[f"/{name}"] = content
        return PinnedFile(f"{self.address}/{name}", len(content), sha256(content))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if self.path in server.redirects:
            self.send_response(302)
            self.send_header("Location", server.redirects[self.path])
            self.end_headers()
            return
        if server.drips:
            self.drip(server.drips)
            return
        content = server.files.get(self.path)
        if server.statuses or content is None:
            self.send_error(server.statuses.pop(0) if server.statuses else 404)
            return
        start = 0
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + server.cuts.pop(0) if server.cuts else len(content)
        self.wfile.write(content[start:end])

    def drip(self, part: str) -> None:
        self.send_response(200)
        if part == "body":
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
        else:
            self.flush_headers()
        with suppress(OSError):  # until the other side goes
            while True:
                self.wfile.write(b"x")
                pause.wait(0.01)

    def log_message(self, format: str, *args: object) -> None:
        pass


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


# --- transfers


def test_a_file_comes_whole_and_progress_ends_at_its_size(server: Server, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    path = download(
        server.pin("a.bin", CONTENT), tmp_path, progress=lambda *call: calls.append(call)
    )
    assert path.read_bytes() == CONTENT
    assert calls[-1] == ("a.bin", len(CONTENT), len(CONTENT))
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    file = server.pin("a.bin", CONTENT)
    download(file, tmp_path)
    download(file, tmp_path)
    assert len(server.asked) == 1


def test_a_broken_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000, 50_000]
    path = download(server.pin("a.bin", CONTENT), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000]
    file = server.pin("a.bin", CONTENT)
    with pytest.raises(UserError, match="download stopped at 100000 of 256000 bytes"):
        download(file, tmp_path, attempts=1)
    assert download(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_a_server_without_ranges_starts_cleanly_again(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [100_000]
    assert download(server.pin("a.bin", CONTENT), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_other_bytes_are_refused_with_both_hashes_and_not_kept(
    server: Server, tmp_path: Path
) -> None:
    file = server.pin("a.bin", CONTENT)
    server.files["/a.bin"] = CONTENT[::-1]
    with pytest.raises(UserError, match=f"{file.sha256}.*{sha256(CONTENT[::-1])}"):
        download(file, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("old", [b"something else", b"x" * len(CONTENT), b"x" * 300_000])
def test_a_part_of_another_file_is_thrown_away(server: Server, tmp_path: Path, old: bytes) -> None:
    (tmp_path / "a.bin.part").write_bytes(old)
    assert download(server.pin("a.bin", CONTENT), tmp_path).read_bytes() == CONTENT


def test_a_missing_file_is_not_asked_for_twice(server: Server, tmp_path: Path) -> None:
    missing = PinnedFile(f"{server.address}/no.bin", 5, "0")
    with pytest.raises(UserError, match=r"no.bin: HTTP 404"):
        download(missing, tmp_path)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    assert download(server.pin("a.bin", CONTENT), tmp_path).read_bytes() == CONTENT


def test_an_unreachable_server_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    file = server.pin("a.bin", CONTENT)._replace(url="http://127.0.0.1:1/a.bin")
    with pytest.raises(
        UserError, match=r"127.0.0.1:1/a.bin: cannot be fetched: .*refused.*3 times"
    ):
        download(file, tmp_path, attempts=3)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_given_up(
    part: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.data.download.transfer.TIMEOUT", 0.2)
    monkeypatch.setattr("seq2seq.data.download.transfer.SLOWEST", 10_000)
    server.drips = part
    file = server.pin("a.bin", CONTENT)
    with pytest.raises(
        UserError, match=r"a\.bin: cannot be fetched: fewer than 10000 bytes a second"
    ):
        download(file, tmp_path, attempts=2)
    assert not (tmp_path / "a.bin").exists()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("{server}/a.bin", None),
        ("/b.bin", "infinite loop"),
        ("file:///etc/passwd", "'file:///etc/passwd'"),
        ("ftp://127.0.0.1/a.bin", "the server sends us on to 'ftp://127.0.0.1/a.bin'"),
        ("data:text/plain,abc", "'data:text/plain,abc'"),
        ("http://[::1", r"Invalid IPv6 URL|IPv6"),
        ("http://\xfc.\xe9:x/", ""),
    ],
)
def test_redirects_lead_to_the_web_only_and_end(
    to: str, said: str | None, server: Server, tmp_path: Path
) -> None:
    server.pin("a.bin", CONTENT)
    file = server.pin("b.bin", CONTENT)
    server.redirects["/b.bin"] = to.format(server=server.address)
    if said is None:
        assert download(file, tmp_path).read_bytes() == CONTENT
        return
    with pytest.raises(UserError, match=rf"b\.bin: .*{said}") as refused:
        download(file, tmp_path)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_tls_is_not_left_for_one_without() -> None:
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(urllib.error.HTTPError, match=r"sends us on to 'http://example\.org/a'"):
        _Redirects().redirect_request(request, None, 302, "Found", {}, "http://example.org/a")


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("HTTP://127.0.0.1:80/a b/", "http://127.0.0.1:80/a%20b/"),
        ("https://example.org/a%20b/ü", "https://example.org/a%20b/%C3%BC"),
        ("http://bücher.example/x", "http://xn--bcher-kva.example/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_an_address_is_asked_for_in_ascii(address: str, asked: str) -> None:
    assert checked_address(address) == asked


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "javascript://x",
        "http://",
        "http:///x",
        "http://a b/x",
        "http://[::1/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:x/x",
        "http://-\x1b[31m/x",
        f"http://{'ü' * 70}.example/x",
        "http://ü..example/x",
        "http://example.org/x?y=1",
        "http://example.org/x#y",
        "://x",
    ],
)
def test_another_address_is_one_line(address: str, tmp_path: Path, captions: Corpus) -> None:
    with pytest.raises(UserError) as refused:
        get_corpus("multi30k", tmp_path, origin=address)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_neither_sent_nor_shown(tmp_path: Path, captions: Corpus) -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1: .*without a user") as refused:
        get_corpus("multi30k", tmp_path, origin="http://me:secret@127.0.0.1/x")
    assert "secret" not in str(refused.value)


# --- corpora

SPLITS = {"train.en": "a\nb\n", "train.fr": "x\ny\n", "val.en": "c\n", "val.fr": "z\n"}
TESTS = {"test_1.en": "d\n", "test_1.fr": "w\n"}


@pytest.fixture
def captions(server: Server, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A small corpus built as multi30k is."""
    files = tuple(
        server.pin(f"{name}.gz", gzip.compress(text.encode(), mtime=0))
        for name, text in {**SPLITS, **TESTS}.items()
    )
    corpus = Corpus("multi30k", "captions", "free", files, CORPORA["multi30k"].build)
    monkeypatch.setitem(CORPORA, "multi30k", corpus)
    return corpus


def test_a_corpus_is_laid_out_as_train_valid_and_test(captions: Corpus, tmp_path: Path) -> None:
    fetched = get_corpus("multi30k", tmp_path)
    assert fetched.pairs == {"train": 2, "valid": 1, "test_1": 1}
    assert (tmp_path / "multi30k" / "valid.fr").read_text() == "z\n"
    assert [path.name for path in tmp_path.iterdir()] == ["multi30k"]
    assert "test_1" in render_fetched(fetched)


def test_a_corpus_that_is_there_is_not_fetched_again(
    captions: Corpus, tmp_path: Path, server: Server
) -> None:
    assert get_corpus("multi30k", tmp_path).fresh
    asked = len(server.asked)
    again = get_corpus("multi30k", tmp_path)
    assert not again.fresh
    assert again.pairs["train"] == 2
    assert len(server.asked) == asked


def test_what_came_before_a_failure_is_used_by_the_next_call(
    captions: Corpus, tmp_path: Path, server: Server
) -> None:
    last = f"/{captions.files[-1].name}"
    content = server.files.pop(last)
    with pytest.raises(UserError, match="404"):
        get_corpus("multi30k", tmp_path)
    assert not (tmp_path / "multi30k").exists()
    server.files[last] = content
    server.asked.clear()
    get_corpus("multi30k", tmp_path)
    assert len(server.asked) == 1


def test_a_mirror_serves_the_same_names(captions: Corpus, tmp_path: Path, server: Server) -> None:
    server.files = {f"/mirror{name}": content for name, content in server.files.items()}
    fetched = get_corpus("multi30k", tmp_path, origin=f"{server.address}/mirror/")
    assert fetched.pairs["train"] == 2


def test_a_folder_of_compressed_files_is_checked(captions: Corpus, tmp_path: Path) -> None:
    for name, text in {**SPLITS, **TESTS}.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    fetched = get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))
    assert (fetched.unverified, fetched.missing) == ((), ())
    (tmp_path / "train.en.gz").write_bytes(gzip.compress(b"other", mtime=0))
    with pytest.raises(UserError, match=r"train.en.gz: expected SHA-256 .*unpack it"):
        get_corpus("multi30k", tmp_path / "again", origin=str(tmp_path))


def test_a_folder_of_plain_files_is_taken_unchecked_and_may_lack_tests(
    captions: Corpus, tmp_path: Path
) -> None:
    for name, text in SPLITS.items():
        (tmp_path / name).write_text(text)
    fetched = get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))
    assert fetched.pairs == {"train": 2, "valid": 1}
    assert fetched.unverified == tuple(SPLITS)
    assert fetched.missing == ("test_1.en.gz", "test_1.fr.gz")
    assert "not checked" in render_fetched(fetched)


def test_a_folder_without_the_training_text_is_refused(captions: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected train.en.gz or train.en, found neither"):
        get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))
    with pytest.raises(UserError, match="nowhere: no such folder"):
        get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"expected a folder or an http\(s\) address"):
        get_corpus("multi30k", tmp_path / "out", origin="ftp://example.org/x")
    assert not any((tmp_path / "out").iterdir())


def test_sides_of_different_length_are_refused(captions: Corpus, tmp_path: Path) -> None:
    for name, text in SPLITS.items():
        (tmp_path / name).write_text(text + ("one more\n" if name == "val.fr" else ""))
    with pytest.raises(UserError, match=r"valid: 1 lines in .en but 2 in .fr"):
        get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "multi30k").mkdir()
    (tmp_path / "multi30k" / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="move this folder away"):
        get_corpus("multi30k", tmp_path)
    assert (tmp_path / "multi30k" / "thesis.txt").read_text() == "precious"


def test_an_unknown_corpus_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'multi30k'"):
        get_corpus("multi-30k", tmp_path)


def test_a_zip_is_read_by_its_one_member(server: Server, tmp_path: Path) -> None:
    lines = "".join(f"Word{n}.\tMot{n}.\tsome attribution\r\n" for n in range(40))
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("../../escaped.txt", "out")
        archive.writestr("fra-eng/fra.txt", lines)
    content = (tmp_path / "fra-eng.zip").read_bytes()
    tatoeba = CORPORA["tatoeba"]
    file = server.pin("fra-eng.zip", content)._replace(member=tatoeba.files[0].member)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CORPORA, "tatoeba", Corpus("tatoeba", "", "", (file,), tatoeba.build))
        fetched = get_corpus("tatoeba", tmp_path / "a" / "b")
    assert fetched.pairs == {"train": 36, "valid": 2, "test": 2}
    assert not list(tmp_path.rglob("escaped.txt"))
    english = (fetched.folder / "train.en").read_text().split()
    french = (fetched.folder / "train.fr").read_text().split()
    assert french == [word.replace("Word", "Mot") for word in english]


def zipped(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "fra-eng/fra.txt",
            "a\tb\nc\té\n".encode("latin-1"),
            r"fra-eng\.zip:2: expected UTF-8 text",
        ),
        ("fra-eng/fra.txt", b"", r"fra-eng\.zip:1: expected English<TAB>French"),
        ("../fra-eng/fra.txt", b"a\tb\n", r"fra-eng\.zip: expected fra-eng/fra\.txt in it"),
        ("fra-eng/fr\xe4.txt", b"a\tb\n", r"fra-eng\.zip: expected fra-eng/fra\.txt in it"),
    ],
)
def test_a_zip_with_something_else_is_one_line(
    name: str,
    content: bytes,
    said: str,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zipped(tmp_path / "fra-eng.zip", name, content)
    tatoeba = CORPORA["tatoeba"]
    packed = (tmp_path / "fra-eng.zip").read_bytes()
    file = server.pin("fra-eng.zip", packed)._replace(member=tatoeba.files[0].member)
    monkeypatch.setitem(CORPORA, "tatoeba", Corpus("tatoeba", "", "", (file,), tatoeba.build))
    with pytest.raises(UserError, match=said):
        get_corpus("tatoeba", tmp_path / "out")
    assert not (tmp_path / "out" / "tatoeba").exists()
    damaged = packed[:60] + bytes(9) + packed[69:]
    server.files["/fra-eng.zip"] = damaged
    monkeypatch.setitem(
        CORPORA,
        "tatoeba",
        Corpus("", "", "", (file._replace(sha256=sha256(damaged)),), tatoeba.build),
    )
    with pytest.raises(UserError, match=r"fra-eng\.zip"):
        get_corpus("tatoeba", tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("é\nb\n".encode("latin-1"), r"train\.en:1: expected UTF-8 text, found byte 0xe9"),
        (b"", r"train: 0 lines in \.en but 2 in \.fr"),
        (b"a\n\x00\xff\n", r"train\.en:2: expected UTF-8 text, found byte 0xff"),
    ],
)
def test_plain_files_of_something_else_are_one_line(
    content: bytes, said: str, captions: Corpus, tmp_path: Path
) -> None:
    for name, text in SPLITS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "train.en").write_bytes(content)
    with pytest.raises(UserError, match=said):
        get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))
    assert list((tmp_path / "out").iterdir()) == []


def test_empty_files_are_no_corpus(captions: Corpus, tmp_path: Path) -> None:
    for name in SPLITS:
        (tmp_path / name).write_text("")
    with pytest.raises(UserError, match="train: expected sentence pairs, found empty files"):
        get_corpus("multi30k", tmp_path / "out", origin=str(tmp_path))


@pytest.mark.parametrize("name", ["../multi30k", "multi30k/..", "/etc", ".", "", "a\x1b[31mb"])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^corpus '[^\x1b]*': expected one of "):
        get_corpus(name, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_registry_names_every_corpus_with_pinned_bytes() -> None:
    for name, corpus in CORPORA.items():
        assert name in render_corpora()
        assert bool(corpus.files) != bool(corpus.mtdata)
        for file in corpus.files:
            assert file.url.startswith("https://")
            assert len(bytes.fromhex(file.sha256)) == 32


# --- others' tools

FAKE_MTDATA = """
import pathlib, sys
arguments = sys.argv[1:]
print("fetching", file=sys.stderr)
if "Statmt-europarl-10-fra-eng" in arguments:
    sys.exit("no such host")
out = pathlib.Path(arguments[arguments.index("-o") + 1])
for split in ("train", "dev", "test1"):
    (out / f"{split}.eng").write_text(f"english {split}\\n")
    (out / f"{split}.fra").write_text(f"français {split}\\n", encoding="utf-8")
"""


@pytest.fixture
def fake_mtdata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "packages"
    (folder / "mtdata").mkdir(parents=True)
    (folder / "mtdata" / "__init__.py").write_text("")
    (folder / "mtdata" / "__main__.py").write_text(FAKE_MTDATA)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.mark.usefixtures("fake_mtdata")
def test_mtdata_fetches_and_we_rename(tmp_path: Path) -> None:
    fetched = get_corpus("news-commentary", tmp_path / "out")
    assert fetched.pairs == {"train": 1, "valid": 1, "test": 1}
    assert (fetched.folder / "valid.fr").read_text(encoding="utf-8") == "français dev\n"


@pytest.mark.usefixtures("fake_mtdata")
def test_mtdatas_failure_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mtdata could not download .*europarl.*: no such host"):
        get_corpus("europarl", tmp_path / "out")
    with pytest.raises(UserError, match="leave out --from"):
        get_corpus("europarl", tmp_path / "out", origin=str(tmp_path))


def test_without_mtdata_the_install_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mtdata", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'seq2seq-attention\[corpora\]'"):
        get_corpus("europarl", tmp_path)


def test_an_unknown_test_set_is_refused_with_a_hint() -> None:
    with pytest.raises(UserError, match=r"not one of sacreBLEU's for en-fr \(did you mean 'wmt14'"):
        sacrebleu_testset("wmt-14")


def test_a_test_set_gives_sources_and_reference_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, reference = tmp_path / "src", tmp_path / "ref"
    source.write_bytes("one\u2028still one\ntwo\n".encode())
    reference.write_bytes(b"un\ndeux\n")
    monkeypatch.setattr("sacrebleu.utils.get_source_file", lambda name, pair: str(source))
    monkeypatch.setattr("sacrebleu.utils.get_reference_files", lambda name, pair: [str(reference)])
    sources, references = sacrebleu_testset("wmt14", "en-fr")
    assert sources == ["one\u2028still one", "two"]
    assert references == [["un", "deux"]]
