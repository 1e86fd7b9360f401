"""A task -> the files of a corpus: training, validation and test sets, all of them apart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from seq2seq.bundled import bundled_recipe
from seq2seq.data.make.contract import Draws, Example, Task
from seq2seq.data.make.tasks import build_task, corpus_name
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing

_TRIES = 10_000  # draws in a row without anything new, after which there is nothing new


class Made(NamedTuple):
    """A made corpus: its folder, and the examples of each split."""

    folder: Path
    examples: dict[str, int]

    def __str__(self) -> str:
        """Return the folder, the examples of each split and what to do with them, as text."""
        rows = [str(self.folder)]
        rows += [f"  {split:<20} {count:>9,} examples" for split, count in self.examples.items()]
        for recipe in (f"tasks/{self.folder.name}", f"scenes/{self.folder.name}"):
            if bundled_recipe(Path(recipe)) and self.folder.parent == Path("corpora"):
                rows.append(f"  train on it with: seq2seq train --config {recipe}")
        return "\n".join(rows)


def make_corpus(
    kind: str,
    root: str | Path,
    *,
    name: str | None = None,
    pairs: int | None = None,
    held_out: int | None = None,
    seed: int = 1,
    **options: object,
) -> Made:
    """Make a task's corpus in `root`/`name`; its kind is its name, of stories with the facts.

    `pairs` are examples in train, `held_out` in valid and in each test set, by default as many as
    the task has. For each split there is NAME.src, NAME.tgt and NAME.align, whose links say which
    source word an answer's word stands for; where sources are files, NAME.image (or .array,
    .sound), which lists them, NAME.en and NAME.fr. No source comes twice, in one split or in two.
    The same options and seed give the same bytes on any machine. Raises UserError if the folder is
    there, if the options don't fit, or if there are not enough different examples.
    """
    if name is not None and (
        name in ("", "..") or Path(name).name != name or not name.isprintable()
    ):
        raise UserError(
            f"--name: expected the name of a new folder, found {name!r}; --into says where it goes"
        )
    task = build_task(kind, options)
    folder = Path(root) / (name or corpus_name(kind, task))
    if folder.exists():
        raise UserError(f"{folder}: there is such a folder; remove it, or give another --name")
    splits = {"test": task, "valid": task, **task.further(), "train": task}  # held out comes first
    building = folder.with_name(f".{folder.name}.making")
    counts, seen = {}, set[str]()
    try:
        with writing(folder):
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(parents=True)
            for split, own in splits.items():
                wanted = (pairs or task.pairs) if split == "train" else (held_out or task.held_out)
                counts[split] = wanted
                draws = Draws(seed, kind, split)
                own.write(building / split, list(_distinct(own, draws, wanted, seen, split)))
            os.replace(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    first = ("train", "valid", "test")
    return Made(folder, {split: counts[split] for split in (*first, *task.further())})


def _distinct(
    task: Task, draws: Draws, count: int, seen: set[str], split: str
) -> Iterator[Example]:
    """Yield `count` examples whose sources are not in `seen`, and put them there."""
    for number in range(count):
        for _ in range(_TRIES):
            length = draws.between(task.shortest, task.longest)
            example = task.example(draws, length)
            if example.source not in seen:
                break
        else:
            raise UserError(
                f"data make: found only {number:,} different examples for {split}, where {count:,} "
                f"were wanted: ask for fewer, or for longer ones with --longest"
            )
        seen.add(example.source)
        yield example
