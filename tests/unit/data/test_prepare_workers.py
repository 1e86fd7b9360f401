"""A corpus prepared by several processes: the bytes of one, and nobody left behind."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import signal
import subprocess
import sys
import time
import zipfile
from html import escape
from pathlib import Path
from typing import Any

import pytest

from seq2seq.config import Config, DataConfig, TokenizerConfig
from seq2seq.data.prepare import chunks, encode, prepare
from seq2seq.errors import UserError
from seq2seq.machine.workers import count_workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are for Linux only")

WORDS = ["the cat", "a dog", "my house", "the sea", "no one", "THE END", "an old man", "Go"]
MOTS = ["le chat", "un chien", "ma maison", "la mer", "personne", "LA FIN", "un vieillard", "Va"]
PAIRS = [
    (f"{WORDS[k % 8]} sees {WORDS[k % 7]} {k % 61}", f"{MOTS[k % 8]} voit {MOTS[k % 7]} {k % 61} !")
    for k in range(97)
]
PAIRS += [
    PAIRS[5],
    ("", "vide"),
    ("empty", " "),
    ("sea " * 60, "mer"),
    (" " + PAIRS[9][0], PAIRS[9][1]),
]


def lines(side: int, pairs: list[tuple[str, str]] = PAIRS) -> bytes:
    return "".join(f"{pair[side]}\n" for pair in pairs).encode()


def tsv(pairs: list[tuple[str, str]] = PAIRS) -> str:
    return "".join(f"{left}\t{right}\n" for left, right in pairs)


def comma() -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("en", "fr"), *PAIRS])
    return text.getvalue()


def tmx() -> str:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{escape(left)}</seg></tuv>'
        f'<tuv xml:lang="fr"><seg>{escape(right)}</seg></tuv></tu>\n'
        for left, right in PAIRS
    )
    return f"<tmx><body>\n{units}</body></tmx>\n"


def lay_out(folder: Path) -> None:
    """The same pairs in many forms, and in parts."""
    for side, language in enumerate(("en", "fr")):
        (folder / f"plain.{language}").write_bytes(lines(side))
        (folder / f"gz.{language}.gz").write_bytes(gzip.compress(lines(side)))
        for part in range(11):
            name = folder / f"part-{part}.{language}"
            name.write_bytes(lines(side, PAIRS[part * 10 : part * 10 + 10]))
    (folder / "xz.en.xz").write_bytes(lzma.compress(lines(0)))
    (folder / "bz2.fr.bz2").write_bytes(bz2.compress(lines(1)))
    (folder / "table.tsv").write_text(tsv())
    (folder / "table.tsv.gz").write_bytes(gzip.compress(tsv().encode()))
    (folder / "table.csv").write_text(comma())
    records = [json.dumps({"en": left, "fr": right}) for left, right in PAIRS]
    (folder / "table.jsonl").write_text("\n".join(records) + "\n")
    (folder / "list.json").write_text("[" + ",\n".join(records) + "]")
    (folder / "memory.tmx").write_text(tmx())
    with zipfile.ZipFile(folder / "corpus.zip", "w") as archive:
        archive.writestr("x.en", lines(0))
        archive.writestr("x.fr", lines(1))
    (folder / "a.tsv").write_text(tsv(PAIRS[:33]))
    (folder / "b.tsv").write_text(tsv(PAIRS[33:]))
    for side, language in enumerate(("en", "fr")):
        (folder / f"valid.{language}").write_bytes(lines(side, [("the sea", "la mer"), PAIRS[3]]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chunks, "_CHUNK", 7)
    monkeypatch.setattr(encode, "_SAMPLE", 40)
    lay_out(tmp_path)
    return tmp_path


def configured(spec: Any, workers: int | None, **data: Any) -> Config:
    settings = {"train": spec, "valid": "valid", "workers": workers, "max_length": 40, **data}
    return Config(
        data=DataConfig.model_validate(settings),
        tokenizer=TokenizerConfig(vocab_size=110, joint=False),
    )


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


SPECS: list[Any] = [
    "plain",
    "gz",
    ["xz.en.xz", "bz2.fr.bz2"],
    "table.tsv",
    "table.tsv.gz",
    "table.csv",
    "table.jsonl",
    "list.json",
    "memory.tmx",
    "corpus.zip",
    ["a.tsv", "b.tsv"],
    "[ab].tsv",
    "part-*",
    ["part-*.en", "part-*.fr"],
    [["part-?.en", "part-?.fr"], "part-10"],
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_several_processes_write_the_bytes_of_one(spec: Any, folder: Path) -> None:
    vary = {"upper": 0.2, "quotes": 0.0, "lower": 0.1}
    alone, *others = (
        prepare(configured(spec, workers, vary=vary), cache=folder / f"cache{workers}")
        for workers in (1, 2, 3)
    )
    counted = alone.summary.train
    assert (counted.read, counted.dropped["empty"], counted.dropped["duplicate"]) == (102, 2, 2)
    assert counted.noted["once more in capitals"] > 5
    for prepared in others:
        assert prepared.folder.name == alone.folder.name
        assert files(prepared.folder) == files(alone.folder)


def test_however_a_corpus_is_laid_out_its_ids_are_the_same(folder: Path) -> None:
    ids = []
    for number, spec in enumerate(SPECS):
        found = files(prepare(configured(spec, 2), cache=folder / str(number)).folder)
        del found["data.json"]  # has the hashes of the files
        ids.append(found)
    assert all(found == ids[0] for found in ids)


def test_a_small_corpus_is_prepared_by_this_process_unless_more_are_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def count(*arguments: Any, **options: Any) -> int:
        counts.append(count_workers(*arguments, **options))
        return counts[-1]

    monkeypatch.setattr(chunks, "count_workers", count)
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    for workers, pays in ((None, 20), (None, 3), (1, 3), (3, 20)):
        monkeypatch.setattr(chunks, "_PAYS", pays)
        prepare(configured("plain", workers), cache=folder / f"{workers}-{pays}")
    assert counts == [1, 1, 2, 2, 1, 1, 3, 3]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_in_the_middle_is_told_by_its_line_and_leaves_nothing(
    workers: int, folder: Path
) -> None:
    (folder / "b.tsv").write_text(tsv(PAIRS * 10) + "no tab\n" + tsv(PAIRS))
    with pytest.raises(UserError, match=r"b\.tsv:1021: expected source<TAB>target, found no tab"):
        prepare(configured(["a.tsv", "b.tsv"], workers), cache=folder / "cache")
    assert list((folder / "cache").iterdir()) == []


def test_a_killed_process_is_told_in_a_line_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "_encode", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(UserError, match=r"was killed, perhaps .* set data\.workers to fewer"):
        prepare(configured("plain", 2), cache=folder / "cache")
    assert list((folder / "cache").iterdir()) == []


SLOW = """
import os, sys, time
from pathlib import Path
from seq2seq.config import Config, DataConfig, TokenizerConfig
from seq2seq.data.prepare import chunks, encode, prepare
chunks._CHUNK = 7
whole = encode._encode
def slowly(*arguments):
    Path(f"worker-{os.getpid()}").touch()
    time.sleep(0.3)
    return whole(*arguments)
