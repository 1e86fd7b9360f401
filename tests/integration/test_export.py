"""`export`, and `translate` with what it wrote, where torch can't be imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.machine.sealed import read_sealed_json, seal_json, sums_of
from tests.integration.conftest import Command, snapshot

pytest.importorskip("onnx", reason="needs the extra: onnx")
pytest.importorskip("onnxruntime", reason="needs the extra: onnx")

ENGLISH, FRENCH = "the cat sees a dog", "le chat voit un chien\n"
TEXTS = "the cat sees a dog\n\na small bird likes the big cat\n"
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from seq2seq.cli import main; main()"


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what `export` wrote."""
    from seq2seq.export.folder import export
    from seq2seq.runs.run import Run

    folder = tmp_path_factory.mktemp("exported") / "model"
    export(Run.open(trained / "runs/tiny"), folder)
    return folder


def light(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`seq2seq` in a process of its own that has no torch."""
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("options", [[], ["--beam", "1"], ["--n-best", "3"]], ids=str)
def test_the_exported_model_says_what_its_run_says(
    options: list[str], command: Command, exported: Path
) -> None:
    ours = command("translate", "--model", "runs/tiny", *options, stdin=TEXTS.encode())
    found = light("translate", "--model", exported, *options, stdin=TEXTS)
    assert (found.returncode, found.stdout) == (0, ours.out)
    assert found.stderr == f"model: {exported} (exported)\n"


def test_the_exported_model_knows_the_scripts_of_its_training_sources(exported: Path) -> None:
    settings = json.loads((exported / "export.json").read_text())
    assert settings["scripts"] == ["Latin"]


def test_the_exported_model_copies_what_it_can_t_read_and_keeps(exported: Path) -> None:
    from seq2seq.export.translator import load

    translator = load(exported)
    assert translator.translate("😀").text == "😀"
    assert translator.translate(ENGLISH).text == FRENCH.strip()
    options = translator.options.model_copy(update={"keep": True})
    assert translator.translate(f"<b>{ENGLISH}</b>", options).text == f"<b>{FRENCH.strip()}</b>"


def test_scores_and_attention_are_the_runs(command: Command, exported: Path, world: Path) -> None:
    (world / "in.txt").write_text(TEXTS)
    arguments = ["--json", "--n-best", "2", "--input", str(world / "in.txt")]
    ours = command("translate", "--model", "runs/tiny", *arguments)
    found = light("translate", "--model", exported, *arguments, "--output", world / "out.txt")
    assert found.returncode == 0, found.stderr
    written = (world / "out.txt").read_text().splitlines()
    for mine, its in zip(ours.out.splitlines(), written, strict=True):
        assert json.loads(its) == rounded(json.loads(mine))


def rounded(value: Any) -> Any:
    """A plain value that equals one whose numbers are nearly the same."""
    if isinstance(value, float):
        return pytest.approx(value, abs=2e-4)  # JSON's attention has four digits
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def test_export_writes_a_folder_that_needs_nothing_else(command: Command, world: Path) -> None:
    done = command("export", "runs/tiny", "-o", "out/tiny")
    assert (done.status, done.out) == (0, "")
    assert done.err == "runs/tiny (best) -> out/tiny\n"
    assert sorted(snapshot(world / "out")) == [
        "tiny/encoder.onnx",
        "tiny/export.json",
        "tiny/step.onnx",
        "tiny/tokenizer/joint.model",
    ]
    assert (
        command("translate", "-m", "out/tiny", "the cat sees a dog").out
        == "le chat voit un chien\n"
    )


def test_8_bits_are_smaller_and_translate(command: Command, exported: Path, world: Path) -> None:
    done = command("export", "--int8", "-o", "small")
    assert (done.status, done.err) == (0, "runs/tiny (best) -> small\n")
    for name in ("encoder.onnx", "step.onnx"):
        assert (world / "small" / name).stat().st_size < (exported / name).stat().st_size
    for texts in (["the cat sees a dog"], ["the cat sees a dog"] * 3):  # alone and in a batch
        found = command("translate", "-m", "small", *texts)
        assert found.out == "le chat voit un chien\n" * len(texts)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["translate", "--sample"], "decoding.sample: an exported model only searches"),
        (["translate", "--precision", "bf16"], "an exported model has its own"),
        (["translate", "--workers", "2"], "an exported model decodes in one process"),
        (["translate", "--attention", "uniform"], "an exported model can only translate"),
        (["translate", "--model", "runs/tiny"], "an exported model can't be in an ensemble"),
        (["translate", "--checkpoint", "last"], "an exported model has one checkpoint"),
        (["translate", "--device", "cuda"], "an exported model runs on the CPU, found"),
        (["explain"], "an exported model can only translate"),
        (["evaluate"], "an exported model can only translate"),
        (["bench", "translate"], "an exported model can only translate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_an_exported_model_cannot_do_is_refused(
    arguments: list[str], error: str, command: Command, exported: Path
) -> None:
    texts = ["the cat"] if arguments[0] in ("translate", "explain") else []
    done = command(*arguments, "--model", str(exported), *texts)
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("error: ")
    assert error in done.err


def test_a_folder_that_is_there_is_left_alone(command: Command, world: Path) -> None:
    (world / "mine").mkdir()
    done = command("export", "runs/tiny", "-o", "mine")
    assert (done.status, done.err) == (
        2,
        "error: mine: is there already; name a new folder, or remove it\n",
    )
    assert not list((world / "mine").iterdir())


Spoil = Callable[[Path], None]


def written(name: str, content: bytes | None) -> Spoil:
    """A file that is another, or gone."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink() if content is None else (folder / name).write_bytes(content)

    return spoil


def flipped(name: str, share: float) -> Spoil:
    """A bit that is another, so far into a file."""

    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[int(share * (len(content) - 1))] ^= 1
        (folder / name).write_bytes(content)

    return spoil


def cut(name: str) -> Spoil:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - 1)


