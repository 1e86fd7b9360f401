"""Several processes that train one model: as one would, to the last digits, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch.distributed.run import parse_args

from seq2seq.config import dump_config, load_config
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from tests.integration.stopping import RANDOM, assert_same
from tests.integration.tiny import tiny

ROOT = Path(__file__).parents[2]
SECONDS = 300  # that none of these trainings takes; one that does hangs

FLOAT64 = "import torch\ntorch.set_default_dtype(torch.float64)\n"
"""A user's code, which each process reads before it builds the model."""

DISTURBED = """
import os, signal
from seq2seq.training.update import Update

plain, step = Update.apply, 0

def apply(self):
    global step
    step += 1
    plain(self)
    what, rank, at = os.environ.get("DISTURB", "- - 0").split()
    first = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
    if first and (os.environ.get("RANK"), str(step)) == (rank, at):
        if what == "memory":
            import torch
            from torch import Tensor
            def full(*_, **__):
                raise torch.OutOfMemoryError
            Tensor.backward = full
        elif what == "nan":
            from seq2seq.training.objective import Likelihood
            forward = Likelihood.forward
            def once(objective, batch, step=0):
                loss = forward(objective, batch, step)
                return loss._replace(plain=loss.plain * float("nan")) if step == int(at) else loss
            Likelihood.forward = once
        else:
            os.kill(os.getpid() if what == "SIGKILL" else os.getppid(), signal.Signals[what])

Update.apply = apply
"""
"""Has a rank be killed after an update, the launcher get a signal, the memory be full, or the loss
of the update that follows be NaN on one rank."""


NAN_ON_ONE_RANK = """
import os
from seq2seq.training.objective import Likelihood

forward = Likelihood.forward

def lost(objective, batch, step=0):
    loss = forward(objective, batch, step)
    bad = step in (6, 7, 9) and os.environ.get("RANK") == "1"
    return loss._replace(plain=loss.plain * float("nan")) if bad else loss

Likelihood.forward = lost
"""
"""Has the updates after 6, 7 and 9 others be skipped, whoever starts or restarts them."""


