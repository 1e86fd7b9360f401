"""One corpus -> train, valid and test, no two of which share a sentence of either side."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from seq2seq.data.text import clean_source
from seq2seq.machine.disk import write_lines

HELD_OUT = 2000
"""Sources in valid and in test, each, of a standard corpus; a twentieth of a smaller one."""

FURTHER = ".refs.jsonl"
"""Ending of the file beside a held-out set that has every translation of its sources."""

Pairs = list[tuple[str, str]]


def split_pairs(
    pairs: Iterable[tuple[str, str]], *, held_out: int | None = None, seed: int | None = None
) -> dict[str, Pairs]:
    """Return train, valid and test; `held_out` is the number of sources in valid and in test.

    Sentences are alike if their words are, whatever the case and punctuation. Pairs that share a
    sentence, directly or through others, form a family; families are drawn for test and valid in
    the order of a hash, so the same pairs and seed always give the same splits. A family larger
    than `held_out` is trained on. Train keeps every translation of a source; valid and test have
    each source once, with its first translation; `write_splits` keeps the others beside them.
    """
    unique = list(dict.fromkeys(pairs))
    families = _families(unique)
    held_out = min(HELD_OUT, len(unique) // 20) if held_out is None else held_out
    splits: dict[str, Pairs] = {"train": [], "valid": [], "test": []}
    place: dict[int, str] = {}
    room = {"test": held_out, "valid": held_out}
    for family, sources in sorted(families.sources.items(), key=lambda item: _order(item[1], seed)):
        place[family] = "train"
        if len(sources) <= held_out:
            place[family] = next((split for split, left in room.items() if left > 0), "train")
        if place[family] != "train":
            room[place[family]] -= len(sources)
    seen: set[str] = set()
    for pair, family in zip(unique, families.of_pair, strict=True):
        source = words_alone(pair[0])
        if place[family] == "train" or source not in seen:
            splits[place[family]].append(pair)
            seen.add(source)
    return splits


def write_splits(
    splits: Mapping[str, Pairs], pairs: Pairs, folder: Path, languages: tuple[str, str]
) -> None:
    """Write the two sides of each split of `pairs` to files in `folder`: train.en and so on.

    If a source that is held out has several translations, all are in valid.refs.jsonl or
    test.refs.jsonl, as `evaluate --reference` reads them.
    """
    for split, chosen in splits.items():
        for side, language in enumerate(languages):
            write_lines(folder / f"{split}.{language}", (pair[side] for pair in chosen))
        if split != "train":
            _write_further(folder / f"{split}{FURTHER}", chosen, pairs, languages[1])


def _write_further(file: Path, chosen: Pairs, pairs: Pairs, language: str) -> None:
    """Write every translation of what is held out; no file, nor an older one, if each has one."""
    known: dict[str, dict[str, None]] = {source: {} for source, _ in chosen}
    for source, target in pairs:
        if source in known:
            known[source][target] = None
    file.unlink(missing_ok=True)
    if any(len(targets) > 1 for targets in known.values()):
        rows = ({language: list(known[source])} for source, _ in chosen)
        write_lines(file, (json.dumps(row, ensure_ascii=False) for row in rows))


class _Families(NamedTuple):
    of_pair: list[int]
    sources: dict[int, set[str]]


def _families(pairs: Pairs) -> _Families:
    """Number the connected parts of the graph whose edges are the pairs (union-find)."""
    parent = list(range(len(pairs)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    first: dict[tuple[int, str], int] = {}
    for index, pair in enumerate(pairs):
        for side, text in enumerate(pair):
            parent[root(index)] = root(first.setdefault((side, words_alone(text)), index))
    of_pair = [root(index) for index in range(len(pairs))]
    sources: defaultdict[int, set[str]] = defaultdict(set)
    for pair, family in zip(pairs, of_pair, strict=True):
        sources[family].add(words_alone(pair[0]))
    return _Families(of_pair, sources)


class _Letters(dict[int, str]):
    """Character -> itself if letters, marks and digits are wanted and it is one, else a space."""

    def __missing__(self, code: int) -> str:
        kept = unicodedata.category(chr(code))[0] in "LMN"
        self[code] = chr(code) if kept else " "
        return self[code]


_LETTERS = _Letters()


def words_alone(text: str) -> str:
    """Return `text` without case, punctuation and the way its characters are composed."""
    plain = clean_source(text).casefold()
    return " ".join(plain.translate(_LETTERS).split()) or text


def _order(sources: set[str], seed: int | None) -> str:
    """A place in an order that has nothing to do with the text, and is always the same."""
    text = min(sources) if seed is None else f"{seed}\n{min(sources)}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