def swapped(folder: Path) -> None:
    (folder / "encoder.onnx").rename(folder / "x")
    (folder / "step.onnx").rename(folder / "encoder.onnx")
    (folder / "x").rename(folder / "step.onnx")


def sealed(**changes: object) -> Spoil:
    """What somebody wrote who knows how to write checksums."""

    def spoil(folder: Path) -> None:
        settings = read_sealed_json(folder / "export.json")
        (folder / "export.json").write_text(seal_json({**settings, **changes}))

    return spoil


def graphs_swapped_and_sealed(folder: Path) -> None:
    swapped(folder)
    names = ["encoder.onnx", "step.onnx", "tokenizer/joint.model"]
    sealed(files=sums_of(folder, names))(folder)


def unsealed(folder: Path) -> None:
    settings = read_sealed_json(folder / "export.json")
    (folder / "export.json").write_text(json.dumps({**settings, "max_length": 10**6}))


SPOILT: list[tuple[Spoil, str]] = [
    (written("export.json", b"{}"), "export.json: expected format 2, found None: export it again"),
    (written("export.json", b"{"), "export.json: damaged: Expecting"),
    (written("export.json", b"[]"), "export.json: damaged: "),
    (written("export.json", b"[" * 10**5), "export.json: damaged: "),
    (written("export.json", b"\xff"), "export.json: damaged: "),
    (written("export.json", b'{"format": 1, "source_end": true, "max_length": 9, "decoding": {}}'),
        "export.json: expected format 2, found 1: export it again"),
    *((flipped("export.json", share), "export.json: ") for share in (0.01, 0.3, 0.6, 0.99, 1)),
    (cut("export.json"), "export.json: damaged"),
    (unsealed, "export.json: damaged, or edited: it differs from its checksum\n"),
    (sealed(max_length="x"), "export.json: damaged: invalid literal"),
    (sealed(decoding=[1]), "export.json: damaged: "),
    (sealed(files=None), "export.json: damaged: "),
    (sealed(files={}), "encoder.onnx: not a file of this export"),
    (sealed(files={"/dev/zero": "0"}), "/dev/zero: is outside of spoilt"),
    (sealed(files={"../runs/tiny/config.yaml": "0"}), "config.yaml: is outside of spoilt"),
    (written("step.onnx", b"spoilt"), "step.onnx: damaged: "),
    (written("step.onnx", None), "step.onnx: missing"),
    (written("encoder.onnx", None), "encoder.onnx: missing"),
    *((flipped("step.onnx", share), "step.onnx: damaged: ") for share in (0, 0.5, 1)),
    (cut("encoder.onnx"), "encoder.onnx: damaged: "),
    (swapped, "encoder.onnx: damaged: "),
    (graphs_swapped_and_sealed, "encoder.onnx: damaged: the graph has no lengths"),
    (written("tokenizer/joint.model", None), "tokenizer/joint.model: missing"),
    (flipped("tokenizer/joint.model", 0.5), "tokenizer/joint.model: damaged: "),
    (written("tokenizer/reader.json", b"{}"), "tokenizer/reader.json: not a file of this export"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "error"), SPOILT, ids=[error for _, error in SPOILT])
