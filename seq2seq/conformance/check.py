"""Every law and every toy task on the parts of a model, one verdict at a time.

What is checked is a subject: an attention unit with softmax, an addressing over the unit `general`,
a cell, an encoder or a decoder, each in networks with every part that it may meet.
"""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seq2seq.config import AttentionConfig, ModelConfig, load_config
from seq2seq.conformance.laws import LAWS, Case, Law, build
from seq2seq.conformance.toys import TASKS, Learnt, learn
from seq2seq.errors import UserError, did_you_mean
from seq2seq.extension import load_code
from seq2seq.kinds import (
    ADDRESSINGS,
    ATTENTIONS,
    CELLS,
    DECODERS,
    ENCODERS,
    option_names,
    options_of,
)

Settings = dict[str, Any]


def _all_decoders() -> list[Settings]:
    return [*({"kind": kind} for kind in DECODERS), {"kind": "luong", "input_feeding": True}]


def _around_unit(model: ModelConfig) -> list[Case]:
    """With every decoder."""
    return [Case(model.attention.model_dump(), decoder) for decoder in _all_decoders()]


def _around_cell(model: ModelConfig) -> list[Case]:
    """In every decoder that has cells, and in the encoder; once its state is handed over."""
    cell = {"cell": model.decoder.cell.model_dump()}
    unit = model.attention.model_dump()
    handing_over = {"kind": "recurrent", "bidirectional": False, "size": 8, **cell}
    return [
        *(
            Case(unit, {**decoder, **cell}, cell)
            for decoder in _all_decoders()
            if "cell" in option_names(DECODERS[decoder["kind"]])
        ),
        Case(unit, {"kind": "luong", "bridge": "state", **cell}, handing_over),
    ]


def _around_encoder(model: ModelConfig) -> list[Case]:
    """Before every decoder."""
    encoder, unit = _wishes(model.encoder), model.attention.model_dump()
    return [Case(unit, decoder, encoder) for decoder in _all_decoders()]


def _around_decoder(model: ModelConfig) -> list[Case]:
    """With units whose steps stand alone, units whose steps don't, and none."""
    units = ("general", "additive", "location-aware", "none")
    return [Case({"kind": unit}, _wishes(model.decoder)) for unit in units]


def _wishes(part: Any) -> Settings:
    """What somebody has set of a part, its kind always."""
    return {**part.model_dump(exclude_defaults=True), "kind": part.kind}


class Place(NamedTuple):
    """Where in a model a part of one table stands."""

    name: str
    kinds: Mapping[str, type]
    settings: tuple[str, ...]
    """What makes a network with the part, `{}` its kind."""
    prefixes: tuple[str, ...]
    """What the keys of its own settings begin with."""
    cases: Callable[[ModelConfig], list[Case]]
    """The networks that the laws must hold for."""


_GENERAL = "model.attention.kind=general"
_UNIT_KEYS, _CELL_KEYS = ("model.attention.",), ("model.decoder.cell.", "model.encoder.cell.")
PLACES = (
    Place("unit", ATTENTIONS, ("model.attention.kind={}",), _UNIT_KEYS, _around_unit),
    Place(
        "addressing",
        ADDRESSINGS,
        (_GENERAL, "model.attention.addressing.kind={}"),
        _UNIT_KEYS,
        _around_unit,
    ),
    Place(
        "cell",
        CELLS,
        (_GENERAL, "model.decoder.cell.kind={}", "model.encoder.cell.kind={}"),
        _CELL_KEYS,
        _around_cell,
    ),
    Place(
        "encoder",
        ENCODERS,
        (_GENERAL, "model.encoder.kind={}"),
        ("model.encoder.",),
        _around_encoder,
    ),
    Place(
        "decoder",
        DECODERS,
        (_GENERAL, "model.decoder.kind={}"),
        ("model.decoder.",),
        _around_decoder,
    ),
)


class Subject(NamedTuple):
    """What is checked: the name it is registered by, and a model that has it."""

    name: str
    place: Place
    model: ModelConfig
    file: Path | None = None
    """The user's file that defines it, whose line is told where it fails."""

    @property
    def attention(self) -> AttentionConfig:
        """The unit of the model, with its addressing."""
        return self.model.attention

    def cases(self) -> list[Case]:
        """Return the networks that the laws must hold for."""
        return self.place.cases(self.model)

    def __str__(self) -> str:
        if self.place.name == "unit":
            return self.name
        over = f", over {self.attention.kind}" if self.place.name == "addressing" else ""
        return f"{self.name} ({self.place.name}{over})"

    def as_dict(self) -> dict[str, Any]:
        """Return its name, what it is, and the attention it was checked with."""
        return {
            "name": self.name,
            "part": self.place.name,
            "attention": self.attention.model_dump(),
        }


