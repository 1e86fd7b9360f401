"""A comparison: every system's models measured, and each system held against a baseline."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from seq2seq.compare.conditions import Conditions
from seq2seq.compare.differences import Differences, Seen, count_words, find_differences
from seq2seq.compare.measuring import Measured, measure
from seq2seq.compare.members import Member, choose_baseline
from seq2seq.compare.report import render_csv, render_differences, render_table
from seq2seq.compare.results import SystemResult
from seq2seq.compare.significance import paired_tests
from seq2seq.config import BleuTokenizer, Config
from seq2seq.counted import counted
from seq2seq.data.corpus import locate_corpus
from seq2seq.data.pairs import each_translation
from seq2seq.errors import UserError
from seq2seq.evaluation.tokenizers import choose_tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """The systems, the baseline first, on one test set."""

    systems: list[SystemResult]
    conditions: Conditions
    tokenize: BleuTokenizer

    def __repr__(self) -> str:
        """Return the names and mean scores in a line; `print` shows the table."""
        bleu = (f"{result.name} {mean(r.bleu for r in result.runs):.2f}" for result in self.systems)
        return f"Comparison(BLEU: {', '.join(bleu)})"

    def __str__(self) -> str:
        """Return the table."""
        return self.render_table()

    def render_table(self) -> str:
        """Return a Markdown table, a row a system, and what its figures mean."""
        held_out = self.conditions.held_out
        sentences = counted(len(held_out.references[0]), "sentence")
        bleu = f"BLEU is sacreBLEU's, mixed case, tokens {self.tokenize}."
        return render_table(self.systems, f"{held_out.name}, {sentences}; {bleu}")

    def render_differences(self) -> str:
        """Return where each system differs from the baseline, as Markdown."""
        return render_differences(self.systems)

    def render_csv(self) -> str:
        """Return a row for each model, all figures as they are; what there isn't is empty."""
        return render_csv(self.systems)

    def as_dict(self) -> dict[str, Any]:
        """Return all but the translations as plain values, for JSON."""
        return {
            "test_set": self.conditions.held_out.name,
            "tokenize": self.tokenize,
            "systems": [
                {
                    "name": result.name,
                    "runs": [run.figures for run in result.runs],
                    "p_values": [p_values._asdict() for p_values in result.p_values],
                    "differences": _plain(result.differences),
                }
                for result in self.systems
            ],
        }


def compare(
    members: Sequence[Member],
    conditions: Conditions,
    *,
    baseline: str | None = None,
    keep: Path | None = None,
    samples: int = 0,
    examples: int = 3,
) -> Comparison:
    """Measure all members, and hold each system against `baseline`, by default the first.

    `keep` is a folder in which figures of models are kept, so that they are not measured again;
    `samples` is how often a paired test draws (0: sacreBLEU's own number); `examples` is how many
    sentences are shown that gained or lost most. Raises UserError for a baseline that isn't there.
    """
    names = list(dict.fromkeys(member.system for member in members))
    baseline = choose_baseline(members, baseline)
    tokenize = choose_tokenizer(
        conditions.held_out.references,
        tokenize=conditions.tokenize,
        language=conditions.language,
    )
    measured = {
        name: [
            measure(member, conditions, keep and keep / f"{member.path.name}.json")
            for member in members
            if member.system == name
        ]
        for name in names
    }
    against = _Baseline(measured[baseline], conditions, tokenize, samples, examples)
    seen = _words_seen(members, conditions) if names[1:] else Seen({}, "")
    first = SystemResult(baseline, measured[baseline], [], None)
    others = [against.hold(name, measured[name], seen) for name in names if name != baseline]
    return Comparison([first, *others], conditions, tokenize)


class _Baseline(NamedTuple):
    """What each system is held against, and how."""

    runs: list[Measured]
    conditions: Conditions
    tokenize: BleuTokenizer
    samples: int
    examples: int

    def hold(self, name: str, runs: list[Measured], seen: Seen) -> SystemResult:
        """Return how a system compares."""
        models = _pairs(self.runs, runs)
        pairs = [(one.hypotheses, other.hypotheses) for one, other in models]
        held_out = self.conditions.held_out
        p_values = [
            paired_tests(*pair, held_out.references, tokenize=self.tokenize, samples=self.samples)
            for pair in pairs
        ]
        differences = find_differences(
            held_out.sources if self.conditions.sources_are_text else [],
            *pairs[0],
            held_out.references,
            tokenize=self.tokenize,
            seen=seen,
            examples=self.examples,
        )
        one, other = models[0]
        return SystemResult(name, runs, p_values, differences, (one.name, other.name))


def _pairs(
    baseline: Sequence[Measured], runs: Sequence[Measured]
) -> list[tuple[Measured, Measured]]:
    """The models of equal seeds; without any, the first two."""
    seeds = {run.seed: run for run in baseline}
    return [(seeds[run.seed], run) for run in runs if run.seed in seeds] or [(baseline[0], runs[0])]


def _words_seen(members: Sequence[Member], conditions: Conditions) -> Seen:
    """How often each word was seen: in the training text of the first model, else in the test."""
    for member in members:
        if (config := member.settings) is not None:
            try:
                return Seen(count_words(_training_targets(config)), "the training text")
            except UserError as error:
                logger.warning("%s: its training text can't be read: %s", member.name, error)
    lines = (line for stream in conditions.held_out.references for line in stream)
    return Seen(count_words(lines), "the references")


def _training_targets(config: Config) -> list[str]:
    data = config.data
    corpus = locate_corpus(data.train, data.source, data.target, data.columns)
    return [target for _, target in each_translation(corpus.pairs())]


def _plain(differences: Differences | None) -> dict[str, Any] | None:
    if differences is None:
        return None
    return {
        name: value if isinstance(value, str) else [row._asdict() for row in value]
        for name, value in differences._asdict().items()
    }
