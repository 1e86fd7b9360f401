"""Corpora against files written byte by byte."""

import gzip
import io
from pathlib import Path

import pytest

from seq2seq.data.corpus import Pair, ParallelText, find_corpus, read_lines
from seq2seq.errors import UserError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def two_files(folder: Path, source: str | bytes, target: str | bytes) -> ParallelText:
    return ParallelText(write(folder / "a.en", source), write(folder / "a.fr", target))


def test_a_prefix_finds_plain_and_compressed_files(tmp_path: Path) -> None:
    source = write(tmp_path / "a.en", "one\ntwo\n")
    target = write(tmp_path / "a.fr.gz", gzip.compress(b"un\ndeux\n"))
    corpus = find_corpus(str(tmp_path / "a"), "en", "fr")
    assert corpus == ParallelText(source, target)
    assert list(corpus.pairs()) == [Pair("one", "un", 1), Pair("two", "deux", 2)]


def test_a_table_gives_its_first_two_columns(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "Go.\tVa !\tCC-BY 2.0\tx\nHi.\tSalut.\n")
    pairs = find_corpus(str(table), "en", "fr").pairs()
    assert list(pairs) == [Pair("Go.", "Va !", 1), Pair("Hi.", "Salut.", 2)]


def test_two_paths_are_source_and_target(tmp_path: Path) -> None:
    corpus = two_files(tmp_path, "one\n", "un\n")
    assert find_corpus([str(tmp_path / "a.en"), str(tmp_path / "a.fr")], "x", "y") == corpus


@pytest.mark.parametrize("inside", ["\u2028", "\x85", "\r", "\x0b", "\x0c", "\x1c"])
def test_only_a_newline_ends_a_line(tmp_path: Path, inside: str) -> None:
    corpus = two_files(tmp_path, f"a{inside}b\nc\n", "d\ne\n")
    assert [pair.source for pair in corpus.pairs()] == [f"a{inside}b", "c"]


def test_windows_line_ends_byte_order_marks_and_a_missing_last_newline_are_tolerated(
    tmp_path: Path,
) -> None:
    corpus = two_files(tmp_path, "\ufeffone\r\ntwo", "un\ndeux\n")
    assert [pair.source for pair in corpus.pairs()] == ["one", "two"]


@pytest.mark.parametrize(
    ("source", "target", "counts"),
    [
        ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n", (5, 4)),
        ("1\n", "1\n2\n3\n", (1, 3)),
        ("", "1\n", (0, 1)),
    ],
)
def test_unequal_files_are_refused_with_both_counts(
    tmp_path: Path, source: str, target: str, counts: tuple[int, int]
) -> None:
    corpus = two_files(tmp_path, source, target)
    message = rf"a\.en has {counts[0]} lines, .*a\.fr {counts[1]}\b"
    with pytest.raises(UserError, match=message):
        list(corpus.pairs())


def test_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path) -> None:
    corpus = two_files(tmp_path, b"one\n" + "déjà\n".encode("latin-1"), "un\ndeux\n")
    with pytest.raises(
        UserError, match=r"a\.en:2: expected UTF-8 text, found byte 0xe9 at place 2"
    ):
        list(corpus.pairs())


def test_a_table_line_without_a_tab_is_refused(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "Go.\tVa !\nHi. Salut.\n")
    with pytest.raises(UserError, match=r"a\.tsv:2: expected source<TAB>target"):
        list(find_corpus(str(table), "en", "fr").pairs())


def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"line {k * k}\n" for k in range(500)).encode())
    path = write(tmp_path / "a.en.gz", whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.en\.gz:\d+: the compressed file ends too early"):
        list(read_lines(path))


def test_a_file_that_only_claims_to_be_compressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.gz:1: not a valid \.gz file"):
        list(read_lines(write(tmp_path / "a.gz", "plain text\n")))


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.en: .*empty"):
        list(two_files(tmp_path, "", "").pairs())


def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    two_files(tmp_path, "one\n", "un\n")
    write(tmp_path / "train.en", "one\n")
    with pytest.raises(
        UserError, match=r"trian\.en \(nor trian\.en\.gz, .*did you mean 'train\.en'"
    ):
        find_corpus(str(tmp_path / "trian"), "en", "fr")
    with pytest.raises(UserError, match="there is no folder"):
        find_corpus(str(tmp_path / "nowhere" / "train"), "en", "fr")


def test_a_folder_and_a_lone_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.en").mkdir()
    with pytest.raises(UserError, match="found a folder"):
        find_corpus(str(tmp_path / "b"), "en", "fr")
    alone = write(tmp_path / "c.en", "one\n")
    with pytest.raises(UserError, match="found one file"):
        find_corpus(str(alone), "en", "fr")


def test_lines_are_read_from_text_and_byte_streams_alike() -> None:
    content = "un\u2028\r\ndeux"
    binary = io.BytesIO(content.encode())
    assert list(read_lines(io.StringIO(content, newline=""))) == ["un\u2028", "deux"]
    assert list(read_lines(binary)) == ["un\u2028", "deux"]
    wrapped = io.TextIOWrapper(io.BytesIO(content.encode()), encoding="latin-1")
    assert list(read_lines(wrapped)) == ["un\u2028", "deux"]
