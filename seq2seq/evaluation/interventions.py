"""A test set with the model's own attention and under an intervention, score by score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq.errors import UserError
from seq2seq.evaluation.comparable import References
from seq2seq.evaluation.evaluate import Evaluation
from seq2seq.evaluation.metric import Score
from seq2seq.evaluation.scores import score_tokens
from seq2seq.inference.interventions import Intervention
from seq2seq.inference.translator import Translator


@dataclass(frozen=True)
class Comparison:
    """Scores with the model's own attention, and under an intervention."""

    attention: str
    """The intervention, as it was asked for."""
    changed: int
    """How many translations it changed."""
    own_scores: list[Score]
    intervened_scores: list[Score]
    own_log_prob: float
    """Of the first references, given to the model: the mean a piece, in nats, ends counted."""
    intervened_log_prob: float

    def render(self) -> str:
        """Return all figures as a table."""
        scores = zip(self.own_scores, self.intervened_scores, strict=True)
        rows = [(own.name, own.value, new.value) for own, new in scores]
        rows.append(("log p a piece", self.own_log_prob, self.intervened_log_prob))
        width = max(8, len(self.attention))
        lines = [f"{'attention':<13}  {'own':>8}  {self.attention:>{width}}  {'change':>8}"]
        for name, *both in rows:
            own, new, gain = (round(v, 2) + 0.0 for v in (*both, both[1] - both[0]))  # no -0.00
            lines.append(f"{name:<13}  {own:>8.2f}  {new:>{width}.2f}  {gain:>+8.2f}")
        lines.append(f"(log p, in nats, of the references; {self.changed} translations changed)")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "attention": self.attention,
            "changed": self.changed,
            "own_scores": [asdict(score) for score in self.own_scores],
            "disturbed_scores": [asdict(score) for score in self.intervened_scores],
            "own_log_prob": self.own_log_prob,
            "disturbed_log_prob": self.intervened_log_prob,
        }


def compare_scores(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    intervention: Intervention,
    own: Evaluation,
    *,
    bootstrap: int = 1000,
) -> Comparison:
    """Return what an intervention makes of the scores of `own`, and of the references' log p.

    `check_texts` says before whether it fits. Raises UserError if no source has a reference.
    """
    intervened = [found.text for found in translator.stream(sources, attention=intervention)]
    scores = score_tokens(intervened, references, own.tokenize, bootstrap=bootstrap)
    log_probs = (_log_prob(translator, sources, references, how) for how in (None, intervention))
    return Comparison(
        intervention.spec,
        sum(before != after for before, after in zip(own.hypotheses, intervened, strict=True)),
        own.scores[: len(scores)],
        scores,
        *log_probs,
    )


def _log_prob(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    intervention: Intervention | None,
) -> float:
    pairs = [(s, r) for s, r in zip(sources, references[0], strict=True) if r is not None]
    forced = translator.force(pairs, attention=intervention)
    values = [value for found in forced for best in found.candidates for value in best.log_probs]
    if not values:
        raise UserError("cannot compare: expected sources with references, found none")
    return sum(values) / len(values)
