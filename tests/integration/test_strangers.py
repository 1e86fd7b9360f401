"""What a run that somebody else made can, and can't, make our commands do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import seq2seq
from seq2seq import extension
from seq2seq.cli.options import write_lines
from seq2seq.errors import UserError
from seq2seq.machine.sealed import read_sealed_json, seal_json
from tests.integration.conftest import Command, snapshot

CODE = """\
from pathlib import Path
Path({mark!r}).write_text("it ran")
"""
RUN = "runs/tiny"


@pytest.fixture(autouse=True)
def nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has never trained with code."""
    monkeypatch.setenv("SEQ2SEQ_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(extension, "_loaded", {})


@pytest.fixture
def mark(world: Path) -> Path:
    """The file that a stranger's code leaves."""
    return world / "ran"


Spoil = Callable[[Path, str], Path]


def edited(config: Path, *changes: tuple[str, str]) -> None:
    """Change config.yaml as its maker could, who would write the checksum of it too, or none."""
    text = "".join(line for line in config.read_text().splitlines(keepends=True) if line[:1] != "#")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    config.write_text(text)


@pytest.fixture
def stranger(world: Path, mark: Path) -> Spoil:
    """Give the tiny run code of a stranger's: the file to write, and how config.yaml names it."""

    def spoil(file: Path, named: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CODE.format(mark=str(mark)))
        edited(world / RUN / "config.yaml", ("code: []", f"code: [{named}]"))
        return file.resolve()

    return spoil


COMMANDS = {
    "translate": f"translate -m {RUN} cat",
    "ensemble": f"translate -m other -m {RUN} cat",
    "attention": f"translate -m {RUN} --attention uniform cat",
    "evaluate": f"evaluate -m {RUN} --bootstrap 0",
    "reverse": f"evaluate -m other --reverse-model {RUN} --alignments test.align --bootstrap 0",
    "explain": f"explain -m {RUN} cat",
    "units": f"explain -m {RUN} --units",
    "page": f"explain -m {RUN} -m other cat -o page.html",
    "bench translate": f"bench translate -m {RUN} --limit 1 --rounds 1 --beam 1",
    "resume": f"train --resume --run {RUN} training.max_steps=151",
    "resume with a recipe": f"train -c tiny.yaml --resume --run {RUN} training.max_steps=151",
    "init": f"train -c {{tuning}} --init {RUN} --run tuned",
    "recipe of the run": f"train -c {RUN}/config.yaml --run again training.max_steps=1",
    "config check": f"config check -c {RUN}/config.yaml",
    "bench train": f"bench train -c {RUN}/config.yaml --updates 1 --warmup 0 --rounds 1",
    "prepare": f"prepare -c {RUN}/config.yaml",
}
TUNING = """\
data: {train: train, valid: valid, test: test, source: en, target: fr}
training: {max_steps: 1, validate_every: 1, device: cpu, samples: 0}
"""


def arguments(name: str, world: Path) -> list[str]:
    (world / "tuning.yaml").write_text(TUNING)
    if "other" in COMMANDS[name]:
        other = world / "other"
        shutil.copytree(world / RUN, other, symlinks=True)
        config = (other / "config.yaml").read_text()
        config = config[: config.index("code:")] + config[config.index("init:") :]
        (other / "config.yaml").write_text(config)
        if name == "reverse":
            languages = [("source: en", "source: xx"), ("target: fr", "target: en")]
            edited(other / "config.yaml", *languages, ("source: xx", "source: fr"))
    return COMMANDS[name].format(tuning="tuning.yaml").split()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_strangers_code_runs_only_by_trust_code_and_then_says_so_once(
    name: str, world: Path, mark: Path, stranger: Spoil, command: Command
) -> None:
    file = stranger(world / RUN / "code/units.py", "code/units.py")
    typed = arguments(name, world)
    status, out, err = command("-q", *typed)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {file}: this code is not run, ")
    assert "--trust-code" in err
    assert err.count("\n") == 1
    assert not mark.exists()

    status, _, err = command("-q", *typed, "--trust-code")
    assert status == 0, err
    assert mark.exists()
    assert err.count(f"runs the code in {file}\n") == 1


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("evil.py", "{file}"),
        ("evil.py", "../../evil.py"),
        ("runs/tiny2/code/evil.py", "../tiny2/code/evil.py"),
        ("evil.py", "code/link.py"),
        ("evil.py", "linked/evil.py"),
    ],
    ids=["an absolute path", "above", "beside, with a name alike", "a link", "a linked folder"],
)
@pytest.mark.parametrize("name", ["translate", "explain", "resume", "init"])
def test_code_outside_of_a_run_never_runs(
    name: str,
    file: str,
    named: str,
    world: Path,
    mark: Path,
    stranger: Spoil,
    command: Command,
) -> None:
    named = named.format(file=world / file)
    path = stranger(world / file, named)
    (world / RUN / "code").mkdir(exist_ok=True)
    (world / RUN / "code/link.py").symlink_to(path)
    (world / RUN / "linked").symlink_to(path.parent)
    for trust in ([], ["--trust-code"]):
        status, out, err = command("-q", *arguments(name, world), *trust)
        assert (status, out) == (2, "")
        assert str(path) in err
        assert "outside of the run" in err
        assert err.count("\n") == 1
    assert not mark.exists()