encode._encode = slowly
data = DataConfig(train="plain", valid="valid", workers=2)
prepare(Config(data=data, tokenizer=TokenizerConfig(vocab_size=110)), cache=Path("cache"))
"""


def start(folder: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    """A program that prepares slowly, and its workers."""
    program = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    workers: list[int] = []
    while len(workers) < 2 and program.poll() is None:
        time.sleep(0.05)
        workers = [int(path.name.split("-")[1]) for path in folder.glob("worker-*")]
    return program, workers


def are_gone(processes: list[int]) -> bool:
    """Whether the processes end within some seconds."""
    for _ in range(100):
        if not any(Path(f"/proc/{process}").exists() for process in processes):
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_leaves_no_cache_and_no_process(folder: Path) -> None:
    program, workers = start(folder)
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=60)
    assert "KeyboardInterrupt" in error
    assert are_gone(workers)
    assert list((folder / "cache").iterdir()) == []


def test_a_kill_leaves_no_process_and_no_folder_that_passes_for_a_whole_one(folder: Path) -> None:
    program, workers = start(folder)
    program.kill()
    program.communicate(timeout=60)
    assert are_gone(workers)
    assert all(path.name.startswith(".") for path in (folder / "cache").iterdir())


def test_two_programs_may_prepare_the_same_corpus_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "_SAMPLE", 100_000)
    code = SLOW.replace("time.sleep(0.3)", "time.sleep(0.02)")
    programs = [subprocess.Popen([sys.executable, "-c", code], cwd=folder) for _ in range(2)]
    assert [program.wait(timeout=120) for program in programs] == [0, 0]
    (prepared,) = (folder / "cache").iterdir()
    config = configured("plain", 1, max_length=100)
    alone = prepare(
        config.model_copy(update={"tokenizer": TokenizerConfig(vocab_size=110)}),
        cache=folder / "alone",
    )
    assert prepared.name == alone.folder.name
    assert files(prepared) == files(alone.folder)
