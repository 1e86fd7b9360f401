"""Every command, with what no sane person gives it: one line that names the place, and no hang."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from seq2seq.cli import main
from tests.integration.conftest import Outcome, logging_restored
from tests.watch import watched

SECONDS = 15  # that no row takes; one that does hangs


class Row(NamedTuple):
    """A command, a pattern that its line must have, and the files it stumbles on."""

    command: str
    line: str
    files: dict[str, str | bytes | Callable[[str], object]] = {}  # noqa: RUF012 -- never changed


# --- numbers --------------------------------------------------------------------------------------

HUGE = "9" * 5000
WHOLE = [  # settings that are whole numbers
    *("seed", "data.max_length", "data.workers", "tokenizer.vocab_size"),
    *("batching.tokens", "batching.sentences", "batching.pool"),
    *("model.embedding", "model.encoder.size", "model.encoder.layers"),
    *("model.decoder.size", "model.decoder.layers"),
    *("training.max_steps", "training.max_epochs", "training.accumulate", "training.threads"),
    *("training.validate_every", "training.patience", "training.keep", "training.average"),
    *("training.samples", "training.log_every", "training.schedule.warmup"),
    *("decoding.beam", "decoding.n_best", "decoding.min_length", "decoding.max_length"),
    *("decoding.no_repeat_ngram", "decoding.max_source", "decoding.top_k", "decoding.batch"),
    *("decoding.workers", "decoding.seed"),
]
REAL = {  # settings that are real numbers -> values out of their bounds
    "data.max_ratio": ["0.5", "1e300"],
    "data.vary.upper": ["1.5"],
    "model.dropout": ["1", "2"],
    "tokenizer.character_coverage": ["0", "1.1"],
    "training.max_minutes": ["0", "1e300"],
    "training.label_smoothing": ["1"],
    "training.optimizer.lr": ["0", "1e300"],
    "training.optimizer.eps": ["0", "1e300"],
    "training.optimizer.weight_decay": ["1e300"],
    "training.optimizer.clip": ["0"],
    "training.teacher_forcing.start": ["1.1"],
    "decoding.length_penalty": ["1000"],
    "decoding.max_ratio": ["0", "1e300"],
    "decoding.temperature": ["0", "1e-300", "1e300"],
    "decoding.top_p": ["0", "2"],
}
OPTIONS = {  # a kind's option, after the setting that chooses the kind -> values that it refuses
    "model.attention=multihead model.attention.heads": ["-3", "0", "2147483648"],
    "model.attention=multihead model.attention.size": ["0", "2147483648"],
    "model.attention=additive model.attention.size": ["-3", "2147483648", ".inf"],
    "model.attention=location model.attention.positions": ["0", "1e30", "10000000000"],
    "model.attention=location-aware model.attention.filters": ["0", "-3", "2147483648"],
    "model.attention=location-aware model.attention.width": ["0", "100000000"],
    "model.attention=coverage model.attention.size": ["-1"],
    "model.attention=sigma-pi model.attention.rank": ["0", "2147483648"],
    "model.attention=sigma-pi model.attention.key_factors": ["0", "2147483648"],
    "model.attention.addressing=local-m model.attention.addressing.window": ["0", "10000000000"],
    "model.attention.addressing=local-p model.attention.addressing.window": ["-3", ".nan"],
    "model.attention.addressing=entmax model.attention.addressing.alpha": ["1", "3", ".nan"],
    "model.attention.addressing=gumbel model.attention.addressing.temperature": [
        *("0", "-1", ".inf", "1e-300")
    ],
    "model.attention.addressing=hard model.attention.addressing.decay": ["1.5", "-1", ".nan"],
    "model.attention.addressing=hard model.attention.addressing.reward_weight": ["-1", "1e300"],
    "model.encoder.cell=hyper model.encoder.cell.small": ["0", "2147483648"],
    "model.encoder.cell=ntm model.encoder.cell.slots": ["0", "2147483648"],
    "model.encoder.cell=ntm model.encoder.cell.shift": ["0", "100000000"],
    "model.encoder.cell=dnc model.encoder.cell.reads": ["-3", "100000000"],
    "model.encoder.cell=dnc model.encoder.cell.width": ["0", "2147483648"],
    "model.encoder.cell=fast-weights model.encoder.cell.heads": ["0", "100000000"],
    "model.encoder.cell=fast-weights model.encoder.cell.key_size": ["0", "2147483648"],
    "model.encoder.cell=fast-associative model.encoder.cell.rate": ["0", ".inf", "1e300"],
    "model.encoder.cell=fast-associative model.encoder.cell.inner": ["0", "100000000"],
    "model.encoder.cell=sigma-pi model.encoder.cell.rank": ["0", "2147483648"],
    "model.encoder=transformer model.encoder.ff": ["0", "10000000000"],
    "model.encoder=transformer model.encoder.heads": ["0", "-3", "2147483648"],
    "model.encoder=transformer model.encoder.attention_dropout": ["1", "-1", ".nan"],
    "model.encoder=transformer model.encoder.max_positions": ["0", "10000000000"],
    "model.encoder=perceiver model.encoder.latents": ["0", "100000000"],
    "model.encoder=perceiver model.encoder.blocks": ["0", "100000000"],
    "model.encoder=perceiver model.encoder.self_layers": ["-3", "100000000"],
    "model.encoder=perceiver model.encoder.init_scale": ["0", ".nan", "1e300"],
    "model.encoder=perceiver model.encoder.bands": ["0", "100000000"],
    "model.encoder=perceiver model.encoder.span": ["1", "10000000000"],
    "data.source_kind=array data.source_kind.patch": ["0", "10000000000"],
    "data.source_kind=image data.source_kind.frequencies": ["-3", "100000000"],
    "data.source_kind=sound data.source_kind.frame": ["0", ".inf", "1e300"],
    "data.source_kind=sound data.source_kind.rate": ["0", "10000000000"],
}


def numbers() -> Iterator[Row]:
    for key in WHOLE:
        for value in ("-3", f"1{'0' * 20}", "true"):
            yield Row(f"config show {key}={value}", rf"{key}: ")
    for key, values in REAL.items():
        for value in (*values, ".nan", HUGE):
            yield Row(f"config show {shlex.quote(f'{key}={value}')}", rf"{key}: ")
    for setting, values in OPTIONS.items():
        suits = "tokenizer.joint=false" if setting.startswith("data") else ""
        suits += " tokenizer.source_end=false model.tie=target" if suits else ""
        for value in values:
            key = setting.rpartition(" ")[2]
            yield Row(f"config show {suits} {setting}={value}", rf"{key}: ")
    for betas in ("[1, 1]", "[0.9, 1]", "[-1, 0.9]", "[.nan, 0.9]", "[0.9]", "1", "[1, 2, 3]"):
        yield Row(
            f"config show 'training.optimizer.betas={betas}'", r"training\.optimizer\.betas: expect"
        )
    for columns in ("[0, 1]", "[1, 1]", "[1]", "1", f"[1, {HUGE}]", "[1, -2]", "[.nan, 1]"):
        yield Row(f"config show 'data.columns={columns}'", r"data\.columns: ")


# --- YAML -----------------------------------------------------------------------------------------

TAGS = [
    *("!!bool maybe", "!!bool", "!!bool [a]", "!!int x", "!!int", "!!int [1]", "!!int 0o9"),
    *("!!int {a: 1}", "!!float x", "!!float", "!!float ''", "!!float [1]", "!!null x", "!!seq 3"),
    *("!!timestamp x", "!!timestamp 2020-13-45", "!!timestamp 2020-01-01", "!!binary '@@'"),
    *("!!binary aGk=", "!!set {a}", "!!omap [a]", "!!pairs [1]", "!!map 3", "!!str {a: 1}", "!x 5"),
    *("!!python/name:os.system", "!!python/object/apply:os.system [ls]", "!!python/tuple [1]"),
    *("0x", '"a\\0b"', '"\\ud800"', "'\\ud800", "*nowhere", "&a [*a]", "[" * 3000, "{a: " * 3000),
]


def bomb(kind: str) -> str:
    """Ten aliases of ten aliases, and so on: of ten thousand million values."""
    first, around = ("[x]", "[{}]") if kind == "list" else ("{x: 1}", "{{{}}}")
    lines = [f"a0: &a0 {first}"]
    for level in range(1, 11):
        alias = f"*a{level - 1}"
        inner = ",".join(alias if kind == "list" else f"k{n}: {alias}" for n in range(10))
        lines.append(f"a{level}: &a{level} {around.format(inner)}")
    return "\n".join(lines)


def yaml() -> Iterator[Row]:
    for tag in TAGS:
        yield Row("config show -c x.yaml", r"x\.yaml:\d+: ", {"x.yaml": f"seed: {tag}\n"})
        yield Row(f"config show {shlex.quote(f'seed={tag}')}", r"override 'seed=|seed")
    for kind in ("list", "mapping"):
        yield Row("config show -c x.yaml", r"x\.yaml:\d+: .*100,000", {"x.yaml": bomb(kind)})
        text = bomb(kind).replace("\n", ", ")
        yield Row(f"config show {shlex.quote(f'data={{{text}}}')}", "override .*100,000")
    for open_, close in (("[", "]"), ("{a: ", "}")):
        for levels in (60, 3000):
            value = open_ * levels + close * levels
            yield Row(f"config show {shlex.quote(f'data={value}')}", "override .*50 levels deep")
            yield Row(
                "config show -c x.yaml", r"x\.yaml:1: .*50 levels", {"x.yaml": f"data: {value}"}
            )
    indented = "".join(f"{' ' * level}a:\n" for level in range(3000))
    yield Row("config show -c x.yaml", r"x\.yaml:\d+: .*50 levels deep", {"x.yaml": indented})
    yield Row(f"config show {'.'.join(['a'] * 3000)}=1", "override .*50 levels deep")
    for content in (b"seed: \0\n", b"\xff\xfes\0e\0", b"\x80\x81", b"seed: 1\x07\n", b"- " * 3000):
        yield Row("config show -c x.yaml", r"x\.yaml", {"x.yaml": content})
    for key in ("code", "init", "extends", "data: {train", "data: {valid", "data: {test"):
        end = "}" if "{" in key else ""
        text = f'{key}: "a\\0b"{end}\n'
        yield Row("config show -c x.yaml", rf"x\.yaml:1: .*{key[-4:]}.*'\\x00'", {"x.yaml": text})


# --- files that are none --------------------------------------------------------------------------


def fifo(name: str) -> None:
    os.mkfifo(name)


def unix_socket(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)


def circle(name: str) -> None:
    os.symlink(name, name)


READERS = [
    *("config check -c {}", "prepare -c {}", "train -c {}", "config diff {} tiny.yaml"),
    *("prepare -c tiny.yaml data.train={}", "prepare -c tiny.yaml data.train=[{},train.fr]"),
    *("prepare -c tiny.yaml data.train=[train.en,{}]", "data check {}", "data check {} train.fr"),
    *("train {}", "init {}", "bench train -c {}", "bench prepare -c {}"),
    *("translate -i {}", "explain -i {}", "bench translate -i {}", "bench translate --data {}"),
    *("evaluate --data {}", "evaluate --reference {}", "evaluate --alignments {}"),
    *("score {} test.fr", "score test.fr {}", "attention check {}", "check {}"),
    *("config check code={}", "config check init={}", "train -c tiny.yaml --run new --init {}"),
    *("translate -m {} cat", "translate -m runs/tiny -m {} cat", "evaluate --reverse-model {}"),
    *("runs {}", "average {}", "export {} --format onnx -o x", "data get multi30k --from {}"),
    *("explain -m {} cat", "evaluate -m {}", "bench translate -m {}"),
]
WRITERS = [
    *("translate cat -o {}", "translate --alignments {} cat", "evaluate -o {}"),
    *("evaluate --output-alignments {}", "init train.en train.fr -o {}"),
]
ODD: list[tuple[str, str, Callable[[str], object] | None]] = [
    ("odd", "odd", fifo),
    ("odd", "odd", unix_socket),
    ("/dev/zero", "/dev/zero|zero", None),
    ("''", "expected a value, found an empty", None),
]
ODDER: list[tuple[str, str, Callable[[str], object] | None]] = [
    ("odd.tsv", "odd", fifo),
    ("odd", "odd", circle),
    ("tiny.yaml/x", "tiny", None),
    ("x" * 300, "xxx|too long", None),
]


def odd_files() -> Iterator[Row]:
    for number, command in enumerate(READERS):
        for name, line, make in ODD if number % 4 else ODD + ODDER:
            if name == "''" and "=" in command:
                continue  # null, or no file of several
            yield Row(command.format(name), line, {name: make} if make else {})
    for command in WRITERS:
        for name, line, make in ODD + ODDER:
            if name != "/dev/zero":  # which takes whatever is written
                yield Row(command.format(name), line, {name: make} if make else {})
    for name in ("x.json", "x.npy", "x.svg", "x.html"):
        for make in (fifo, unix_socket, circle):
            yield Row(f"explain cat -o {name}", re.escape(name), {name: make})
            if not name.endswith(("svg", "html")):
                yield Row(f"translate --attention {name} cat", re.escape(name), {name: make})
    for file in ("config.yaml", "data.json", "tokenizer/joint.model"):
        path = f"copy/{file}"
        yield Row(
            "translate -m copy cat", re.escape(file.split("/")[-1].split(".")[0]), {path: fifo}
        )


# --- JSON, and files of a run ---------------------------------------------------------------------

DEEP = "[" * 100_000
SHAPES = ["[]", '"text"', "5", "null", "{}", DEEP, "{" + HUGE, "\udcff", "[1, 2", '{"a": ' * 9000]


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def json_files() -> Iterator[Row]:
    for shape in map(as_bytes, SHAPES):
        yield Row("translate --attention x.json cat", r"x\.json: ", {"x.json": shape})
        yield Row("score test.fr x.jsonl", r"x\.jsonl", {"x.jsonl": shape})
        yield Row("data check x.jsonl", r"x\.jsonl", {"x.jsonl": shape})
        yield Row("prepare -c tiny.yaml data.train=x.json", r"x\.json", {"x.json": shape})
        if shape != b"{}":
            yield Row("average copy", "copy/", {"copy/last/state.json": shape})
        yield Row(
            "translate -m out cat",
            r"out/\w+\.json: (damaged|expected)",
            {"out/export.json": shape, "out/model.onnx": b"x"},
        )
    for weights in ("[1, 2]", "[[]]", '[["a"]]', "[[1], [1, 2]]", "[[-1]]", "{}", "[[1e999]]"):
        yield Row(
            "translate --attention x.json cat",
            r"x\.json: expected ",
            {"x.json": f'{{"attention": {weights}}}'},
        )
        yield Row(
            "translate --attention x.json cat",
            r"x\.json: ",
            {"x.json": f'{{"weights": {weights}}}'},
        )


# --- alignments -----------------------------------------------------------------------------------


def alignments() -> Iterator[Row]:
    for text in (
        *("300000000 1 1\n", f"{HUGE} 1 1\n", f"1 {HUGE} 1\n", "0 1 1\n", "11 1 1\n", "1 1 1\nx\n"),
        *(f"{HUGE}-1\n", f"0-{HUGE}\n", "0--1\n", "0-0 x\n", "-1-0\n", "0:0\n", "1 -1 1\n", "\0\n"),
    ):
        yield Row("evaluate --alignments x.align", r"x\.align", {"x.align": text})


# --- code of the user's ---------------------------------------------------------------------------

CODE = {
    "exit()": "SystemExit",
    "exit(0)": "SystemExit",
    "import sys; sys.exit('gone')": "SystemExit: gone",
    "raise SystemExit(3)": "SystemExit: 3",
    "def again():\n    again()\nagain()": "RecursionError",
    "raise BaseException('x')": "BaseException: x",
    "raise MemoryError": "MemoryError",
    "raise OSError('a\\nb\\nc')": "OSError",
    "raise GeneratorExit": "GeneratorExit",
    "def": "SyntaxError",
    "\0": "null|Syntax|Value",
    "(" * 3000: "Error",
    "import nowhere": "ModuleNotFoundError",
    "1 / 0": "ZeroDivisionError",
    "raise UnicodeDecodeError('x', b'', 0, 1, 'y')": "UnicodeDecodeError",
    "class Mine: pass": "registers no part",
}


def code() -> Iterator[Row]:
    for number, (text, line) in enumerate(CODE.items()):
        file = f"mine{number}.py"
        yield Row(f"attention check --quick {file}", line, {file: text})
        if "class" not in text:
            yield Row(f"config check code={file}", rf"{file}.*({line})", {file: text})
            yield Row(f"train -c tiny.yaml --run new code={file}", line, {file: text})


# --- options --------------------------------------------------------------------------------------

REST = [
    Row("translate --device '' cat", "--device: expected a value"),
    Row("translate --device=", "--device: expected a value"),
    Row("translate --checkpoint '' cat", "--checkpoint: expected a value"),
    Row("translate --beam 100000000 cat", "beam: expected .*10000"),
    Row("translate --length-penalty 1000 cat", "length_penalty: expected"),
    Row("translate --sample --temperature 0 cat", "temperature: expected"),
    Row("translate --sample --temperature nan cat", "temperature: expected"),
    Row("translate --attention temperature=0 cat", "temperature"),
    Row("translate --attention temperature=nan cat", "temperature"),
    Row(f"translate --attention shift={HUGE} cat", "attention: "),
    Row(f"translate --checkpoint {HUGE} cat", "no checkpoint|too long"),
    Row(f"explain --head {HUGE} cat", "--head"),
    Row("explain --target '' --head 9 cat", "--head"),
    Row("train --run '' -c tiny.yaml", "--run: expected a value"),
    Row("train -c tiny.yaml --run tiny.yaml/run", "tiny.yaml/run: "),
    Row("train -c tiny.yaml --run ''", "--run: expected a value"),
    Row("data make copy --into tiny.yaml", r"tiny\.yaml"),
    Row("data make copy --into tiny.yaml/x", r"tiny\.yaml"),
    Row("data get multi30k --from tiny.yaml", r"tiny\.yaml"),
    Row("export runs/tiny --format onnx -o tiny.yaml", r"tiny\.yaml"),
    Row("export runs/tiny --format onnx -o tiny.yaml/x", r"tiny\.yaml"),
    Row("runs tiny.yaml", r"tiny\.yaml"),
    Row("average runs/tiny --run ''", "--run: expected a value"),
    Row("bench train -c tiny.yaml training.threads=100000", "training.threads: expected"),
]


TABLE = {
    "numbers": numbers(),
    "yaml": yaml(),
    "odd files": odd_files(),
    "json": json_files(),
    "alignments": alignments(),
    "code": code(),
    "rest": iter(REST),
}


def rows() -> Iterator[object]:
    for kind, table in TABLE.items():
        for number, row in enumerate(table):
            yield pytest.param(row, id=f"{kind} {number}: {row.command[:60]}")


@pytest.fixture(scope="module")
def place(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that all rows share: what a row makes is removed after it."""
    folder = Path(shutil.copytree(trained, tmp_path_factory.mktemp("doors") / "w", symlinks=True))
    with pytest.MonkeyPatch.context() as patch, logging_restored():
        patch.chdir(folder)
        build = typer.main.get_command  # of all commands, which takes longer than what a row does
        patch.setattr(typer.main, "get_command", cache(build))
        yield folder


@contextmanager
def spoilt(place: Path, row: Row) -> Iterator[None]:
    """The files of a row; what is in `copy/` spoils a copy of the run."""
    if any(name.startswith("copy/") for name in row.files):
        shutil.copytree(place / "runs/tiny", place / "copy", symlinks=True)
    for name, content in row.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            path.unlink(missing_ok=True)
            content(name)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        yield
    finally:
        for name in row.files:
            os.unlink(place / name)
        for name in ("copy", "out", "new"):
            shutil.rmtree(place / name, ignore_errors=True)


@pytest.mark.parametrize("row", list(rows()))
def test_what_can_not_be_is_one_line(
    row: Row, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seq2seq", "--quiet", *shlex.split(row.command)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with spoilt(place, row), watched(SECONDS), pytest.raises(SystemExit) as end:
        main()
    status, out, err = Outcome(int(end.value.code or 0), *capsys.readouterr())
    if row.command.startswith("data check") and status == 1:  # a finding, of a report
        assert err == ""
        err = next(line for line in out.splitlines(keepends=True) if line.startswith("error "))
    else:
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert re.search(row.line, err), err
