"""Runs side by side, and the checkpoints of each: the same sentences explained by all of them.

Over the checkpoints of a run the rows must stay the same, or the eye has nothing to follow. So all
of them are given the translation that the best one finds, and each one's own stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.explain.explanation import explain
from seq2seq.explain.page import PageCheckpoint, PageRun
from seq2seq.inference.translator import load
from seq2seq.runs.run import Run

ALL = "all"
"""The name that stands for every numbered checkpoint kept, oldest first."""


def compare(
    runs: Sequence[Run],
    texts: Sequence[str],
    *,
    checkpoint: str = "best",
    target: str | None = None,
    device: str = "auto",
) -> list[PageRun]:
    """Return what each run did with each text, for `render_page`.

    With `target`, or of `all` checkpoints, the explanations are of a translation that is given.
    """
    found = []
    for run in runs:
        targets: list[str | None] = [target] * len(texts)
        if checkpoint == ALL and target is None:
            best = load(run.folder, device=device)
            targets = [translation.text for translation in best.translate(texts)]
        pairs = list(zip(texts, targets, strict=True))
        names = _names(run, checkpoint)
        found.append(PageRun(str(run.folder), [_seen(run, name, pairs, device) for name in names]))
    return found


def _names(run: Run, checkpoint: str) -> list[str]:
    if checkpoint == ALL:
        return [one.folder.name for one in run.checkpoints()]
    return [run.checkpoint(checkpoint).folder.resolve().name]


def _seen(
    run: Run, name: str, pairs: Sequence[tuple[str, str | None]], device: str
) -> PageCheckpoint:
    """What one checkpoint did with each text, and with its translation if that is given."""
    translator = load(run.folder, checkpoint=name, device=device)
    explanations = [
        explain(translator, text, target=target, model=str(run.folder), checkpoint=name)
        for text, target in pairs
    ]
    own = None
    if any(target is not None for _, target in pairs):
        own = [translation.text for translation in translator.translate(text for text, _ in pairs)]
    return PageCheckpoint(name, [one.as_page() for one in explanations], own)