class Verdict(NamedTuple):
    """Whether a law holds, else why not, in one line."""

    law: str
    passed: bool
    reason: str = ""

    def __str__(self) -> str:
        return f"PASS  {self.law}" if self.passed else f"FAIL  {self.law}: {self.reason}"


# --- what is checked ------------------------------------------------------------------------------


def find_subjects(
    file: Path | None = None,
    names: Mapping[str, Sequence[str]] | Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> list[Subject]:
    """Return what to check: of `file` what it registers, or what is named.

    `names` are those of units and addressings, or of parts by what they are: `{"cell": ["gru"]}`;
    `overrides` are settings of all of them, such as `model.attention.KEY=VALUE`. Raises UserError
    for a file that registers nothing, an unknown name, or settings that a part doesn't take.
    """
    named = names if isinstance(names, Mapping) else {"unit": names}
    registered = _registered_by(file) if file else []
    if file and not registered:
        raise UserError(
            f"{file}: registers no part: expected a line like ATTENTIONS['mine'] = Mine"
        )
    wanted = [pair for part, given in named.items() for pair in _named(part, given)]
    if not (file or wanted):
        raise UserError("check: name a file, or a unit with --unit")
    subjects = []
    for place, name in wanted or registered:
        _check_overrides(overrides, place)
        settings = [setting.format(name) for setting in place.settings]
        model = load_config(None, [*settings, *overrides]).model
        own = file if (place, name) in registered else None
        subjects.append(Subject(name, place, model, own))
    for subject in subjects:
        _check_options(subject)
    return subjects


def _registered_by(file: Path) -> list[tuple[Place, str]]:
    """Load `file`; return where and under which names it registers anything, as it stands now."""
    before = [dict(place.kinds) for place in PLACES]
    load_code([file], level=logging.DEBUG)  # whoever names it knows that it runs
    return [
        (place, name)
        for place, known in zip(PLACES, before, strict=True)
        for name, kind in place.kinds.items()
        if known.get(name) is not kind
    ]


def _named(part: str, names: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Yield the place of each name given by the option `--PART`; a unit may be an addressing."""
    places = [place for place in PLACES if place.name in (part, _ALSO.get(part))]
    known = [name for place in places for name in place.kinds]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UserError(f"--{part}: expected one of {', '.join(known)}, found {name!r}{hint}")
        yield from ((place, name) for place in places if name in place.kinds)


_ALSO = {"unit": "addressing"}


def _check_overrides(overrides: Sequence[str], place: Place) -> None:
    for override in overrides:
        if not override.startswith(place.prefixes):
            raise UserError(
                f"{override!r}: expected {place.prefixes[0]}KEY=VALUE; only settings of the "
                f"{place.name} can be changed"
            )


def _check_options(subject: Subject) -> None:
    """Refuse settings that the part doesn't take; whatever else is wrong with it is a verdict."""
    try:
        build(subject.cases()[0])
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
    """Return whether `law` holds in every network; an exception of the part breaks it."""
    name = law.__name__.strip("_").replace("_", " ")
    for case in subject.cases():
        try:
            with torch.random.fork_rng([]):
                law(case)
        except Exception as error:
            return Verdict(
                name, False, f"{_reason(error, subject.file)} ({_around(case, subject)})"
            )
    return Verdict(name, True)


def _around(case: Case, subject: Subject) -> str:
    """What stands around the part in this network."""
    if subject.place.name == "decoder":
        return f"unit {case.attention['kind']}"
    feeding = " with input feeding" if case.decoder.get("input_feeding") else ""
    continuing = " with bridge state" if case.decoder.get("bridge") == "state" else ""
    return f"decoder {case.decoder['kind']}{feeding}{continuing}"


def _can_be_built(case: Case) -> None:
    build(case)


def _learn(task: str, subject: Subject) -> Verdict | Learnt:
    try:
        with torch.random.fork_rng([]):
            return learn(task, subject.cases()[0])
    except Exception as error:
        return Verdict(task, False, _reason(error, subject.file))


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
    """A kind: its name, its options with their defaults, and what it says."""

    name: str
    options: dict[str, Any]
    summary: str


def entries(kinds: Mapping[str, type]) -> list[Entry]:
    """Return what is registered in one of the tables of kinds, in its order."""
    return [
        Entry(
            name,
            {
                option.name: None if option.default is option.empty else option.default
                for option in options_of(kind)
            },
            (inspect.getdoc(kind) or "").partition("\n")[0],
        )
        for name, kind in kinds.items()
    ]
