"""Who takes part in a comparison: recipes that are trained, runs, files of translations.

A system is what its members have in common: models of one recipe with different seeds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.bundled import bundled_recipe, find_recipe
from seq2seq.config import Config, load_config, parse_value
from seq2seq.errors import UserError, did_you_mean
from seq2seq.runs.finding import is_run, run_folder
from seq2seq.runs.run import Run

UNIT, SEEDS = "model.attention", 3
_LIMITS = ("max_steps", "max_epochs", "max_minutes", "patience")


def name_of(system: str, seed: int | None) -> str:
    """Return what a model of a system is called; translations have no seed."""
    return system if seed is None else f"{system}, seed {seed}"


class Member(NamedTuple):
    """One model of a system, or its translations."""

    system: str
    seed: int | None
    """None of a file of translations."""
    path: Path
    """A run directory, or a file with a translation a line."""
    config: Config | None = None
    """What it is trained by; None of what was there before."""

    @property
    def name(self) -> str:
        """The system, and the seed that tells it from the system's others."""
        return name_of(self.system, self.seed)

    @property
    def settings(self) -> Config | None:
        """What it is or was trained by; None of a file of translations."""
        if self.config is None and self.is_run:
            return Run.open(self.path).config
        return self.config

    @property
    def is_run(self) -> bool:
        """Whether it is a model, and not only its translations."""
        return self.seed is not None


class Grid(NamedTuple):
    """What each recipe is trained with."""

    seeds: int | None
    """The seeds 1 to this; None: to 3."""
    vary: Mapping[str, Sequence[Any]]
    """The values that each of these settings takes, in all combinations."""
    overrides: Sequence[str]
    """Settings that hold for all."""


def find_members(
    names: Sequence[str], grid: Grid, into: Path, *, trust_code: bool = False
) -> list[Member]:
    """Return the members that `names` mean, those to be trained with a folder under `into`.

    A name is a run directory, a recipe (`demo`, `mine.yaml`), a run under runs/, or a file of
    translations, whatever of these comes first. Runs of one name but for the seed at its end
    (`dot-1`, `dot-2`) are one system. Raises UserError where a name is none of these, or two
    members would be one. With `trust_code` the code of runs may be anybody's.
    """
    alone = sum(_is_recipe(name) for name in names) == 1
    found: list[Member] = []
    for name in names:
        if _is_recipe(name):
            found += _trials(Path(name), grid, into, alone=alone)
        else:
            found.append(_found(name, trust_code=trust_code))
    if not found:
        raise UserError("compare: expected recipes, runs or files of translations, found none")
    if not any(member.config for member in found) and any(grid):
        raise UserError(
            "compare: settings and --unit, --vary, --seeds are for recipes, and none is trained "
            "here"
        )
    seen: set[object] = set()
    for member in found:
        here: set[object] = {(member.system, member.seed), member.path}
        if here & seen:
            raise UserError(f"{member.path}: {member.name} is compared already; rename one of them")
        seen |= here
    return found


def choose_baseline(members: Sequence[Member], name: str | None) -> str:
    """Return the system that the others are held against; UserError if none has that name."""
    systems = list(dict.fromkeys(member.system for member in members))
    if name is not None and name not in systems:
        raise UserError(
            f"--baseline {name}: expected one of {', '.join(systems)}{did_you_mean(name, systems)}"
        )
    return name or systems[0]


def parse_vary(text: str) -> tuple[str, list[Any]]:
    """Return the setting and its values, of `KEY=[VALUE, VALUE]`; UserError if it isn't that."""
    key, _, values = text.partition("=")
    found = parse_value(values) if values else None
    if not key or not isinstance(found, list) or not found:
        raise UserError(
            f"--vary {text}: expected KEY=[VALUE, VALUE], for example model.dropout=[0.1, 0.3]"
        )
    return key, found


def unequal_budgets(members: Sequence[Member]) -> str:
    """Return in what the limits of the trainings differ, or an empty string."""
    budgets: dict[str, str] = {}
    for member in members:
        if (config := member.settings) is not None:
            training = config.training
            own = {name: getattr(training, name) for name in _LIMITS}
            text = ", ".join(f"{name} {value:g}" for name, value in own.items() if value)
            budgets.setdefault(text, member.system)
    if len(budgets) < 2:
        return ""
    return "; ".join(f"{system}: {text}" for text, system in budgets.items())


def _is_recipe(name: str) -> bool:
    path = Path(name)
    if is_run(path) or path.is_file():
        return path.suffix in (".yaml", ".yml")
    return bundled_recipe(path) is not None or path.suffix in (".yaml", ".yml")


def _found(name: str, *, trust_code: bool) -> Member:
    """A run, or a file of translations."""
    path = Path(name)
    if is_run(folder := run_folder(path)):
        run = Run.open(folder, trust_code=trust_code)
        seed = run.config.seed
        return Member(run.name.removesuffix(f"-{seed}"), seed, folder)
    if path.is_file():
        return Member(path.name, None, path)
    find_recipe(path)  # which says what is near
    raise UserError(f"{name}: no such recipe, run or file")


def _trials(path: Path, grid: Grid, into: Path, *, alone: bool) -> Iterator[Member]:
    recipe = path.with_suffix("").as_posix().removeprefix("configs/")
    for values in product(*grid.vary.values()):
        chosen = dict(zip(grid.vary, values, strict=True))
        labels = [_label(key, value) for key, value in chosen.items()]
        system = ", ".join(labels if alone and labels else [recipe, *labels])
        settings = [f"{key}={json.dumps(value)}" for key, value in chosen.items()]
        for seed in [None] if "seed" in chosen else range(1, 1 + (grid.seeds or SEEDS)):
            own = [] if seed is None else [f"seed={seed}"]
            if own and any(setting.startswith("seed=") for setting in grid.overrides):
                raise UserError("seed: --seeds says which there are, or --vary seed=[5]")
            config = load_config(find_recipe(path), [*settings, *grid.overrides, *own])
            folder = into / f"{_slug(system)}-{config.seed}"
            yield Member(system, config.seed, folder, config)


def _label(key: str, value: Any) -> str:
    """What a value of a setting is called: `dot`, `additive, size 128`, `dropout 0.3`."""
    if isinstance(value, dict):
        kind = [str(value["kind"])] if "kind" in value else []
        others = [_label(name, inner) for name, inner in value.items() if name != "kind"]
        return ", ".join(kind + others)
    text = "null" if value is None else str(value).lower() if value in (True, False) else str(value)
    return text if key in (UNIT, "addressing") else f"{key.rpartition('.')[2]} {text}"


def _slug(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-")
