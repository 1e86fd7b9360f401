"""Patterns with `*`, `?` or `[...]` -> the files that match, part-2 before part-10."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from os.path import expanduser, realpath
from pathlib import Path
from typing import TypeAlias

from seq2seq.errors import UserError

Spec: TypeAlias = str | Sequence[str | Sequence[str]]

_WILDCARD = re.compile(r"(\*+|\?|\[[^\]]+\])")


def is_pattern(name: str) -> bool:
    """Whether `name` stands for the files that match it; one that is there stands for itself."""
    return glob.has_magic(name) and not Path(expanduser(name)).exists()


def has_pattern(spec: Spec) -> bool:
    """Whether a pattern is among the names of a corpus."""
    return any(map(is_pattern, _names_in(spec)))


def in_order(names: Iterator[str] | Sequence[str]) -> list[str]:
    """Return `names` sorted, the numbers in them by their value."""
    return sorted(names, key=_natural)


def matching(pattern: str) -> list[str]:
    """Return the files and folders that match, in order; none if there are none."""
    return in_order(glob.glob(expanduser(pattern)))


def matching_pairs(source: str, target: str) -> list[tuple[str, str]]:
    """Return the files that match two patterns, in order, each with its counterpart.

    Counterparts have the same text where the patterns have `*`, `?` or `[...]`. Raises UserError if
    a file has none.
    """
    for pattern, other in ((source, target), (target, source)):
        if not is_pattern(pattern):
            raise UserError(
                f"[{source}, {target}]: {other} stands for several files and {pattern} for one; "
                "expected a pattern on both sides"
            )
    sources, targets = _by_wildcards(source), _by_wildcards(target)
    for side, opposite in ((sources, targets), (targets, sources)):
        lone = next((name for wildcards, name in side.items() if wildcards not in opposite), None)
        if lone is not None:
            raise UserError(
                f"[{source}, {target}]: {lone} has no counterpart ({len(sources)} source and "
                f"{len(targets)} target files); expected the same text for * in both names"
            )
    return [(name, targets[wildcards]) for wildcards, name in sources.items()]


def check_apart(specs: Mapping[str, Spec], files: Mapping[str, Sequence[Path]]) -> None:
    """Raise UserError if a pattern in one of the `specs` matches a file of another one.

    `specs` are corpora, and `files` what each is read from, by the setting that names them.
    """
    resolved = {key: {realpath(file) for file in paths} for key, paths in files.items()}
    for one, other in combinations(resolved, 2):
        for key, against in ((one, other), (other, one)):
            pattern = next(filter(is_pattern, _names_in(specs[key])), None)
            shared = [file for file in files[against] if realpath(file) in resolved[key]]
            if pattern is not None and shared:
                raise UserError(
                    f"{key}: {pattern} matches {shared[0]}, which is {against} too; narrow the "
                    "pattern, or move the file to another folder"
                )


def _names_in(spec: Spec) -> Iterator[str]:
    if isinstance(spec, str):
        yield spec
        return
    for item in spec:
        yield from _names_in(item)


def _by_wildcards(pattern: str) -> dict[tuple[str, ...], str]:
    """The files that match, by the text that each wildcard stands for."""
    literal, *rest = _WILDCARD.split(expanduser(pattern))
    expression = re.escape(literal)
    for wildcard, literal in zip(rest[::2], rest[1::2], strict=True):
        expression += ("(.)" if wildcard[0] in "?[" else "(.*)") + re.escape(literal)
    named = {}
    for name in matching(pattern):
        match = re.fullmatch(expression, name, re.DOTALL)
        named[match.groups() if match else (name,)] = name
    if not named:
        raise UserError(f"{pattern}: no such files")
    return named


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]
