"""The tasks that `seq2seq data make` knows, and one of them from its name and options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from seq2seq.data.make.contract import Task
from seq2seq.errors import UserError, did_you_mean
from seq2seq.kinds import KindTable, option_names

TASKS: KindTable[type[Task]] = KindTable(
    "seq2seq.data.make",
    {
        "copy": "copy.Copy",
        "repeat-copy": "repeat_copy.RepeatCopy",
        "recall": "recall.Recall",
        "retrieval": "retrieval.Retrieval",
        "stories": "stories.Stories",
    },
)


def build_task(kind: str, options: Mapping[str, Any]) -> Task:
    """Return the task of this kind with these options, by the names of its fields.

    Raises UserError for an unknown kind, an option of another kind, and options that don't go
    together.
    """
    if kind not in TASKS:
        raise UserError(
            f"data make: expected one of {', '.join(TASKS)}, found {kind!r}"
            f"{did_you_mean(kind, TASKS)}"
        )
    taken = option_names(TASKS[kind])
    for name in options:
        if name not in taken:
            owners = [other for other in TASKS if name in option_names(TASKS[other])]
            raise UserError(
                f"--{name.replace('_', '-')}: belongs to {' or '.join(owners)}, and the task is "
                f"{kind}"
            )
    task = TASKS[kind](**options)
    if "beyond" not in options:  # a default that training reaches is no longer beyond it
        task = replace(task, beyond=tuple(n for n in task.beyond if n > task.longest))
    task.check()
    return task


def corpus_name(kind: str, task: Task) -> str:
    """Return the name of a task's folder: `copy`, or `stories-3`."""
    return "-".join(filter(None, (kind, task.name)))


def command_for(name: str) -> str | None:
    """Return the command that makes the corpus called `name`; None if no task is called so."""
    if name in TASKS:
        return f"seq2seq data make {name}"
    kind, _, facts = name.partition("-")
    if kind == "stories" and facts in ("1", "2", "3"):
        return f"seq2seq data make {kind} --facts {facts}"
    return None


def render_tasks() -> str:
    """Return the list of tasks as text: name, options with their defaults, what it asks for."""
    rows = []
    for kind, task in TASKS.items():
        says = (inspect.getdoc(task) or "").partition("\n")[0]
        defaults = (
            f"--{field.name.replace('_', '-')} {_shown(field.default)}" for field in fields(task)
        )
        rows += [f"{kind:<12} {says}", f"{'':<12} {' '.join(defaults)}"]
    return "\n".join(rows)


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
