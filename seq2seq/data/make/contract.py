"""What a made task is: sources and targets of a length, drawn from a seeded generator.

A symbol is a text without spaces that the tokenizer of kind `word` spells with one piece. Where
papers feed a network the bits of an item, here an item is one symbol: tokens are embedded, so that
the network learns the bits, or whatever tells items apart, itself.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from seq2seq.errors import UserError
from seq2seq.machine.disk import write_lines

Item = TypeVar("Item")

SIDES = ("src", "tgt")
"""The endings of the files of a task of text, which the recipes give as languages."""


class Draws:
    """Random choices that are the same on every machine and in every version of Python.

    Only `random()` of a Mersenne Twister is promised to stay as it is, so all else is made of it.
    """

    def __init__(self, *seed: object) -> None:
        text = "\n".join(map(str, seed))
        self._random = random.Random(int(hashlib.sha256(text.encode("utf-8")).hexdigest(), 16))

    def below(self, count: int) -> int:
        """Return a whole number from 0 to `count` - 1."""
        return int(self._random.random() * count)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def one(self, items: Sequence[Item]) -> Item:
        """Return one of `items`."""
        return items[self.below(len(items))]

    def several(self, count: int, items: Sequence[Item]) -> list[Item]:
        """Return `count` of `items`, none of them twice, in random order."""
        rest = list(items)
        for place in range(count):
            other = self.between(place, len(rest) - 1)
            rest[place], rest[other] = rest[other], rest[place]
        return rest[:count]


class Drawing(Protocol):
    """What a source file holds: a picture, a film, a recording."""

    @property
    def english(self) -> str:
        """What it is called in English."""

    @property
    def french(self) -> str:
        """What it is called in French."""


class Example(NamedTuple):
    """A source, its target, and which source word each target word stands for."""

    source: str
    target: str
    links: Sequence[tuple[int, int]]
    """(source word, target word), from 0: the gold that attention is compared with."""
    drawing: Drawing | None = None
    """Where the source becomes a file: what is in it; `source` says the same in words."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The contract of a task: a subclass gives `example`, and its options as fields."""

    unit: ClassVar[str]
    """What a length counts, for messages."""
    pairs: ClassVar[int] = 50_000
    """Training examples, by default."""
    held_out: ClassVar[int] = 1000
    """Examples in each other split, by default."""

    shortest: int
    longest: int
    beyond: tuple[int, ...]
    """The lengths of the test sets beyond those of training."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        if not 1 <= self.shortest <= self.longest:
            raise UserError(
                f"--shortest {self.shortest} --longest {self.longest}: expected 1 or more "
                f"{self.unit}, and no fewer at the longest"
            )
        if any(length <= self.longest for length in self.beyond):
            raise UserError(
                f"--beyond {' '.join(map(str, self.beyond))}: expected lengths above --longest "
                f"{self.longest}"
            )

    @property
    def name(self) -> str:
        """What its folder is called behind its kind: `3` of stories of three facts."""
        return ""

    def further(self) -> Mapping[str, Task]:
        """Return the test sets beyond training: the name of each, and the task that makes it."""
        return {
            f"test-{length}": replace(self, shortest=length, longest=length)
            for length in self.beyond
        }

    def example(self, draws: Draws, length: int) -> Example:
        """Return an example of this length, from `shortest` to `longest`."""
        raise NotImplementedError

    def write(self, prefix: Path, examples: Sequence[Example]) -> None:
        """Write the files of a split, PREFIX.src, PREFIX.tgt and PREFIX.align."""
        links = [" ".join(f"{source}-{target}" for source, target in e.links) for e in examples]
        source, target = SIDES
        columns = {
            source: [example.source for example in examples],
            target: [example.target for example in examples],
            "align": links,
        }
        for ending, lines in columns.items():
            write_lines(prefix.with_name(f"{prefix.name}.{ending}"), lines)


@cache
def bytes_of(count: int) -> Sequence[str]:
    """Return `count` symbols: numbers in hexadecimal, as many digits each (00 to ff of 256)."""
    digits = len(f"{count - 1:x}")
    return [f"{number:0{digits}x}" for number in range(count)]


def check_least(option: str, found: int, least: int) -> None:
    """Raise UserError if an option is less than it can be."""
    if found < least:
        raise UserError(f"--{option}: expected at least {least}, found {found}")