def test_own_code_stays_trusted_where_the_run_is_copied_until_a_byte_changes(
    world: Path, mark: Path, command: Command
) -> None:
    (world / "mine.py").write_text(CODE.format(mark=str(mark)))
    settings = ["code=mine.py", "training.max_steps=1"]
    status, _, err = command("train", "-c", "tiny.yaml", "--run", "own", *settings)
    assert status == 0
    assert err.count("runs the code in") == 1
    shutil.move(world / "own", world / "copied")
    mark.unlink()

    status, out, err = command("translate", "-m", "copied", "cat")
    assert (status, mark.exists()) == (0, True)
    assert err.count(f"runs the code in {world}/copied/code/mine.py\n") == 1
    assert command("-q", "config", "check", "-c", "copied/config.yaml").status == 0

    mark.unlink()
    with (world / "copied/code/mine.py").open("a") as file:
        file.write("#")
    (world / "copied/data.json").unlink()  # as one who has changed it would: it has its sum
    status, out, err = command("-q", "translate", "-m", "copied", "cat")
    assert (status, out) == (2, "")
    assert "this code is not run" in err
    assert not mark.exists()


@pytest.mark.parametrize(
    "typed",
    ["config check -c mine.yaml", "bench train -c mine.yaml --updates 1", "prepare -c mine.yaml"],
)
def test_code_that_a_recipe_names_runs_in_a_training_and_else_only_if_it_is_known(
    typed: str, world: Path, mark: Path, command: Command
) -> None:
    (world / "mine.py").write_text(CODE.format(mark=str(mark)))
    recipe = (world / "tiny.yaml").read_text() + "code: mine.py\n"
    (world / "mine.yaml").write_text(recipe)
    status, out, err = command("-q", *typed.split())
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {world}/mine.py: this code is not run, ")
    assert not mark.exists()
    assert command("-q", "config", "check", "-c", "tiny.yaml", "code=mine.py").status == 0
    mark.unlink()
    assert command("train", "-c", "mine.yaml", "training.max_steps=1").status == 0
    assert command("-q", *typed.split()).status == 0


@pytest.mark.parametrize("typed", ["runs", f"runs {RUN}", "doctor", "config diff tiny.yaml {run}"])
def test_looking_at_a_run_runs_nothing(
    typed: str, world: Path, mark: Path, stranger: Spoil, command: Command
) -> None:
    stranger(world / RUN / "code/units.py", "code/units.py")
    assert command(*typed.format(run=RUN).split()).status == 0
    assert not mark.exists()


def test_in_python_trust_code_says_the_same(world: Path, mark: Path, stranger: Spoil) -> None:
    stranger(world / RUN / "code/units.py", "code/units.py")
    folder = world / RUN
    calls: list[Callable[..., object]] = [
        lambda **trust: seq2seq.load(folder, **trust),
        lambda **trust: seq2seq.explain(folder, "cat", **trust),
        lambda **trust: seq2seq.evaluate(folder, ["cat"], ["chat"], bootstrap=0, **trust),
    ]
    for call in calls:
        with pytest.raises(UserError, match=r"units\.py: this code is not run, .*trust_code=True"):
            call()
    assert not mark.exists()
    for call in calls:
        call(trust_code=True)
    assert mark.exists()
    with pytest.raises(UserError, match="trust_code cannot be chosen for a translator"):
        seq2seq.explain(seq2seq.load(folder), "cat", trust_code=True)


def test_a_run_reads_no_other_configuration(world: Path, command: Command) -> None:
    config = world / RUN / "config.yaml"
    edited(config, ("seed:", "extends: ../../tiny.yaml\nseed:"))
    before = snapshot(world)
    for typed in ("translate cat", f"train --resume --run {RUN}", f"config diff {RUN} {RUN}"):
        status, out, err = command("-q", *typed.split())
        assert (status, out) == (2, "")
        assert err == (
            f"error: {config}:1: extends: a run's configuration has every key in itself; "
            "remove the line\n"
        )
    assert snapshot(world) == before


ESCAPE = "\x1b]0;title\x07\x9b31m"
"""Sets a terminal's title, and the colour of what follows."""


@pytest.mark.parametrize(
    "typed",
    [
        "runs",
        "runs --json",
        f"config diff tiny.yaml {RUN}",
        f"evaluate -m {RUN} --bootstrap 0",
        f"explain -m {RUN} cat",
        f"explain -m {RUN} cat --json",
        f"train --resume --run {RUN} training.max_steps=151",
        f"translate -m {RUN} cat --beam 0",
        f"average -m {RUN} --last 9",
        f"config show -c {RUN}/config.yaml",
    ],
)
def test_no_text_of_a_run_reaches_the_terminal_as_an_order(
    typed: str, world: Path, command: Command
) -> None:
    named = f"runs/{ESCAPE}"
    (world / RUN).rename(world / named)
    config = world / named / "config.yaml"
    written = ESCAPE.encode("unicode_escape").decode()
    edited(config, ("source: en", f'source: "en{written}"'))
    _, out, err = command(*(part.replace(RUN, named) for part in typed.split()))
    assert not set("\x1b\x07\x9b") & set(out + err)
    assert "\\u001b" in out + err or "\\x1b" in out + err or "\\e" in out


