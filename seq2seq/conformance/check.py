"""Every law and every toy task on attention units, one verdict at a time.

What is checked is a subject: a unit with softmax, or an addressing over the unit `general`.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from seq2seq.config import AttentionConfig, load_config
from seq2seq.conformance.laws import LAWS, Case, Law, build
from seq2seq.conformance.toys import TASKS, Learnt, learn
from seq2seq.errors import UserError, did_you_mean
from seq2seq.extension import load_code
from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS

DECODERS: tuple[dict[str, Any], ...] = (
    {"kind": "luong"},
    {"kind": "luong", "input_feeding": True},
    {"kind": "bahdanau"},
    {"kind": "conditional"},
)
"""The decoders that a law must hold with."""

_PREFIX = "model.attention."


class Subject(NamedTuple):
    """What is checked: the name it is registered by, and the attention that has it."""

    name: str
    attention: AttentionConfig
    file: Path | None = None
    """The user's file that defines it, whose line is told where it fails."""

    def __str__(self) -> str:
        kind = self.attention.kind
        return self.name if self.name == kind else f"{self.name} (addressing, over {kind})"

    def as_dict(self) -> dict[str, Any]:
        """Return its name and the attention that is checked, as in a configuration."""
        return {"name": self.name, "attention": self.attention.model_dump()}


class Verdict(NamedTuple):
    """Whether a law holds, else why not, in one line."""

    law: str
    passed: bool
    reason: str = ""

    def __str__(self) -> str:
        return f"PASS  {self.law}" if self.passed else f"FAIL  {self.law}: {self.reason}"


# --- what is checked ------------------------------------------------------------------------------


def find_subjects(
    file: Path | None = None, names: Sequence[str] = (), overrides: Sequence[str] = ()
) -> list[Subject]:
    """Return what to check: of `file` what it registers, or those of `names`.

    `overrides` are settings `model.attention.KEY=VALUE` of all of them. Raises UserError for a
    file that registers nothing, an unknown name, or settings that a unit doesn't take.
    """
    _check_overrides(overrides)
    registered = _registered_by(file) if file else []
    if file and not registered:
        raise UserError(
            f"{file}: registers no unit: expected a line like ATTENTIONS['mine'] = Mine"
        )
    if not (file or names):
        raise UserError("attention check: name a file, or a unit with --unit")
    _check_names(names)
    subjects = []
    for name in names or registered:
        for kinds, keys in _TABLES:
            if name in kinds:
                settings = [key.format(name) for key in keys]
                config = load_config(None, [*settings, *overrides]).model.attention
                subjects.append(Subject(name, config, file if name in registered else None))
    for subject in subjects:
        _check_options(subject)
    return subjects


_TABLES: tuple[tuple[Mapping[str, type[nn.Module]], tuple[str, ...]], ...] = (
    (ATTENTIONS, ("model.attention.kind={}",)),
    (ADDRESSINGS, ("model.attention.kind=general", "model.attention.addressing.kind={}")),
)
"""Where names are looked up, and the settings that make a subject of one."""


def _registered_by(file: Path) -> list[str]:
    """Load `file`; return the names under which it registers anything, as it stands now."""
    before = [dict(kinds) for kinds, _ in _TABLES]
    load_code([file])
    return [
        name
        for (kinds, _), known in zip(_TABLES, before, strict=True)
        for name, kind in kinds.items()
        if known.get(name) is not kind
    ]


def _check_overrides(overrides: Sequence[str]) -> None:
    for override in overrides:
        if not override.startswith(_PREFIX):
            raise UserError(
                f"{override!r}: expected {_PREFIX}KEY=VALUE; the network around it is given"
            )


def _check_names(names: Sequence[str]) -> None:
    known = [name for kinds, _ in _TABLES for name in kinds]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UserError(f"--unit: expected one of {', '.join(known)}, found {name!r}{hint}")


def _check_options(subject: Subject) -> None:
    """Refuse settings that the unit doesn't take; whatever else is wrong with it is a verdict."""
    try:
        build(_cases(subject)[0])
    except UserError:
        raise
    except Exception:  # the first verdict tells of it
        return


# --- verdicts -------------------------------------------------------------------------------------


def check(subject: Subject, *, toys: bool = True) -> Iterator[Verdict | Learnt]:
    """Yield a verdict on each law, then what became of each toy task unless `toys` is False.

    Of a unit that can't be built, that is the only verdict.
    """
    built = judge(_can_be_built, subject)
    if not built.passed:
        yield built
        return
    yield from (judge(law, subject) for law in LAWS)
    if toys:
        yield from (_learn(task, subject) for task in TASKS)


def is_failure(result: Verdict | Learnt, *, strict: bool = False) -> bool:
    """Return whether a result fails its subject; a task that is not learnt does if `strict`."""
    return not result.passed if isinstance(result, Verdict) else strict and not result.learnt


def as_dict(results: Sequence[Verdict | Learnt]) -> dict[str, list[dict[str, Any]]]:
    """Return results as plain values: `laws`, and `toys` that were learnt or missed."""
    return {
        "laws": [result._asdict() for result in results if isinstance(result, Verdict)],
        "toys": [
            {**result._asdict(), "learnt": result.learnt}
            for result in results
            if isinstance(result, Learnt)
        ],
    }


def judge(law: Law, subject: Subject) -> Verdict:
    """Return whether `law` holds with every decoder; an exception of the unit breaks it."""
    name = law.__name__.strip("_").replace("_", " ")
    for case in _cases(subject):
        try:
            with torch.random.fork_rng([]):
                law(case)
        except Exception as error:
            decoder = case.decoder["kind"]
            if case.decoder.get("input_feeding"):
                decoder += " with input feeding"
            return Verdict(name, False, f"{_reason(error, subject.file)} (decoder {decoder})")
    return Verdict(name, True)


def _can_be_built(case: Case) -> None:
    build(case)


def _learn(task: str, subject: Subject) -> Verdict | Learnt:
    try:
        with torch.random.fork_rng([]):
            return learn(task, subject.attention)
    except Exception as error:
        return Verdict(task, False, _reason(error, subject.file))


def _cases(subject: Subject) -> list[Case]:
    return [Case(subject.attention.model_dump(), decoder) for decoder in DECODERS]


def _reason(error: Exception, file: Path | None) -> str:
    """A law's sentence; of another exception its type, message and line in the user's file."""
    place = _place(error, file)
    if isinstance(error, AssertionError) and str(error) and not place:
        return str(error)
    return traceback.format_exception_only(error)[-1].partition("\n")[0] + place


def _place(error: Exception, file: Path | None) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if file is not None and Path(frame.filename) == file.resolve()
    ]
    return f" at {file.name}:{lines[-1]}" if file and lines else ""


# --- what there is --------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A unit or an addressing: its name, its options with their defaults, and what it says."""

    name: str
    options: dict[str, Any]
    summary: str


def entries(kinds: Mapping[str, type[nn.Module]]) -> list[Entry]:
    """Return what is registered in `ATTENTIONS` or `ADDRESSINGS`, in its order."""
    return [
        Entry(
            name,
            {
                parameter.name: None if parameter.default is parameter.empty else parameter.default
                for parameter in inspect.signature(kind).parameters.values()
                if parameter.kind is parameter.KEYWORD_ONLY
            },
            (inspect.getdoc(kind) or "").partition("\n")[0],
        )
        for name, kind in kinds.items()
    ]
