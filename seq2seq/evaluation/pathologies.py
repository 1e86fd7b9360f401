"""Errors in translations that hardly lower BLEU: a report on every evaluation.

Nothing here needs a reference. A word is one of `seq2seq.data.words`; lines are counted from 1.
The thresholds were set so that the human references of multi30k and Tatoeba are nearly clean.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.counted import counted
from seq2seq.data.text import clean_source
from seq2seq.data.words import has_spaces, split_words
from seq2seq.errors import UserError

LONGEST_LOOP = 4
"""Words in the longest n-gram whose repetition is looked for."""
LOOP_TIMES = 3
"""Times an n-gram stands in a row before it is a loop."""
COPY_WORDS = 3
"""A copy of a source of this many words or fewer may be right: a name, a title, a number."""
MAX_RATIO = 2.0
"""A side is too long above this many times the other side's words, ..."""
RATIO_SLACK = 5
"""... plus this many words, which keep short sentences out."""
CHARACTER = 0.5
"""Words that a character of a script without spaces counts for beside words of others."""
SHOWN = 5
"""Line numbers kept of each pathology."""


@dataclass(frozen=True)
class Pathology:
    """One kind of failure: in how many of the sentences, and where first."""

    name: str
    meaning: str
    count: int
    rate: float
    """A fraction of all sentences."""
    lines: tuple[int, ...]


@dataclass(frozen=True)
class PathologyReport:
    """Every kind of failure looked for, whether found or not."""

    sentences: int
    pathologies: tuple[Pathology, ...]
    commonest: str
    """The output given to the greatest number of different sources."""
    commonest_sources: int
    length_ratio: float
    """Words of all hypotheses / words of all sources."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return all(pathology.count == 0 for pathology in self.pathologies)

    def __getitem__(self, name: str) -> Pathology:
        """Return the pathology called `name`."""
        return next(pathology for pathology in self.pathologies if pathology.name == name)


def find_pathologies(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    *,
    truncated: Sequence[bool] | None = None,
    unknown: Sequence[bool] | None = None,
) -> PathologyReport:
    """Return what looks wrong in `hypotheses`, the translations of `sources` line by line.

    `truncated` tells which hypotheses hit the length limit, `unknown` of which sources the model
    knew no word: those have no other failure. Raises UserError if the numbers of lines differ.
    """
    if len(sources) != len(hypotheses):
        raise UserError(
            f"expected {len(sources)} translations, one for each source, found {len(hypotheses)}"
        )
    cuts = truncated or [False] * len(hypotheses)
    unknowns = unknown or [False] * len(hypotheses)
    found: dict[str, list[int]] = {name: [] for name in _MEANINGS}
    source_words = hypothesis_words = 0
    rows = zip(sources, hypotheses, cuts, unknowns, strict=True)
    for line, (source, hypothesis, cut, strange) in enumerate(rows, 1):
        source_split, split = split_words(source.casefold()), split_words(hypothesis.casefold())
        source_words, hypothesis_words = (
            source_words + len(source_split),
            hypothesis_words + len(split),
        )
        for name in ["unknown source"] if strange else _diagnose(source_split, split):
            found[name].append(line)
        if cut:
            found["truncated"].append(line)
    found["same output"], commonest, count = _shared_outputs(sources, hypotheses)
    return PathologyReport(
        sentences=len(hypotheses),
        pathologies=tuple(
            _pathology(name, lines, len(hypotheses)) for name, lines in found.items()
        ),
        commonest=commonest,
        commonest_sources=count,
        length_ratio=hypothesis_words / max(source_words, 1),
    )


def render_pathologies(report: PathologyReport) -> str:
    """Return the report as text: one line for each kind of failure that was found."""
    translations = counted(report.sentences, "translation")
    head = f"{translations}, {report.length_ratio:.2f} words for each source word"
    if report.clean:
        return f"{head}: no pathologies"
    rows = [f"{head}:"]
    for one in report.pathologies:
        if one.count:
            where = ", ".join(map(str, one.lines)) + (", ..." if one.count > len(one.lines) else "")
            rows.append(
                f"  {one.name:<14} {one.count:>6} {one.rate:>7.2%}  {one.meaning} (lines {where})"
            )
    if report.commonest_sources > 1:
        rows.append(f"  commonest      {report.commonest_sources:>6} sources: {report.commonest!r}")
    return "\n".join(rows)


def has_loop(words: Sequence[str]) -> bool:
    """Return whether an n-gram, n = 1 to 4 words, stands at least three times in a row.

    A number in groups of three digits (`1 000 000 000`) is no loop.
    """
    for n in range(1, LONGEST_LOOP + 1):
        run = 0  # words in a row that equal the word n before
        for before, word in zip(words, words[n:], strict=False):
            run = run + 1 if before == word and not word.isdigit() else 0
            if run == n * (LOOP_TIMES - 1):
                return True
    return False


_MEANINGS = {
    "unknown source": "no word of the source is known to the model",
    "empty": "no output for a source that has words",
    "invented": "output for an empty source",
    "looping": "the same 1 to 4 words three times in a row, and not so in the source",
    "copied": f"the source itself, of more than {COPY_WORDS} words",
    "too long": f"more than {MAX_RATIO:g} x the source's words + {RATIO_SLACK}",
    "too short": f"the source has more than {MAX_RATIO:g} x the output's words + {RATIO_SLACK}",
    "truncated": "cut off at the length limit",
    "same output": "another source got the very same output",
}


def _pathology(name: str, lines: list[int], sentences: int) -> Pathology:
    rate = len(lines) / max(sentences, 1)
    return Pathology(name, _MEANINGS[name], len(lines), rate, tuple(lines[:SHOWN]))


def _diagnose(source: list[str], hypothesis: list[str]) -> list[str]:
    """The names of what is wrong with one translation, seen alone."""
    if not source or not hypothesis:
        return ["empty"] if source else ["invented"] if hypothesis else []
    source_length, length = _length(source), _length(hypothesis)
    wrong = {
        "looping": has_loop(hypothesis) and not has_loop(source),
        "copied": len(source) > COPY_WORDS and _cleaned(hypothesis) == _cleaned(source),
        "too long": length > MAX_RATIO * source_length + RATIO_SLACK,
        "too short": source_length > MAX_RATIO * length + RATIO_SLACK,
    }
    return [name for name, holds in wrong.items() if holds]


def _length(words: list[str]) -> float:
    """How many words of a script with spaces these are, to compare languages of any script."""
    return sum(1 if has_spaces(word) else CHARACTER for word in words)


def _cleaned(words: list[str]) -> list[str]:
    return [clean_source(word) for word in words]


def _shared_outputs(
    sources: Sequence[str], hypotheses: Sequence[str]
) -> tuple[list[int], str, int]:
    """Lines whose output another source got too; the output of most sources, and their number."""
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for source, hypothesis in zip(sources, hypotheses, strict=True):
        if hypothesis.strip():
            askers[hypothesis].add(source)
    counts = Counter({hypothesis: len(group) for hypothesis, group in askers.items()})
    commonest, count = counts.most_common(1)[0] if counts else ("", 0)
    lines = [line for line, hypothesis in enumerate(hypotheses, 1) if counts[hypothesis] > 1]
    return lines, commonest, count
