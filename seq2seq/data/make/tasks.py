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
        "scenes": "scenes.Scenes",
        "clips": "clips.Clips",
        "tones": "tones.Tones",
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


CORPORA: dict[str, tuple[str, dict[str, Any]]] = {
    "copy": ("copy", {}),
    "repeat-copy": ("repeat-copy", {}),
    "recall": ("recall", {}),
    "retrieval": ("retrieval", {}),
    "retrieval-joined-rewrite": (
        "retrieval",
        {
            "joined": True,
            "rewrite": True,
            "keys": 20,
            "shortest": 20,
            "longest": 20,
            "beyond": (40,),
        },
    ),
    "stories-1": ("stories", {"facts": 1}),
    "stories-2": ("stories", {"facts": 2}),
    "stories-3": ("stories", {"facts": 3}),
    "scenes": ("scenes", {}),
    "clips": ("clips", {}),
    "tones": ("tones", {}),
}
"""The corpora that the recipes read: name -> kind of task and options."""


def corpus_name(kind: str, task: Task) -> str:
    """Return what a task's folder is called unless the user says: `copy`, or `stories-3`."""
    return "-".join(filter(None, (kind, task.name)))


def command_for(name: str) -> str | None:
    """Return the command that makes the corpus called `name`; None if no recipe reads one."""
    if name not in CORPORA:
        return None
    kind, options = CORPORA[name]
    words = ["seq2seq data make", kind]
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        values = value if isinstance(value, tuple) else (value,)
        words += [flag] if value is True else [f"{flag} {each}" for each in values]
    return " ".join(words)


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
