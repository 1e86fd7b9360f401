"""Run seq2seq and other systems on the same work by turns, and print how they compare.

    python scripts/bench_peers.py                       # all but `learning`
    python scripts/bench_peers.py --what training --peers opennmt
    python scripts/bench_peers.py --what learning --runs runs/additive
    python scripts/bench_peers.py --table               # of what has been measured so far

scripts/bench_peers.sh installs the others first. Each measurement is ours and right after it one
other system's, so that both meet the same machine; it is a line of docs/results/peers.jsonl, and
one that is there is not made again, so that a stopped run goes on. docs/performance.md says what
is measured and how.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# E402: what follows is found only when the root is on the path.
from scripts.peers import logs  # noqa: E402
from scripts.peers.learning import render_learning  # noqa: E402
from scripts.peers.ours import Ours  # noqa: E402
from scripts.peers.processes import Done, Job, JobError, run  # noqa: E402
from scripts.peers.results import (  # noqa: E402
    BF16,
    EXPORTED,
    INT8,
    OURS,
    Contest,
    Figures,
    Results,
    render,
)
from scripts.peers.system import BATCH, RECIPES, Search, System, Training  # noqa: E402
from scripts.peers.systems import SYSTEMS  # noqa: E402
from scripts.peers.work import Work, make_work  # noqa: E402
from seq2seq.bench.machine import Machine, set_threads  # noqa: E402
from seq2seq.errors import UserError  # noqa: E402

logger = logging.getLogger("bench_peers")

PEERS = [name for name in SYSTEMS if name != OURS]
SETTINGS = {
    "additive": ["additive"],
    "general": ["general", "general-parallel"],
    "transformer": ["transformer"],
}
"""A setting that peers have -> ours beside it."""
TRANSLATED = ("additive", "transformer")  # the settings whose models translate
STARTED = "additive"  # the setting whose start is timed
TOLERANCE = 0.2
"""By how much the mean length of a model's translations may differ from that of the references."""
DOUBLINGS = 4  # of the updates of a model whose translations are too short or too long
LONGEST = 4 * BATCH  # pairs that show how much memory the longest batch takes
SECTIONS = ("training", "memory", "translating", "start")
PARTS = {"translating": ("greedy", "beam")}
"""What of a section is done by turns within a round."""


class Turn(NamedTuple):
    """One measurement of one system."""

    system: System
    setting: str
    part: str
    batch: int
    number: int