@pytest.mark.parametrize(
    ("at_terminal", "shown"), [(True, "a\\u001b[31mb\n"), (False, "a\x1b[31mb\n")]
)
def test_a_translation_is_shown_without_orders_and_piped_as_it_is(
    at_terminal: bool,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: at_terminal)
    write_lines(["a\x1b[31mb"], None)
    assert capsys.readouterr().out == shown


LINKS = (
    ".lock",
    ".lock.owner",
    ".config.yaml.part",
    "metrics.jsonl",
    "train.log",
    "checkpoints",
    "checkpoints/00000001",
    "tokenizer/joint.model",
)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("typed", ["train --resume --run {run}", "average --run {run}"])
def test_nothing_is_written_or_removed_behind_a_link_that_leads_out(
    typed: str, link: str, world: Path, command: Command
) -> None:
    path = world / RUN / link
    outside = world / "outside"
    if path.exists():
        path.rename(outside)
    elif "." in link:
        outside.write_text("precious")
    else:
        shutil.copytree(world / RUN / "checkpoints" / "00000075", outside)
    path.symlink_to(outside)
    before = snapshot(world)
    settings = ["training.max_steps=151", "training.keep=1"] if "train" in typed else []
    status, out, err = command("-q", *typed.format(run=RUN).split(), *settings)
    assert (status, out) == (2, "")
    named = link if link != "checkpoints" else "best"  # which leads out too then
    assert err.startswith(f"error: {RUN}/{named}: a link that leads out of the run, ")
    assert err.count("\n") == 1
    assert snapshot(world) == before


def test_links_within_a_run_and_to_a_run_are_followed(world: Path, command: Command) -> None:
    (world / RUN).rename(world / "elsewhere")
    (world / RUN).symlink_to(world / "elsewhere")
    assert command("-q", "train", "--resume", "--run", RUN, "training.max_steps=151").status == 0
    assert command("-q", "average", "--run", RUN).status == 0


CHECKPOINT = "checkpoints/00000150"
RESUME = f"train --resume --run {RUN} training.max_steps=151"
TRANSLATE = f"translate -m {RUN} cat"


@pytest.mark.parametrize(
    ("file", "changes", "typed", "said"),
    [
        (f"{CHECKPOINT}/state.json", {"step": "x"}, RESUME, "not the state of a training"),
        (f"{CHECKPOINT}/state.json", {"step": [1]}, RESUME, "not the state of a training"),
        (f"{CHECKPOINT}/state.json", {"kept": "x"}, RESUME, "not the state of a training"),
        (f"{CHECKPOINT}/state.json", {"window": 3}, RESUME, "not the state of a training"),
        (f"{CHECKPOINT}/state.json", {"files": [1]}, TRANSLATE, "damaged: "),
        ("data.json", {"scripts": 5}, TRANSLATE, "damaged: scripts: expected a list of names"),
        ("data.json", {"scripts": [[1]]}, TRANSLATE, "damaged: scripts: expected a list of names"),
        ("data.json", {"files": {"/dev/zero": "0"}}, TRANSLATE, "/dev/zero: is outside of"),
        ("data.json", {"files": {"../other": "0"}}, TRANSLATE, "other: is outside of"),
        (
            "checkpoints/best.json",
            {"checkpoint": "../../x"},
            TRANSLATE,
            "damaged: expected the name",
        ),
    ],
)
def test_values_that_no_training_writes_are_one_line(
    file: str,
    changes: dict[str, object],
    typed: str,
    said: str,
    world: Path,
    command: Command,
) -> None:
    path = world / RUN / file
    path.write_text(seal_json({**read_sealed_json(path), **changes}))
    status, out, err = command("-q", *typed.split())
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_result_that_no_training_writes_is_listed_as_damaged(
    world: Path, command: Command
) -> None:
    for number, result in enumerate(("[1]", "{}", '{"steps": "x"}', '{"steps": 1, "bleu": "y"}')):
        shutil.copytree(world / RUN, world / f"runs/{number}", symlinks=True)
        (world / f"runs/{number}/result.json").write_text(result)
    status, out, err = command("-q", "runs")
    assert (status, err) == (0, "")
    assert out.count("damaged: ") == 4


@pytest.mark.parametrize("state", [[1], {}, {"optimizer": 3}, torch.ones(3)], ids=str)
def test_a_trainers_state_of_something_else_is_one_line(
    state: object, world: Path, command: Command
) -> None:
    torch.save(state, world / RUN / CHECKPOINT / "trainer.pt")
    path = world / RUN / CHECKPOINT / "state.json"
    path.write_text(seal_json({**read_sealed_json(path), "files": {}}))
    status, out, err = command("-q", *RESUME.split())
    assert (status, out) == (2, "")
    assert "trainer.pt: damaged: not the state of a training" in err
    assert err.count("\n") == 1