def test_a_damaged_folder_is_told_of(
    spoil: Spoil, error: str, exported: Path, command: Command, world: Path
) -> None:
    shutil.copytree(exported, world / "spoilt")
    spoil(world / "spoilt")
    done = command("translate", "--model", "spoilt", "the cat")
    assert done.status == 2
    assert len(done.err.splitlines()) == 2, done.err  # the model's line, the error's
    assert error in done.err


@pytest.mark.parametrize("where", ["../numbers", "/tmp/numbers", "numbers"])
def test_a_graph_with_numbers_in_another_file_is_not_opened(
    where: str, exported: Path, command: Command, world: Path
) -> None:
    import onnx
    from onnx.external_data_helper import set_external_data

    shutil.copytree(exported, world / "spoilt")
    graph = onnx.load(world / "spoilt" / "step.onnx")
    set_external_data(graph.graph.initializer[0], where)
    (world / "spoilt" / "step.onnx").write_bytes(graph.SerializeToString())
    names = ["encoder.onnx", "step.onnx", "tokenizer/joint.model"]
    sealed(files=sums_of(world / "spoilt", names))(world / "spoilt")
    done = command("-q", "translate", "--model", "spoilt", "the cat")
    assert (done.status, done.err) == (
        2,
        "error: spoilt/step.onnx: not opened, because it has its numbers in another file\n",
    )


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(
    package: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = command("export", "runs/tiny", "-o", "out")
    assert done.status == 2
    assert f"export needs the package {package}: pip install 'seq2seq-attention[onnx]'" in done.err


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o027], ids=oct)
def test_what_is_written_may_be_read_by_whom_the_umask_says(
    mask: int, command: Command, world: Path
) -> None:
    outputs = [word for ending in ("json", "npz", "html", "svg") for word in ("-o", f"x.{ending}")]
    before = os.umask(mask)
    try:
        command("export", "runs/tiny", "--int8", "-o", "written/model")
        command("explain", "--model", "runs/tiny", "the cat", *outputs)
        command("translate", "--model", "runs/tiny", "the cat", "-o", "x.txt")
        command("train", "-c", "tiny.yaml", "--run", "written/run", "training.max_steps=1")
    finally:
        os.umask(before)
    files = [file for file in (world / "written").rglob("*") if file.is_file()]
    files += world.glob("x.*")
    assert {"encoder.onnx", "model.safetensors", "x.npz", "x.txt"} <= {file.name for file in files}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o666 & ~mask}


def test_another_model_than_a_transformer_is_refused_for_ctranslate2(
    command: Command, tmp_path: Path
) -> None:
    pytest.importorskip("ctranslate2", reason="needs the extra: ctranslate2")
    folder = tmp_path / "model"
    found = command("export", "runs/tiny", "-o", str(folder), "--format", "ctranslate2")
    assert found.status == 2
    assert "CTranslate2 runs Transformers only, found encoder recurrent" in found.err
    assert not folder.exists()
