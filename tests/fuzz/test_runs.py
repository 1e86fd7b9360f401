"""Runs, exports and prepared data with one file of another shape, and checksums that are right.

Checksums are against accidents; whoever changes a file on purpose writes them anew.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seq2seq
from seq2seq.compare.conditions import Conditions
from seq2seq.compare.measuring import measure
from seq2seq.compare.members import Member
from seq2seq.config import Config
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.evaluation.held_out import HeldOut
from seq2seq.explain.comparison import compare as explain
from seq2seq.export.folder import export
from seq2seq.export.translator import load as load_export
from seq2seq.machine.sealed import read_sealed_json, seal_json, sums_of
from seq2seq.pipeline import train
from seq2seq.runs.listing import list_runs, render_runs
from seq2seq.runs.run import Run
from tests.fuzz.changes import changed, other_shape
from tests.fuzz.conftest import costly, read_or_refused
from tests.integration.tiny import tiny

TEXT = "the cat sleeps"
STEP = "checkpoints/00000004"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        yield tiny(folder, "training.max_steps=4", "training.validate_every=2", "training.keep=2")


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config, tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def exported(whole: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("export") / "export"
    export(whole, folder)
    return folder


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def read(run: Path) -> None:
    """As translating, showing and listing do."""
    render_runs(list_runs(run.parent))
    opened = Run.open(run)
    repr(opened)
    opened.read_metrics()
    seq2seq.load(run, device="cpu").translate(TEXT)


def resume(run: Path) -> None:
    (run / "result.json").unlink(missing_ok=True)
    train(Run.open(run).config, run, resume=True)


def average(run: Path) -> None:
    opened = Run.open(run)
    opened.save_average(opened.checkpoints())
    seq2seq.load(run, checkpoint="average", device="cpu")


def compare(run: Path) -> None:
    """As two runs in one page, and side by side in a table."""
    held_out = HeldOut([TEXT], [["le chat dort"]], "test")
    measure(Member("run", 1, run), Conditions(held_out, "fr"))
    explain([Run.open(run)] * 2, [TEXT], checkpoint="all", device="cpu")


ACTIONS: dict[str, Callable[[Path], None]] = {
    "read": read,
    "resume": resume,
    "average": average,
    "compare": compare,
}
TREES = [
    *("data.json", "result.json", "checkpoints/best.json", "checkpoints/last.json"),
    f"{STEP}/state.json",
]
FILES = [f"{STEP}/model.safetensors", f"{STEP}/trainer.pt", "tokenizer/joint.model"]


def copied(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to, symlinks=True))


def sealed_again(path: Path, change: Callable[[Any], Any]) -> None:
    changed_text = json.dumps(change(read_sealed_json(path)), ensure_ascii=False)
    value = json.loads(changed_text.encode("utf-8", "replace"))  # no half characters
    path.write_text(
        seal_json(value) if isinstance(value, dict) else changed_text, "utf-8", "replace"
    )


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", TREES)
@costly
@given(data=st.data())
def test_a_run_with_values_of_another_shape_is_read_or_refused(
    name: str, action: str, whole: Run, data: st.DataObject, folder: Path
) -> None:
    run = copied(whole.folder, folder / "runs" / "run")
    sealed_again(run / name, lambda tree: data.draw(other_shape(tree)))
    read_or_refused(f"{action} a run: {name}", lambda: ACTIONS[action](run))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", FILES)
@costly
@given(data=st.data())
def test_a_run_with_changed_contents_is_read_or_refused(
    name: str, action: str, whole: Run, data: st.DataObject, folder: Path
) -> None:
    run = copied(whole.folder, folder / "runs" / "run")
    path = run / name
    path.write_bytes(data.draw(changed([path.read_bytes()])))
    holder, inside = (run / "data.json", name)
    if name.startswith(STEP):
        holder, inside = (run / STEP / "state.json", path.name)
    sealed_again(
        holder,
        lambda tree: {**tree, "files": tree["files"] | sums_of(holder.parent, [inside])},
    )
    read_or_refused(f"{action} a run: {path.name}", lambda: ACTIONS[action](run))


@costly
@given(data=st.data())
def test_lines_of_metrics_of_another_shape_are_read_or_refused(
    whole: Run, data: st.DataObject, folder: Path
) -> None:
    run = copied(whole.folder, folder / "runs" / "run")
    lines = (run / "metrics.jsonl").read_text().splitlines()
    record = json.loads(lines[-1])
    record.pop("crc32")
    lines[-1] = json.dumps(data.draw(other_shape(record)))
    (run / "metrics.jsonl").write_text("\n".join(lines) + "\n", "utf-8", "surrogatepass")
    read_or_refused("read a run: metrics.jsonl", lambda: read(run))
    read_or_refused("resume a run: metrics.jsonl", lambda: resume(run))


@costly
@given(data=st.data())
def test_an_export_with_changed_contents_is_read_or_refused(
    exported: Path, data: st.DataObject, folder: Path
) -> None:
    copy = copied(exported, folder / "export")
    settings = copy / "export.json"
    if data.draw(st.booleans()):
        sealed_again(settings, lambda tree: data.draw(other_shape(tree)))
    else:
        names = sorted(read_sealed_json(settings)["files"])
        name = data.draw(st.sampled_from(names))
        (copy / name).write_bytes(data.draw(changed([(copy / name).read_bytes()])))
        sealed_again(settings, lambda tree: {**tree, "files": sums_of(copy, names)})
    read_or_refused("export", lambda: load_export(copy).translate(TEXT))


@costly
@given(data=st.data())
def test_prepared_data_with_changed_contents_is_read_or_refused(
    config: Config, data: st.DataObject, folder: Path
) -> None:
    prepared = copied(prepare(config).folder, folder / "cache" / "prepared" / "whole")
    settings = prepared / "data.json"
    names = sorted(read_sealed_json(settings)["files"])
    name = data.draw(st.sampled_from(["data.json", *names]))
    if name == "data.json":
        sealed_again(settings, lambda tree: data.draw(other_shape(tree)))
    else:
        path = prepared / name
        path.write_bytes(data.draw(changed([path.read_bytes()])))
        sealed_again(settings, lambda tree: {**tree, "files": sums_of(prepared, names)})
    read_or_refused("prepared data", lambda: read_prepared(prepared))


def read_prepared(folder: Path) -> None:
    """As training does, which prepares it anew where this refuses it."""
    found = Prepared.load(folder)
    for dataset in (found.train, found.valid):
        assert [len(target) for _, target in (dataset[i] for i in range(len(dataset)))] == list(
            dataset.target_lengths
        )
