"""Corpora of other formats, and files that are not plain, through the commands."""

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from seq2seq.cli.options import at_home, check_output, read_texts, write_lines
from seq2seq.config import dump_config, load_config
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from tests.integration.tiny import EIGHT, tiny, write_corpus

TSV = "".join(f"{n}\t{en}\t0.5\t{fr}\n" for n, (en, fr) in enumerate(EIGHT))
CSV = "id,English,French\n" + "".join(f'{n},"{en}",{fr}\n' for n, (en, fr) in enumerate(EIGHT))
JSONL = "".join(json.dumps({"translation": {"en": en, "fr": fr}}) + "\n" for en, fr in EIGHT)


def prepared(folder: Path, spec: object, *overrides: str) -> list[tuple[list[int], list[int]]]:
    config = tiny(
        folder, f"data.train={yaml.safe_dump(spec, default_flow_style=True).strip()}", *overrides
    )
    train = prepare(config, cache=folder / "cache").train
    return [(train[n][0].tolist(), train[n][1].tolist()) for n in range(len(train))]


def test_prepare_gives_the_same_pairs_from_every_format(tmp_path: Path) -> None:
    plain = prepared(tmp_path, write_corpus(tmp_path, "plain", EIGHT))
    for name, text in (("a.tsv", TSV), ("b.csv", CSV), ("c.jsonl", JSONL)):
        (tmp_path / name).write_text(text)
        assert prepared(tmp_path, str(tmp_path / name)) == plain, name
    (tmp_path / "first.tsv").write_text("".join(TSV.splitlines(keepends=True)[:3]))
    (tmp_path / "rest.tsv").write_text("".join(TSV.splitlines(keepends=True)[3:]))
    both = [str(tmp_path / "first.tsv"), str(tmp_path / "rest.tsv")]
    assert prepared(tmp_path, both) == plain


def test_columns_are_decisive_for_what_was_prepared_before(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(TSV)
    spec = str(tmp_path / "a.tsv")
    right = prepared(tmp_path, spec)
    one, other = (prepared(tmp_path, spec, f"data.columns={c}") for c in ("[2,4]", "[4,2]"))
    assert one == right
    assert other != right


def test_columns_without_a_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.columns: expected a table"):
        prepare(tiny(tmp_path, "data.columns=[1,2]"), cache=tmp_path / "cache")


@pytest.mark.parametrize("columns", ["[1]", "[0,1]", "[1,1]", "[true,2]", "3", "[1,2,3]"])
def test_columns_are_two_numbers_or_names(columns: str) -> None:
    with pytest.raises(UserError, match=r"data\.columns: expected \[source, target\], two numbers"):
        load_config(None, [f"data.columns={columns}"])


def test_lists_home_and_columns_survive_a_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    config = load_config(
        None, ["data.train=[[a.en, ~/a.fr], ~/b.tsv]", "data.valid=~/v", "data.columns=[2, fr]"]
    )
    here = Path.cwd()
    assert config.data.train == [[str(here / "a.en"), "/home/me/a.fr"], "/home/me/b.tsv"]
    assert config.data.valid == "/home/me/v"
    assert config.data.columns == (2, "fr")
    (tmp_path / "again.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "again.yaml") == config


def test_home_is_known_in_options_and_not_in_texts() -> None:
    home = str(Path.home())
    given = ["translate", "--input=~/a", "-o", "~/b", "~ 5 euros", "~/text"]
    assert at_home(given) == [
        *("translate", f"--input={home}/a", "-o", f"{home}/b", "~ 5 euros", "~/text"),
    ]
    assert at_home(["score", "~/h", "r"]) == ["score", f"{home}/h", "r"]


@pytest.mark.parametrize(
    ("suffix", "unpack"),
    [(".gz", gzip.decompress), (".bz2", bz2.decompress), (".xz", lzma.decompress)],
)
def test_a_compressed_name_makes_a_compressed_file(
    suffix: str, unpack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    output = tmp_path / f"out.txt{suffix}"
    write_lines(["déjà", "vu"], output)
    assert unpack(output.read_bytes()).decode() == "déjà\nvu\n"
    assert list(read_texts(None, output)) == ["déjà", "vu"]
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("suffix", [".zst", ".zip", ".xlsx", ".tar"])
def test_an_ending_that_is_not_written_is_refused(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"expected a text file, .* found \{suffix}"):
        check_output(tmp_path / f"out{suffix}")


def test_a_dash_is_standard_input_and_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"un\ndeux\n")))
    check_output(Path("-"))
    write_lines(read_texts(None, Path("-")), Path("-"))
    assert capsys.readouterr().out == "un\ndeux\n"


def test_a_test_set_of_one_side_is_read_as_text_and_a_corpus_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.sgm").write_text('<srcset><doc><seg id="1">Hello &amp; you</seg></doc></srcset>')
    assert list(read_texts(None, tmp_path / "a.sgm")) == ["Hello & you"]
    (tmp_path / "a.tsv").write_text("a\tb\n")
    with pytest.raises(
        UserError, match=r"a\.tsv: expected a text file with one sentence a line, found"
    ):
        list(read_texts(None, tmp_path / "a.tsv"))
