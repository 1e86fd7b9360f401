"""What was measured, a JSON line each, and the tables that docs/performance.md shows of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.bench.spread import Spread
from seq2seq.errors import UserError

OURS = "seq2seq"
EXPORTED = "-exported"
"""After a setting: its model as ONNX graphs, without torch."""
BF16 = "-bf16"
"""After a setting: its model searching with products in bfloat16."""
TITLES = {
    OURS: "seq2seq",
    "joeynmt": "JoeyNMT",
    "opennmt": "OpenNMT-py",
    "marian": "Marian",
    "ctranslate2": "CTranslate2",
}
INT8 = "-int8"
"""After a setting: CTranslate2 with matrices of 8 bits."""
Figures = dict[str, float]
_BATCH = 64  # sentences, where a title says no other


class Contest(NamedTuple):
    """What is measured of ours and right after of one peer, in one round after the other."""

    what: str
    setting: str
    peer: str
    batch: int


class Results:
    """The lines of a file: first what all of them were measured on, then a line a measurement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._lines: list[dict[str, Any]] = [json.loads(line) for line in lines]

    @property
    def setup(self) -> dict[str, Any]:
        """The machine, versions and numbers of all; empty if nothing was measured yet."""
        return self._lines[0] if self._lines else {}

    def begin(self, setup: dict[str, Any]) -> None:
        """Begin a file, or go on with one; UserError if its figures are of another setup."""
        if not self._lines:
            self._append(setup)
        for key, value in setup.items():
            if self.setup.get(key) != value:
                raise UserError(
                    f"{self.path}: measured with {key} {self.setup.get(key)}, now it is {value}; "
                    "move the file away, or name another with --results"
                )

    def has(self, contest: Contest, number: int) -> bool:
        """Return whether this round of a contest is there."""
        return any(row["round"] == number for row in self._rows(contest))

    def add(self, contest: Contest, number: int, figures: dict[str, Figures]) -> None:
        """Append a round: for each `system setting` its figures by name."""
        self._append({**contest._asdict(), "round": number, "figures": figures})

    def figures(self, contest: Contest) -> list[dict[str, Figures]]:
        """Return the rounds of a contest."""
        return [row["figures"] for row in self._rows(contest)]

    def contests(self, what: str) -> list[Contest]:
        """Return the contests of one kind, in the order of their first round."""
        rows = (row for row in self._lines[1:] if row["what"] == what)
        return list(dict.fromkeys(Contest(*(row[key] for key in Contest._fields)) for row in rows))

    def _rows(self, contest: Contest) -> Iterable[dict[str, Any]]:
        wanted = contest._asdict()
        return (r for r in self._lines[1:] if all(r[key] == wanted[key] for key in wanted))

    def _append(self, row: dict[str, Any]) -> None:
        self._lines.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


# --- tables --------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A line of a table: one `name` (system and setting), a peer's in contests of this batch."""

    title: str
    name: str
    batch: int | None

    def rounds(self, results: Results, what: str) -> list[dict[str, Figures]]:
        """Return the rounds of this kind that it took part in."""
        contests = (c for c in results.contests(what) if self.batch in (None, c.batch))
        return [f for c in contests for f in results.figures(c) if self.name in f]

    def cell(self, results: Results, what: str, key: str, form: Callable[[float], str]) -> str:
        """Return its own figures."""
        return _spread([f[self.name][key] for f in self.rounds(results, what)], form)

    def ratio(self, results: Results, what: str, key: str, suffix: str = "") -> str:
        """Return ours / theirs of each round; of our setting with the suffix."""
        if self.batch is None:
            return ""
        ours = f"{OURS} {self.name.split()[1].removesuffix(INT8)}{suffix}"
        rounds = [f for f in self.rounds(results, what) if ours in f]
        return _spread([f[ours][key] / f[self.name][key] for f in rounds], _two_digits)


def render(results: Results) -> str:
    """Return the tables in Markdown, and a line of what they were measured on."""
    if not results.setup:
        raise UserError(f"{results.path}: nothing was measured yet")
    tables = (_training(results), _translating(results))
    return "\n\n".join([*filter(None, tables), _foot(results.setup)])


