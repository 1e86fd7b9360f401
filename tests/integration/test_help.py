"""What every command says of itself, and what the shell completes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from seq2seq.cli import app
from seq2seq.config import BleuTokenizer

HELP_IS_ENOUGH = ("--help", "--version", "--show-completion", "--install-completion")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ROOT: Any = typer.main.get_command(app)
COMMANDS = dict(commands(ROOT))


def listed(group: Any) -> str:
    context = group.make_context("seq2seq", [], resilient_parsing=True)
    return str(group.get_help(context))


def test_no_line_of_a_list_of_commands_is_cut_off() -> None:
    groups = [
        ROOT,
        *(command for command in ROOT.commands.values() if hasattr(command, "commands")),
    ]
    for group in groups:
        text = listed(group)
        assert "..." not in text.partition("Commands:")[2]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_can_be_typed(path: tuple[str, ...]) -> None:
    epilog = COMMANDS[path].epilog or ""
    assert epilog.startswith("Example: seq2seq ")
    program, *words = shlex.split(epilog.removeprefix("Example: "))
    assert (program, tuple(words[: len(path)])) == ("seq2seq", path)
    COMMANDS[path].make_context(" ".join(path), words[len(path) :])


@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_every_tokeniser_is_named(command: str) -> None:
    (option,) = (p for p in COMMANDS[(command,)].params if p.name == "tokenize")
    base = (Path(__file__).parents[2] / "configs" / "base.yaml").read_text("utf-8")
    for text in (option.help, base.partition("\nevaluation:")[2]):
        assert set(get_args(BleuTokenizer)) <= set(re.findall(r"[\w-]+", text))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    for parameter in COMMANDS[path].params:
        if parameter.opts[0] not in HELP_IS_ENOUGH:
            help_text = parameter.help or ""
            assert help_text[:1].isupper(), parameter.name
            assert not help_text.startswith(("Of ", "Else ", "In place", "The same")), (
                parameter.name
            )
            assert help_text.partition(" [default")[0].endswith("."), parameter.name


def completed(world: Path, line: str) -> list[str]:
    """What bash is offered after `line`, whose last word is being typed."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from seq2seq.cli import main; main()"],
        cwd=world,
        env={
            **os.environ,
            "_SEQ2SEQ_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


def test_the_shell_completes_commands_options_recipes_and_runs(world: Path) -> None:
    assert completed(world, "seq2seq tra") == ["train", "translate"]
    assert "--resume" in completed(world, "seq2seq train --re")
    assert completed(world, "seq2seq train --config de") == ["demo"]
    assert completed(world, "seq2seq translate --run runs/t") == ["runs/tiny"]
    assert completed(world, "seq2seq translate --run t") == ["tiny"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell_is_printed(shell: str, world: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from seq2seq.cli import main; main()"],
        cwd=world,
        env={**os.environ, "_SEQ2SEQ_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "_SEQ2SEQ_COMPLETE" in done.stdout