def main() -> None:
    options = parse_arguments()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("seq2seq").setLevel(logging.WARNING)
    results = Results(options.results)
    sections = [what for what in options.what if what != "learning"]
    try:
        if sections and not options.table:
            measure(sections, options, results)
        if sections:
            print(render(results))
        if "learning" in options.what:
            print(render_learning(options.runs))
    except (UserError, JobError, logs.LogError) as error:
        sys.exit(f"error: {error}")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--what", nargs="+", choices=[*SECTIONS, "learning"], default=SECTIONS)
    add("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="SYSTEM")
    add("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="SETTING")
    add("--rounds", type=int, default=3)
    add("--updates", type=int, default=16, help="of training, the first window not counted")
    add("--window", type=int, default=4, help="updates")
    add("--learnt", type=int, default=300, help="first updates of the models that translate")
    add("--sentences", type=int, default=1000, help="of the test set, the first ones")
    add("--threads", type=int, default=2)
    add("--corpus", type=Path, default=ROOT / "corpora" / "multi30k", help="folder")
    add("--test", default="test_2016_flickr", help="its corpus to translate")
    add("--home", type=Path, default=Path.home() / ".cache" / "seq2seq" / "peers", help="folder")
    add("--results", type=Path, default=ROOT / "docs" / "results" / "peers.jsonl")
    add("--runs", type=Path, nargs="+", default=[], help="of `learning`: run directories")
    add("--table", action="store_true", help="only print the tables")
    return parser.parse_args()


def measure(sections: list[str], options: argparse.Namespace, results: Results) -> None:
    """Make every measurement of these sections that is missing."""
    work = make_work(
        RECIPES / "additive.yaml",
        options.corpus.resolve(),
        options.test,
        options.home.resolve() / "work",
        sentences=options.sentences,
        longest=LONGEST,
    )
    bench = Bench(options, work)
    results.begin(bench.setup())
    for what in sections:
        for number in range(1, (1 if what == "memory" else options.rounds) + 1):
            for contest in contests(what, options.settings, options.peers):
                if not results.has(contest, number):
                    figures = bench.hold(contest, number)
                    results.add(contest, number, figures)
                    logger.info("%s, round %d: %s", contest, number, figures)


def contests(what: str, settings: list[str], peers: list[str]) -> Iterator[Contest]:
    """Yield what is held against each other in a section, in the order of a round."""
    for setting in settings:
        for peer in peers:
            if setting in SYSTEMS[peer].settings and _is_measured(what, setting, peer):
                yield Contest(what, setting, peer, BATCH)
                if (what, peer) == ("translating", "opennmt"):
                    yield Contest(what, setting, peer, 4 * BATCH)


def _is_measured(what: str, setting: str, peer: str) -> bool:
    if what in ("training", "memory"):
        return SYSTEMS[peer].trains
    return setting == STARTED if what == "start" else setting in TRANSLATED


@dataclass(frozen=True)
class Bench:
    """What measures: the systems on one work."""

    options: argparse.Namespace
    work: Work

    @cached_property
    def systems(self) -> dict[str, System]:
        """All systems by name."""
        home, threads = self.options.home.resolve(), self.options.threads
        return {name: kind(home, self.work, threads) for name, kind in SYSTEMS.items()}

    def setup(self) -> dict[str, Any]:
        """Return what figures depend on: they are comparable where it is the same."""
        set_threads(self.options.threads)
        machine = Machine.now(torch.device("cpu"))
        machine.warn_if_busy()
        names = ("processor", "instructions", "cores")
        numbers = ("updates", "window", "learnt", "sentences", "threads")
        return {
            "machine": {name: getattr(machine, name) for name in names},
            "versions": {name: system.version() for name, system in self.systems.items()},
            "numbers": {
                **{name: getattr(self.options, name) for name in numbers},
                "tolerance": TOLERANCE,
            },
        }

    def hold(self, contest: Contest, number: int) -> dict[str, Figures]:
        """Measure ours, then the peer: the figures of each `system setting`."""
        settings = [contest.setting]
        if contest.what in ("training", "memory"):
            settings = SETTINGS[contest.setting]
        elif contest.what == "translating":
            settings = [contest.setting, contest.setting + BF16]
        elif contest.what == "start":
            settings = [contest.setting, contest.setting + EXPORTED]
        sides = [(OURS, setting) for setting in settings]
        sides.append((contest.peer, contest.setting))
        if not SYSTEMS[contest.peer].trains:
            sides.append((contest.peer, contest.setting + INT8))
        measure = self._measures[contest.what]
        found: dict[str, Figures] = {f"{system} {setting}": {} for system, setting in sides}
        for part in PARTS.get(contest.what, ("",)):
            for system, setting in sides:
                one = Turn(self.systems[system], setting, part, contest.batch, number)
                found[f"{system} {setting}"].update(measure(one))
        return found

    @property
    def _measures(self) -> dict[str, Callable[[Turn], Figures]]:
        return {
            "training": self._training,
            "memory": self._memory,
            "translating": self._translating,
            "start": self._start,
        }

    def _training(self, turn: Turn) -> Figures:
        numbers = self.options
        training = self._plan(turn, "train", numbers.updates, numbers.window)
        done = self._train(turn.system, training)
        speed = logs.speed(turn.system.windows(training, done), skipped=1)
        return {"tokens_per_second": round(speed, 1), "peak_memory": done.peak_memory}

    def _memory(self, turn: Turn) -> Figures:
        training = self._plan(turn, "longest", LONGEST // BATCH, 1)
        done = self._train(turn.system, training)
        if turn.system.name != OURS:  # which meets the longest batch among others
            windows = turn.system.windows(training, done)
            told = sum(window.tokens for window in windows)
            times = len(windows) * BATCH // LONGEST  # Marian's workers go through them once each
            counted = times * sum(self.work.target_lengths("longest"))
            logs.check_count(told, counted, turn.system.name)
        return {"peak_memory": done.peak_memory}

    def _translating(self, turn: Turn) -> Figures:
        model = self._model(turn)
        precision = next((p for p in ("bf16", "int8") if turn.setting.endswith(f"-{p}")), "fp32")
        search = Search(1 if turn.part == "greedy" else 5, turn.batch, precision)
        done = self._run(turn.system.translate(model, search, "test"))
        found = turn.system.translated(model, done)
        return {
            f"{turn.part}_tokens_per_second": round(found.tokens / found.seconds, 1),
            f"{turn.part}_length": round(found.tokens / self.options.sentences, 2),
        }

    def _start(self, turn: Turn) -> Figures:
        model = self._model(turn)
        done = self._run(turn.system.translate(model, Search(5), "one"))
        return {"seconds": round(done.seconds, 3)}

    def _plan(self, turn: Turn, part: str, updates: int, window: int) -> Training:
        folder = self._scratch / "model"
        return Training(turn.setting, part, updates, window, seed=turn.number, folder=folder)

    def _model(self, turn: Turn) -> Training:
        """The model that the system trained for translating; trained now if there is none.

        A model that has not learnt where sentences end writes others' multiple, or nothing, and
        its rate is of other work: so each trains until its translations are as long as references.
        """
        if not turn.system.trains:
            ours = Turn(self.systems[OURS], turn.setting, turn.part, turn.batch, turn.number)
            return self._exported(self._model(ours), turn.system.name)
        wanted = fmean(self.work.target_lengths("test"))
        lengths: list[float] = []
        for doubling in range(DOUBLINGS + 1):
            training = self._planned_model(turn, self.options.learnt * 2**doubling)
            lengths.append(self._trained_length(turn.system, training))
            if abs(lengths[-1] - wanted) <= TOLERANCE * wanted:
                exported = turn.setting.endswith(EXPORTED)
                return self._exported(training, "onnx") if exported else training
        raise UserError(
            f"{turn.system.name}: its translations have {lengths[-1]:.1f} tokens after "
            f"{training.updates} updates, the references {wanted:.1f}: raise --learnt"
        )

    def _planned_model(self, turn: Turn, updates: int) -> Training:
        data = self.work.prepared.folder.name[:8]
        setting = turn.setting
        for suffix in (EXPORTED, BF16, INT8):
            setting = setting.removesuffix(suffix)
        name = f"{turn.system.name}-{setting}-{updates}-{data}"
        folder = self.options.home.resolve() / "models" / name
        return Training(setting, "train", updates, updates, seed=1, folder=folder)

    def _trained_length(self, system: System, training: Training) -> float:
        """Return the mean length of the model's greedy translations; it is trained if need be."""
        finished = training.folder / "finished"
        if not finished.exists() or not finished.read_text("utf-8"):
            logger.info("training %s, once", training.folder.name)
            self._train(system, training)
            done = self._run(system.translate(training, Search(1), "test"))
            tokens = system.translated(training, done).tokens
            finished.write_text(str(tokens / self.options.sentences), "utf-8")
        return float(finished.read_text("utf-8"))

    def _exported(self, model: Training, form: str) -> Training:
        """Our model in another format, exported now if it is not there."""
        ours = self.systems[OURS]
        assert isinstance(ours, Ours)
        exported = model._replace(folder=model.folder.with_name(f"{model.folder.name}-{form}"))
        if not exported.folder.exists():
            self._run(ours.export(model, exported.folder, form))
        return exported

    def _train(self, system: System, training: Training) -> Done:
        if training.folder.exists():
            shutil.rmtree(training.folder)
        return self._run(system.train(training))

    def _run(self, job: Job) -> Done:
        return run(job, self._scratch / "printed")

    @property
    def _scratch(self) -> Path:
        return self.options.home.resolve() / "scratch"


if __name__ == "__main__":
    main()
