"""The request to train on a corpus: its files, its languages, the time."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from seq2seq.bundled import bundled_recipe
from seq2seq.config import Config, load_config, overridden
from seq2seq.data.corpus import Columns, Pair, check_columns, find_corpus, without_endings
from seq2seq.data.pairs import one_line
from seq2seq.data.readers.streams import STANDARD
from seq2seq.errors import UserError
from seq2seq.planning.languages import UNKNOWN, languages_inside, languages_of, name_of


class Text(Protocol):
    """What `find_corpus` returns."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, as it stands."""


@dataclass(frozen=True)
class Request:
    """A corpus to train on, and what the user says about it; the plan chooses where it is None."""

    corpus: tuple[str, ...]
    """One or more paths, as `find_corpus` takes them."""
    source: str | None = None
    target: str | None = None
    minutes: float | None = None
    init: str | None = None
    """Run directory to start from."""
    overrides: tuple[str, ...] = ()
    """KEY=VALUE, laid over the plan."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise UserError(f"--minutes: expected a number above 0, found {self.minutes:g}")
        for side, said in (("source", self.source), ("target", self.target)):
            given = self.given.get(f"data.{side}", said)
            if said not in (None, given):
                raise UserError(
                    f"--{side} {said} contradicts data.{side}={given}; give one of them"
                )
        for language in self.languages:
            if not re.fullmatch(r"[\w-]+", language):
                raise UserError(f"expected a language code such as fr or pt-BR, found {language!r}")
        if self.languages[0] == self.languages[1]:
            raise UserError(
                f"--source, --target: expected two languages, found {self.languages[0]!r} twice"
            )
        if self.init is not None and "init" in self.given:
            raise UserError(f"give --init {self.init} or init={self.given['init']}, not both")
        if "data.train" in self.given:
            raise UserError(
                f"data.train: the corpus is already given as {self.corpus[0]}; leave one out"
            )

    @property
    def said(self) -> tuple[str | None, str | None]:
        """The languages that the user gave; None for one that was not given."""
        given = (self.given.get(f"data.{side}") for side in ("source", "target"))
        source, target = (None if value is None else str(value) for value in given)
        return self.source or source, self.target or target

    @cached_property
    def languages(self) -> tuple[str, str]:
        """The languages: given, or else found in names, header or text, or else UNKNOWN."""
        source, target = self.said
        if source and target:
            return source, target
        found = languages_of(self.corpus) or languages_inside(self.spec, self.columns) or UNKNOWN
        return source or found[0], target or found[1]

    @property
    def columns(self) -> Columns | None:
        """The columns of the corpus, if it is a table and they were given."""
        return self.only("data.columns").data.columns

    @property
    def settings(self) -> tuple[str, ...]:
        """The overrides that are laid over the plan.

        `data.columns` are those of the corpus, of which the plan has files of one side; and of a
        validation table if there is one.
        """
        kept = "data.valid" in self.given
        return tuple(o for o in self.overrides if kept or o.partition("=")[0] != "data.columns")

    @property
    def name(self) -> str:
        """The name of the run, unless another one is given."""
        return name_of(self.corpus, self.languages)

    @property
    def spec(self) -> str | list[str]:
        """The corpus, as a configuration would name it."""
        return self.corpus[0] if len(self.corpus) == 1 else list(self.corpus)

    @cached_property
    def given(self) -> dict[str, Any]:
        """The settings that the user chose, and the plan does not."""
        return overridden(self.overrides)

    def only(self, key: str) -> Config:
        """Return the configuration that the override of `key`, if there is one, gives alone."""
        return load_config(None, [o for o in self.overrides if o.partition("=")[0] == key])

    def command(self, verb: str) -> str:
        """The command that the user typed, with its options in a fixed order."""
        options = {"source": self.source, "target": self.target, "init": self.init}
        said = [[f"--{name}", value] for name, value in options.items() if value is not None]
        said += [] if self.minutes is None else [["--minutes", f"{self.minutes:g}"]]
        words = ["seq2seq", verb, *self.corpus, *chain(*said), *self.overrides]
        return one_line(shlex.join(words))


def open_corpus(request: Request) -> Text:
    """Return the corpus; UserError, with what was perhaps meant, if there is none."""
    (first, *others) = request.corpus
    if STANDARD in map(Path, request.corpus):
        raise UserError("-: cannot train on standard input; give the name of a file")
    if others == [first] and without_endings(first) == Path(first):
        raise UserError(f"{first}: expected a file for each language, found one file twice")
    if not others and not Path(first).exists():
        if "." in first and first.split(".")[0] in Config.model_fields:
            raise UserError(f"{first!r}: expected key=value, for example model.dropout=0.3")
        if bundled_recipe(Path(first)):
            raise UserError(
                f"{first}: no such corpus; to train the bundled recipe, give --config {first}"
            )
    if not others and not Path(first).is_file():
        _check_prefix(first, request)
    if not others and Path(first).suffix in (".yaml", ".yml"):
        raise UserError(
            f"{first}: expected a corpus, found a configuration; give it as --config {first}"
        )
    try:
        corpus = find_corpus(request.spec, *request.languages, request.columns)
    except UserError as error:
        if request.languages != UNKNOWN or Path(first).suffix or request.columns:
            raise  # the languages do not change which files are read
        raise UserError(f"{error}; give the languages with --source and --target") from None
    check_columns(request.columns, corpus)
    return corpus


def _check_prefix(prefix: str, request: Request) -> None:
    """Ask which language is which where `prefix` alone stands for two files, or is a folder."""
    path = Path(prefix)
    beside = sorted(p.name for p in path.parent.glob(f"{path.name}.*") if path.name)
    if beside and request.languages == UNKNOWN:
        raise UserError(
            f"{prefix}: expected the languages of its files ({', '.join(beside)}); give them with "
            "--source and --target, or name both files"
        )
    if path.is_dir() and request.languages == UNKNOWN:
        raise UserError(f"{prefix}: expected a corpus, found a folder; name a file in it")