def _training(results: Results) -> str:
    head = (
        "training",
        "target tokens/s",
        "ours / theirs",
        "ours without input feeding / theirs",
        "peak memory, GB",
        "on the longest sentences, GB",
    )
    rows = [
        (
            row.title,
            row.cell(results, "training", _SPEED, _whole),
            row.ratio(results, "training", _SPEED),
            row.ratio(results, "training", _SPEED, "-parallel"),
            row.cell(results, "training", "peak_memory", _gigabytes),
            row.cell(results, "memory", "peak_memory", _gigabytes),
        )
        for row in _rows(results, "training", "memory")
    ]
    return _table(head, rows)


def _translating(results: Results) -> str:
    head = (
        "translating",
        "greedy, output tokens/s",
        "ours / theirs",
        "ours in bf16 / theirs",
        "beam 5, output tokens/s",
        "ours / theirs",
        "ours in bf16 / theirs",
        "tokens a sentence, greedy",
        "beam 5",
        "one sentence, start to end, s",
    )
    rows = [
        (
            row.title,
            row.cell(results, "translating", f"greedy_{_SPEED}", _whole),
            row.ratio(results, "translating", f"greedy_{_SPEED}"),
            row.ratio(results, "translating", f"greedy_{_SPEED}", BF16),
            row.cell(results, "translating", f"beam_{_SPEED}", _whole),
            row.ratio(results, "translating", f"beam_{_SPEED}"),
            row.ratio(results, "translating", f"beam_{_SPEED}", BF16),
            row.cell(results, "translating", "greedy_length", _one_digit),
            row.cell(results, "translating", "beam_length", _one_digit),
            row.cell(results, "start", "seconds", _one_digit),
        )
        for row in _rows(results, "translating", "start")
    ]
    return _table(head, rows)


_SPEED = "tokens_per_second"
_SETTINGS = {
    "additive": "additive",
    "general": "general",
    "general-parallel": "general, no input feeding",
    "additive-bf16": "additive, bf16",
    "additive-exported": "additive, exported",
    "transformer": "Transformer",
    "transformer-bf16": "Transformer, bf16",
    "transformer-int8": "Transformer, int8",
}


def _rows(results: Results, *sections: str) -> list[Row]:
    """A setting after the other: ours, then each peer."""
    contests = [contest for what in sections for contest in results.contests(what)]
    rows: list[Row] = []
    for setting in dict.fromkeys(contest.setting for contest in contests):
        group = [contest for contest in contests if contest.setting == setting]
        names = [name for c in group for figures in results.figures(c) for name in figures]
        for name in dict.fromkeys(name for name in names if name.startswith(OURS)):
            rows.append(Row(f"{TITLES[OURS]}, {_SETTINGS[name.split()[1]]}", name, None))
        for contest in group:
            batch = f", batch {contest.batch}" if contest.batch != _BATCH else ""
            for name in dict.fromkeys(name for name in names if name.startswith(contest.peer)):
                title = f"{TITLES[contest.peer]}, {_SETTINGS[name.split()[1]]}{batch}"
                rows.append(Row(title, name, contest.batch))
    return list(dict.fromkeys(rows))


def _spread(values: Sequence[float], form: Callable[[float], str]) -> str:
    """The median [lowest, highest]; one figure if they don't differ as they are shown."""
    if not values:
        return ""
    middle, low, high = map(form, Spread.of(values))
    return middle if low == high else f"{middle} [{low}, {high}]"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _one_digit(value: float) -> str:
    return f"{value:.1f}"


def _two_digits(value: float) -> str:
    return f"{value:.2f}"


def _gigabytes(value: float) -> str:
    return f"{value / 1e9:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _foot(setup: dict[str, Any]) -> str:
    machine, numbers = setup["machine"], setup["numbers"]
    versions = ", ".join(f"{TITLES[name]} {number}" for name, number in setup["versions"].items())
    trained = f"{numbers['learnt']} updates"
    if "tolerance" in numbers:
        trained += (
            ", doubled until the mean length of their translations is within "
            f"{numbers['tolerance']:.0%} of the references'"
        )
    return (
        f"{machine['processor']}, {machine['instructions']}, {machine['cores']} cores, threads: "
        f"{numbers['threads']}; {versions}. {numbers['updates']} updates of training a round, the "
        f"first {numbers['window']} not counted; {numbers['sentences']} sentences translated by "
        f"models of {trained}. Medians [lowest, highest] of the rounds."
    )
