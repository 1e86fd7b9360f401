"""A plan as a commented YAML file, which says what was chosen and why."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import NamedTuple

from seq2seq.counted import counted
from seq2seq.data.pairs import one_line
from seq2seq.machine.disk import writing
from seq2seq.planning.pace import MachineSettings
from seq2seq.planning.schedule import Schedule, patience_for
from seq2seq.planning.sizes import Row, row_for
from seq2seq.planning.survey import Survey

_COMMENTS = 36  # the column where they begin


class Corpus(NamedTuple):
    """A corpus that was split: where its files are, and what they hold."""

    folder: str
    """As the recipe names it: from its own folder."""
    languages: tuple[str, str]
    pairs: dict[str, int]
    """Split -> pairs; `valid` is 0 where the corpus is too small to hold anything out."""
    survey: Survey


class Plan(NamedTuple):
    """All that was chosen for a corpus on a machine."""

    command: str
    """What asked for it, for the reader of the file."""
    settings: tuple[str, ...]
    """What that command laid over the plan, KEY=VALUE; the file has the plan alone."""
    corpus: Corpus
    row: Row
    vocabulary: int
    machine: MachineSettings
    schedule: Schedule
    epochs: float
    """What the updates come to."""
    budget: float | None
    """Minutes that it was to take, planning and all."""
    minutes: float | None
    """What planning has left of them, after which training ends whatever the schedule says."""
    init: str | None
    """The run whose model and tokenizer are taken, from the recipe's own folder."""

    def render(self) -> str:
        """Return the recipe."""
        parts = [self._head(), self._data()]
        if self.init is None:
            parts.append(self._network())
        return "\n\n".join([*parts, self._training()]) + "\n"

    def write(self, path: Path) -> None:
        """Write the recipe to a file."""
        with writing(path):
            path.write_text(self.render(), encoding="utf-8")

    def _head(self) -> str:
        lines = [
            f"# Planned by `{self.command}`.",
            "# Change any setting; `seq2seq config show` prints all others, and base.yaml explains",
            "# them.",
            "extends: base.yaml",
        ]
        if self.settings:
            given = one_line(shlex.join(self.settings))
            lines.insert(
                1, f"# Also trained with these settings, which are not in this file: {given}"
            )
        if self.init is not None:
            lines.append(_line(f"init: {_quoted(self.init)}", "its weights, model and tokenizer"))
        return "\n".join(lines)

    def _data(self) -> str:
        source, target = self.corpus.languages
        lines = ["data:", f"  source: {_quoted(source)}", f"  target: {_quoted(target)}"]
        for split in ("train", "valid", "test"):
            pairs = self.corpus.pairs[split]
            if pairs:
                path = _quoted(f"{self.corpus.folder}/{split}")
                lines.append(_line(f"  {split}: {path}", counted(pairs, "pair")))
            elif split == "valid":
                path = _quoted(f"{self.corpus.folder}/train")
                lines.append(_line(f"  valid: {path}", "too few pairs to hold any out"))
            else:
                lines.append(_line("  test: null", "no pairs are held out"))
        return "\n".join(lines)

    def _network(self) -> str:
        row, words = self.row, self.corpus.survey.target.words
        rows = [
            ("tokenizer:", ""),
            (f"  vocab_size: {self.vocabulary}", f"for {words:,} target words"),
            ("", ""),
            ("model:", ""),
            (f"  embedding: {row.embedding}", "sizes for a corpus of this size"),
            (f"  dropout: {row.dropout:g}", self._why_dropout()),
            (f"  encoder: {{size: {row.encoder}}}", ""),
            (f"  attention: {{kind: additive, size: {row.encoder}}}", ""),
            (f"  decoder: {{kind: conditional, size: {row.decoder}}}", ""),
        ]
        return "\n".join(_line(*row) for row in rows)

    def _why_dropout(self) -> str:
        if self.row.dropout < row_for(self.corpus.survey.target.words).dropout:
            return f"lower: there is time for {self.epochs:.1f} epochs only"
        return "higher for a smaller corpus"

    def _training(self) -> str:
        row, schedule, machine = self.row, self.schedule, self.machine
        pace = f"{machine.pace.update:.2g} s an update when it was planned"
        patience = patience_for(self.corpus.pairs["valid"])
        rows = [
            ("batching:", ""),
            (f"  tokens: {row.tokens}", "small batches give a small corpus more updates"),
            ("", ""),
            ("training:", ""),
            (f"  max_steps: {schedule.steps}", f"{self.epochs:.1f} epochs; {pace}"),
        ]
        if self.minutes is not None:
            rows.append(
                (f"  max_minutes: {self.minutes:.2f}", "the given time, less that of planning")
            )
        if patience is None:
            rows.append(("  metric: chrf", "less noisy than BLEU on few sentences"))
        rows += [
            (f"  optimizer: {{lr: {row.rate:g}}}", ""),
            (
                f"  schedule: {{kind: cosine, warmup: {schedule.warmup}}}",
                "falls to a hundredth at max_steps",
            ),
            (f"  validate_every: {schedule.validate_every}", ""),
            (
                f"  patience: {'null' if patience is None else patience}",
                "the validation set is too small for early stopping" if patience is None else "",
            ),
            (f"  precision: {machine.precision}", _compared(machine, "fp32", "bf16")),
        ]
        if machine.threads is not None:
            comment = _compared(machine, *(key for key in machine.tried if "thread" in key))
            rows.append((f"  threads: {machine.threads}", comment))
        return "\n".join(_line(*row) for row in rows)


def _compared(machine: MachineSettings, *names: str) -> str:
    found = [f"{name} {machine.tried[name]:.2g} s" for name in names if name in machine.tried]
    return ", ".join(found) if len(found) > 1 else ""


def _line(text: str, comment: str) -> str:
    return f"{text:<{_COMMENTS - 1}} # {comment}" if comment else text


def _quoted(text: str) -> str:
    """`text` as YAML takes it for text, whatever it is: `no` is a language."""
    return json.dumps(text, ensure_ascii=False)
