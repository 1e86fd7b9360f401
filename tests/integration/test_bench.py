"""The bench, used for real on a tiny run: what it counts, and that it keeps nothing."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.bench.stopwatch import STAGES, Stopwatch
from seq2seq.bench.updates import Updates
from seq2seq.config import load_config
from seq2seq.data.batching import Batches
from seq2seq.data.prepare import prepare
from seq2seq.inference.translator import load
from seq2seq.model.model import Seq2Seq
from seq2seq.pipeline import train
from tests.integration.conftest import Command, snapshot
from tests.integration.tiny import tiny

TRAIN = ["-q", "bench", "train", "-c", "tiny.yaml", "--updates", "2", "--warmup", "1"]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def everything(world: Path) -> dict[str, bytes | str]:
    return snapshot(world) | snapshot(Path(os.environ["SEQ2SEQ_CACHE"]))


def bench(command: Command, *arguments: str) -> dict[str, Any]:
    status, out, err = command(*arguments, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def ordered(spread: dict[str, float]) -> bool:
    return 0 < spread["low"] <= spread["median"] <= spread["high"]


# --- the updates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["model.dropout=0.3", "training.accumulate=2", "training.optimizer.clip=0.01"],
        ["training.teacher_forcing.start=0.5", "training.optimizer=adamw"],
        ["training.precision=bf16", "training.label_smoothing=0.3", "training.optimizer.clip=null"],
    ],
)
def test_the_updates_are_those_of_the_trainer(
    settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    config = tiny(tmp_path, "training.validate_every=6", *settings)
    trained = train(config, tmp_path / "run").load_model("last")
    torch.manual_seed(config.seed)
    prepared = prepare(config)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    Updates(config, prepared, model, CPU).make(6, Stopwatch(CPU))
    torch.testing.assert_close(model.state_dict(), trained.state_dict(), rtol=0, atol=0)


# --- bench train ----------------------------------------------------------------------------------


def test_a_training_is_measured_and_nothing_is_kept(world: Path, command: Command) -> None:
    before = everything(world)
    found = bench(command, *TRAIN, "--rounds", "2", "training.accumulate=3")
    assert everything(world) == before
    assert (found["updates"], found["warmup"], found["rounds"]) == (2, 1, 2)
    assert found["machine"]["threads"] == 1
    assert found["machine"]["precision"] == "fp32"
    assert list(found["stages"]) == list(STAGES)
    assert sum(found["stages"].values()) == pytest.approx(1)
    assert all(share > 0 for share in found["stages"].values())
    assert 0.98 <= found["covered"] <= 1
    assert found["memory"]["peak"] >= found["memory"]["before"]
    for name in ("target_tokens", "source_tokens", "sentences"):
        assert ordered(found[f"{name}_per_second"])


def test_the_tokens_are_those_of_the_first_batches(world: Path, command: Command) -> None:
    found = bench(command, *TRAIN, "--rounds", "1", "training.accumulate=2")
    config = load_config(world / "tiny.yaml")
    batches = Batches(prepare(config).train, config.batching, source_end=True, seed=config.seed)
    pairs = [share.batches[0] for share in islice(batches, 4)]
    assert found["target_tokens"] == sum(int((b.targets_BT != 0).sum()) for b in pairs)
    assert found["source_tokens"] == sum(int((b.source_BS != 0).sum()) for b in pairs)
    assert found["sentences"] == sum(len(b.source_BS) for b in pairs)
    places = sum(b.source_BS.numel() + b.targets_BT.numel() for b in pairs)
    tokens = found["target_tokens"] + found["source_tokens"]
    assert found["padding"] == pytest.approx(1 - tokens / places)


def test_a_fraction_is_the_speed_over_the_limit(command: Command) -> None:
    found = bench(command, *TRAIN, "--rounds", "1")
    speed = found["target_tokens_per_second"]["median"]
    assert list(found["limits"]) == ["products", "square"]
    for limit in found["limits"].values():
        tokens, fraction = limit["target_tokens_per_second"]["median"], limit["fraction"]["median"]
        assert fraction == pytest.approx(speed / tokens)
    square = found["limits"]["square"]["target_tokens_per_second"]["median"]
    seconds = found["flops"] / found["square_flops_per_second"]
    assert square == pytest.approx(found["target_tokens"] / seconds)


@pytest.mark.parametrize(
    "settings",
    [
        ["training.precision=bf16"],
        ["training.teacher_forcing.start=0.5"],
        ["model.encoder.kind=lstm", "model.decoder.cell=lstm"],
        ["model.attention=none"],
        ["model.attention.addressing=hard", "model.encoder.self_attention=dot"],
    ],
    ids=" ".join,
)
def test_any_training_can_be_measured(settings: list[str], command: Command) -> None:
    found = bench(command, *TRAIN[:6], "1", "--rounds", "1", *settings)
    assert found["flops"] > 0
    assert sum(found["stages"].values()) == pytest.approx(1)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_training_on_cuda_takes_the_same_arithmetic(kind: str, command: Command) -> None:
    settings = [f"model.encoder.kind={kind}", f"model.decoder.cell={kind}", "--rounds", "1"]
    on_cpu = bench(command, *TRAIN, *settings)
    on_cuda = bench(command, *TRAIN, *settings, "training.device=cuda")
    assert on_cuda["machine"]["device"] != "cpu"
    assert on_cuda["memory"]["device"] > 0
    assert sum(on_cuda["stages"].values()) == pytest.approx(1)
    # A layer in one call has the gradient of its first state, which single steps leave out.
    assert on_cuda["flops"] == pytest.approx(on_cpu["flops"], rel=0.05)


def test_the_arithmetic_does_not_depend_on_the_draws(command: Command) -> None:
    settings = ["--rounds", "1", "training.teacher_forcing.start=0.5"]
    counts = [
        bench(command, *TRAIN, *settings, f"training.teacher_forcing.per={per}")["flops"]
        for per in ("token", "sequence")
    ]
    assert counts[0] == counts[1]


def test_a_page_tells_what_was_found(command: Command) -> None:
    status, out, err = command(*TRAIN, "--rounds", "1", "--threads", "2")
    assert status == 0, err
    assert re.search(r", 2 threads of \d+ cores, ", out)
    assert re.search(r"^1 round of 2 updates, 1 before; ", out, re.MULTILINE)
    for name in ("target tokens/s", "source tokens/s", "sentences/s", "padding", "peak memory"):
        assert re.search(rf"^{name} +[\d.,]+", out, re.MULTILINE), name
    for name in (*STAGES, "products", "square"):
        assert re.search(rf"^  {name} +[\d.]+%  ", out, re.MULTILINE), name
    assert max(map(len, out.splitlines())) <= 120
    assert re.fullmatch(r"(the machine is busy .*\n)?", err)


# --- bench translate ------------------------------------------------------------------------------


def test_translating_is_measured_for_each_beam(world: Path, command: Command) -> None:
    before = everything(world)
    arguments = ["--beam", "1", "--beam", "3", "--limit", "4", "--rounds", "2"]
    found = bench(command, "-q", "bench", "translate", *arguments)
    assert everything(world) == before
    sources = (world / "test.en").read_text().splitlines()[:4]
    translator = load("runs/tiny")
    assert [row["beam"] for row in found["beams"]] == [1, 3]
    for row in found["beams"]:
        options = translator.options.model_copy(update={"beam": row["beam"]})
        best = [found.candidates[0] for found in translator.translate(sources, options)]
        assert row["target_tokens"] == sum(len(c.pieces) + c.finished for c in best)
        assert ordered(row["target_tokens_per_second"])
        assert ordered(row["sentences_per_second"])
        assert 0 < row["latency"]["median"] <= row["latency"]["p95"]
    assert (found["sentences"], found["sentences_alone"], found["rounds"]) == (4, 4, 2)
    assert ordered(found["load_seconds"])


def test_a_file_is_translated_without_its_blank_lines(world: Path, command: Command) -> None:
    (world / "x.en").write_text("the cat sees a dog\n\na bird\n")
    status, out, err = command("-q", "bench", "translate", "-i", "x.en", "--rounds", "1")
    assert status == 0, err
    assert "\n1 round of 2 sentences, 64 at once; " in out
    for name in ("target tokens/s", "sentences/s", "one alone, ms"):
        assert len(re.findall(rf"^{name} +[\d.,]+", out, re.MULTILINE)) == 2, name
    assert re.findall(r"^beam .*", out, re.MULTILINE) == ["beam 1 (greedy)", "beam 5"]


# --- bench prepare --------------------------------------------------------------------------------


def test_preparing_is_measured_away_from_the_cache(
    world: Path, temporary: Path, command: Command
) -> None:
    before = everything(world)
    found = bench(command, "-q", "bench", "prepare", "-c", "tiny.yaml", "--rounds", "2")
    assert everything(world) == before
    assert list(temporary.iterdir()) == []
    assert found["pairs"] == 250
    files = [world / f"{name}.{side}" for name in ("train", "valid") for side in ("en", "fr")]
    assert found["text_bytes"] == sum(file.stat().st_size for file in files)
    folder = prepare(load_config(world / "tiny.yaml")).folder
    sizes = {p.name: p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    assert {Path(name).name: size for name, size in found["written"].items()} == sizes
    assert ordered(found["pairs_per_second"])
    assert ordered(found["megabytes_per_second"])


def test_the_page_of_preparing_lists_the_files(command: Command) -> None:
    status, out, err = command("-q", "bench", "prepare", "-c", "tiny.yaml", "--rounds", "1")
    assert status == 0, err
    assert "\n1 round of 250 pairs, " in out
    assert re.search(r"^ +[\d,]+  train\.source\.uint16$", out, re.MULTILINE)
