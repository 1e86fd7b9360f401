"""From names to a comparison: who takes part, on what, trained, measured, written down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from seq2seq.compare.comparison import Comparison, compare
from seq2seq.compare.conditions import Texts, find_conditions
from seq2seq.compare.members import Grid, choose_baseline, find_members, unequal_budgets
from seq2seq.compare.trials import train_members
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.runs.files import write_text
from seq2seq.runs.finding import is_run

logger = logging.getLogger(__name__)

FOLDER = Path("runs/compare")


def compare_systems(
    names: Sequence[str],
    grid: Grid,
    texts: Texts,
    *,
    into: Path | None = None,
    jobs: int | None = None,
    baseline: str | None = None,
    samples: int = 0,
    examples: int = 3,
    trust_code: bool = False,
) -> Comparison:
    """Train those of the systems `names` that are recipes, measure all, and compare them.

    `into` is the folder of what is trained, by default runs/compare, and of comparison.md and
    comparison.csv; without it they are written only if something is trained. What can be found
    wrong is, as a UserError, before anything is trained.
    """
    folder = into or FOLDER
    if into:
        _check_free(into)
    members = find_members(names, grid, folder, trust_code=trust_code)
    choose_baseline(members, baseline)
    conditions = find_conditions(members, texts)
    if differ := unequal_budgets(members):
        logger.warning("the budgets are not equal: %s", differ)
    trained = any(member.config for member in members)
    if jobs is not None and not trained:
        raise UserError("compare: --jobs is for recipes, and none is trained here")
    train_members(members, jobs=jobs or 1, trust_code=trust_code)
    comparison = compare(
        members,
        conditions,
        baseline=baseline,
        keep=folder / "figures" if trained or into else None,
        samples=samples,
        examples=examples,
    )
    if trained or into:
        _write(comparison, folder)
    return comparison


def _check_free(into: Path) -> None:
    """Raise UserError where the tables would be written over something else, or into a run."""
    if is_run(into):
        raise UserError(f"{into}: is a run; give another folder with --into")
    for name, start in (("comparison.md", "| system |"), ("comparison.csv", "system,")):
        file = into / name
        if file.is_file() and not file.read_bytes().startswith(start.encode()):
            raise UserError(
                f"{file}: is no table of a comparison, and would be lost; give another folder with "
                "--into"
            )


def _write(comparison: Comparison, into: Path) -> None:
    page = "\n\n".join(
        part for part in (comparison.render_table(), comparison.render_differences()) if part
    )
    for name, text in (("comparison.md", f"{page}\n"), ("comparison.csv", comparison.render_csv())):
        with writing(into / name):
            into.mkdir(parents=True, exist_ok=True)
            write_text(into / name, text)
    logger.info("%s has all differences", into / "comparison.md")