class Ended(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Start = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    (folder / "float64.py").write_text(FLOAT64)
    (folder / "disturbed.py").write_text(DISTURBED)
    (folder / "nan_on_one_rank.py").write_text(NAN_ON_ONE_RANK)
    return folder


@pytest.fixture(scope="module")
def start(folder: Path) -> Start:
    """Run `python -m MODULE ARGUMENTS` as a user would."""

    def call(*arguments: str, disturb: str = "") -> Ended:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SEQ2SEQ_CACHE": str(folder / "c")}
        environment |= {"DISTURB": disturb} if disturb else {}
        environment["PYTHONFAULTHANDLER"] = "1"
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            abort_all(folder)
            pytest.fail(f"it has not ended after {SECONDS} seconds\n{process.communicate()[1]}")
        return Ended(process.returncode, out, err)

    return call


def abort_all(folder: Path) -> None:
    """Have the processes that were started in `folder` say where they are, and end."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if bytes(folder) in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGABRT)


@pytest.fixture(autouse=True)
def _cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(folder / "c"))


def write(folder: Path, name: str, *overrides: str) -> str:
    """Write the configuration of a tiny run, and return its file's name."""
    config = tiny(folder, *overrides)
    (folder / name).write_text(dump_config(config))
    return str(folder / name)


def train_alone(file: str, folder: Path, *, resume: bool = False) -> Run:
    """Train in this process, in float64."""
    torch.set_default_dtype(torch.float64)
    try:
        return train(load_config(Path(file)), folder, resume=resume)
    finally:
        torch.set_default_dtype(torch.float32)


def records(run: Run) -> list[dict[str, Any]]:
    return run.read_metrics()


def told(ended: Ended) -> list[str]:
    """What a quiet training says, but for its warnings of so small a corpus."""
    warnings = ("only 8 training pairs", "8 of 8 validation pairs")
    return [line for line in ended.err.splitlines() if not line.startswith(warnings)]


def assert_close(run: Run, expected: Run) -> None:
    """The same weights and figures but for the last digits of sums in float64."""
    weights = run.checkpoint("last").weights()
    assert next(iter(weights.values())).dtype is torch.float64
    torch.testing.assert_close(weights, expected.checkpoint("last").weights(), rtol=0, atol=1e-6)
    for ours, theirs in zip(records(run), records(expected), strict=True):
        timed = ("seconds", "target_tokens_per_second")
        assert {k: v for k, v in ours.items() if k not in timed} == pytest.approx(
            {k: v for k, v in theirs.items() if k not in timed}, abs=1e-6
        )


FIFTY = (
    "training.max_steps=50",
    "training.validate_every=25",
    "training.log_every=5",
    "training.optimizer.clip=0.5",
    "training.samples=2",
    "batching.sentences=3",  # an epoch has batches of 3, 3 and 2 sentences
)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_do_the_fifty_updates_that_one_does(
    accumulate: int, folder: Path, start: Start
) -> None:
    settings = [*FIFTY, f"training.accumulate={accumulate}", f"code={folder / 'float64.py'}"]
    file = write(folder, f"fifty-{accumulate}.yaml", *settings)
    both = folder / f"two-{accumulate}"
    ended = start("seq2seq", "train", "-c", file, "--run", str(both), "--processes", "2")
    assert (ended.status, ended.out) == (0, f"{both}\n"), ended.err
    share = "1 of the 2 batches of each update" if accumulate == 2 else "one of the 2 parts"
    assert f"2 processes train together; each takes {share}" in ended.err
    assert ended.err.count("finished (max_steps) after 50 steps") == 1
    assert_close(Run.open(both), train_alone(file, folder / f"one-{accumulate}"))


def test_a_run_stopped_by_a_signal_goes_on_with_another_number_of_processes(
    folder: Path, start: Start
) -> None:
    code = f"code=[{folder / 'float64.py'}, {folder / 'disturbed.py'}]"
    file = write(folder, "resumed.yaml", *FIFTY, "training.accumulate=2", code)
    run = folder / "resumed"
    arguments = ("seq2seq", "train", "-c", file, "--run", str(run), "--processes", "2")
    ended = start(*arguments, disturb="SIGTERM 1 7")
    assert (ended.status, ended.out) == (0, f"{run}\n"), ended.err
    stopped = Run.open(run)
    assert stopped.result is None
    step = stopped.checkpoint("last").state["step"]
    assert 7 <= step < 50
    assert f"stopped by SIGTERM at step {step}, saved; --resume goes on" in ended.err
    train_alone(file, run, resume=True)
    assert (
        "processes: 2 -> 1: the same batches in the same order" in (run / "train.log").read_text()
    )
    assert_close(Run.open(run), train_alone(file, folder / "not-stopped"))


@pytest.mark.parametrize("skips", [False, True], ids=["", "amid updates that are skipped"])
def test_a_run_whose_process_was_killed_ends_as_if_nothing_had_happened(
    skips: bool, folder: Path, start: Start
) -> None:
    code = ["disturbed.py", *(["nan_on_one_rank.py"] if skips else [])]
    files = ", ".join(str(folder / name) for name in code)
    file = write(folder, f"killed-{skips}.yaml", *RANDOM, f"code=[{files}]")
    arguments = ("seq2seq", "train", "-c", file, "--processes", "2")
    whole, killed = folder / f"whole-{skips}", folder / f"killed-{skips}"
    ended = start(*arguments, "--run", str(whole))
    assert ended.status == 0, ended.err
    again = ("--run", str(killed), "--max-restarts", "1")
    ended = start(*arguments, *again, disturb="SIGKILL 1 8")
    assert ended.status == 0, ended.err
    assert Run.open(whole).checkpoint("last").state["skipped"] == (3 if skips else 0)
    assert "resumed at step 5" in (killed / "train.log").read_text()
    assert_same(Run.open(killed), Run.open(whole))
    assert len(Run.open(killed).checkpoint("last").trainer_tensors()["other_ranks"]) == 1


def test_a_killed_process_is_told_in_one_line(folder: Path, start: Start) -> None:
    file = write(folder, "lost.yaml", f"code={folder / 'disturbed.py'}")
    arguments = ("seq2seq", "-q", "train", "-c", file, "--run", str(folder / "lost"))
    ended = start(*arguments, "--processes", "2", disturb="SIGKILL 1 2")
    assert (ended.status, ended.out) == (2, "")
    assert told(ended) == [
        "error: process 1 of 2 was killed by SIGKILL; --resume goes on from the last checkpoint, "
        "and --max-restarts 1 does so by itself"
    ]


def test_what_one_process_finds_wrong_is_told_in_one_line(folder: Path, start: Start) -> None:
    file = write(folder, "full.yaml", f"code={folder / 'disturbed.py'}")
    arguments = ("seq2seq", "-q", "train", "-c", file, "--run", str(folder / "full"))
    ended = start(*arguments, "--processes", "2", disturb="memory 1 2")
    assert (ended.status, ended.out) == (2, "")
    (line,) = told(ended)
    assert line.startswith("error: process 1 of 2: out of memory at step 3 on a batch of 2 ")


def test_a_loss_of_nan_on_one_rank_has_all_skip_the_update(folder: Path, start: Start) -> None:
    file = write(folder, "skips.yaml", f"code={folder / 'disturbed.py'}", "training.log_every=2")
    weights = []
    for rank in (0, 1):
        run = folder / f"skips{rank}"
        arguments = ("seq2seq", "train", "-c", file, "--run", str(run), "--processes", "2")
        ended = start(*arguments, disturb=f"nan {rank} 2")
        assert ended.status == 0, ended.err
        assert "step 3: skipped, the loss or the gradient is not finite" in ended.err
        assert [r.get("skipped") for r in records(Run.open(run)) if r["kind"] == "train"] == [
            None,
            1,
            None,
        ]
        weights.append((run / "last" / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_what_all_processes_find_wrong_is_told_once(folder: Path, start: Start) -> None:
    settings = ["training.optimizer.lr=1000", "training.optimizer.clip=null"]
    file = write(folder, "nan.yaml", *settings, "training.max_steps=60")
    arguments = ("seq2seq", "-q", "train", "-c", file, "--run", str(folder / "nan"))
    ended = start(*arguments, "--processes", "2")
    assert (ended.status, ended.out) == (2, "")
    (line,) = told(ended)
    assert line.startswith("error: the loss became ")


@pytest.mark.parametrize(("argument", "status"), [("--version", 0), ("nothing", 2)])
@pytest.mark.parametrize("processes", [1, 2])
def test_one_of_several_ends_when_all_is_done_and_not_as_python_does(
    processes: int, argument: str, status: int
) -> None:
    program = (
        "import atexit, os, sys; from seq2seq.cli import main\n"
        "end = os._exit; os._exit = lambda status: (os.write(1, b'at once'), end(status))\n"
        f"atexit.register(print, 'done'); sys.argv = ['seq2seq', {argument!r}]; main()"
    )
    told = {"RANK": "0", "LOCAL_RANK": "0", "TORCHELASTIC_RUN_ID": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **told, "WORLD_SIZE": str(processes)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert done.stdout.endswith("done\nat once" if processes > 1 else "done\n")
    assert ("no such command" in done.stderr) == (status == 2)


def test_torchrun_starts_the_processes_as_well(folder: Path, start: Start) -> None:
    file, run = write(folder, "torchrun.yaml"), folder / "torchrun"
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "seq2seq")
    ended = start(*torchrun, "train", "-c", file, "--run-dir", str(run))
    assert (ended.status, ended.out) == (0, f"{run}\n"), ended.err
    assert "Warning: find_unused_parameters" not in ended.err
    assert Run.open(run).result is not None


@pytest.mark.parametrize(
    "arguments", [["train", "--run-dir", "r"], ["--", "train", "--run", "r"]], ids=" ".join
)
def test_torchrun_leaves_our_options_alone(arguments: list[str]) -> None:
    parsed = parse_args(["--nproc-per-node", "2", "-m", "seq2seq", *arguments])
    assert parsed.training_script == "seq2seq"
    assert [item for item in parsed.training_script_args if item != "--"] == arguments[-3:]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--processes", "2", "training.accumulate=3"],
            "training.accumulate: expected a divisor or a multiple of 2, the number of processes, "
            "found 3; start 3 processes, or set training.accumulate=4 for larger updates",
        ),
        (
            ["--processes", "2", "training.device=cpu:0"],
            "training.device: expected auto, cpu or cuda for 2 processes, which take a GPU each, "
            "found 'cpu:0'",
        ),
        (
            ["--max-restarts", "1"],
            "--max-restarts: goes with --processes; torchrun has an option of its own",
        ),
    ],
)
def test_processes_that_cannot_train_together_are_refused(
    arguments: list[str], message: str, folder: Path, start: Start
) -> None:
    file, run = write(folder, "refused.yaml"), folder / "refused"
    ended = start("seq2seq", "train", "-c", file, "--run", str(run), *arguments)
    assert (ended.status, ended.out, ended.err) == (2, "", f"error: {message}\n")
    assert not run.exists()


def test_a_corpus_is_planned_before_several_processes_train_on_it(
    folder: Path, start: Start
) -> None:
    ended = start("seq2seq", "train", "train.en", "train.fr", "--processes", "2")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "error: train.en: expected a configuration for several processes, found a corpus; plan the "
        "training with `seq2seq init train.en train.fr`, then train with --config\n"
    )
