"""What an intervention costs: other translations, and the log-probability of those before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from seq2seq.config import DecodingConfig
from seq2seq.inference.interventions import Intervention
from seq2seq.inference.translator import Translator
from seq2seq.translation.translation import END, Translation, display_width, pad


@dataclass(frozen=True)
class Cost:
    """One sentence, translated with the model's own attention and under an intervention.

    The log-probabilities, in nats, are those of the pieces (and the end) of the first translation,
    given to the model either way.
    """

    spec: str
    before: Translation
    after: Translation
    pieces: list[str]
    own: list[float]
    intervened: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the new translation as plain values, for JSON."""
        return {
            "attention": self.spec,
            "own_translation": self.before.text,
            "pieces": self.pieces,
            "own_log_probs": self.own,
            "disturbed_log_probs": self.intervened,
            "own_log_prob": sum(self.own),
            "disturbed_log_prob": sum(self.intervened),
        }

    def __str__(self) -> str:
        """Return both translations, and the log-probability of the first one piece by piece."""
        label = max(len("own"), display_width(self.spec))
        head = [
            self.before.source,
            f"  {pad('own', label)}  {self.before.text}",
            f"  {pad(self.spec, label)}  {self.after.text}",
        ]
        rows = [*zip(self.pieces, self.own, self.intervened, strict=True)]
        rows.append(("sum", sum(self.own), sum(self.intervened)))
        margin = max(display_width(name) for name, _, _ in [("log p", 0, 0), *rows])
        width = max(8, display_width(self.spec))
        spec = pad(self.spec, width, right=True)
        table = [f"  {pad('log p', margin)}  {'own':>8}  {spec}  {'change':>8}"]
        for name, *both in rows:
            own, new, gain = (round(v, 2) + 0.0 for v in (*both, both[1] - both[0]))  # no -0.00
            cells = f"{own:>8.2f}  {new:>{width}.2f}  {gain:>+8.2f}"
            table.append(f"  {pad(name, margin)}  {cells}")
        return "\n".join([*head, *table])


def find_costs(
    translator: Translator,
    texts: Sequence[str],
    intervention: Intervention,
    options: DecodingConfig | None = None,
) -> list[Cost]:
    """Return what an intervention costs each of `texts`; UserError if it does not fit them."""
    check_texts(translator, texts, intervention)
    after = translator.translate(texts, options, attention=intervention)
    before = list(translator.stream(texts, options))  # the same lines: no second warning
    pairs = [(text, own.text) for text, own in zip(texts, before, strict=True)]
    own, intervened = translator.force(pairs), translator.force(pairs, attention=intervention)
    return list(map(partial(_cost, intervention.spec), before, after, own, intervened))


def check_texts(translator: Translator, texts: Sequence[str], intervention: Intervention) -> None:
    """Raise UserError if an intervention does not fit the models, or the sentences of `texts`."""
    translator.check_attention(intervention)
    intervention.check(
        [[] if translator.is_blank(text) else translator.source_words(text) for text in texts]
    )


def _cost(
    spec: str, before: Translation, after: Translation, own: Translation, intervened: Translation
) -> Cost:
    if not own.candidates:
        return Cost(spec, before, after, [], [], [])
    (first,), (second,) = own.candidates, intervened.candidates
    return Cost(spec, before, after, [*first.pieces, END], first.log_probs, second.log_probs)


def render_costs(costs: Sequence[Cost], *, each: int = 10) -> str:
    """Return the costs as text: sentence by sentence, if no more than `each`, and the sum.

    Blank lines cost nothing and are left out.
    """
    costs = [cost for cost in costs if cost.pieces]
    parts = [str(cost) for cost in costs] if len(costs) <= each else []
    pieces = sum(len(cost.own) for cost in costs)
    if len(costs) > 1:
        own = sum(sum(cost.own) for cost in costs) / pieces
        intervened = sum(sum(cost.intervened) for cost in costs) / pieces
        changed = sum(cost.before.text != cost.after.text for cost in costs)
        parts.append(
            f"{costs[0].spec}: {changed} of {len(costs)} translations changed; log p of those "
            f"before, nats a piece: {own:.3f} -> {intervened:.3f} ({intervened - own:+.3f})"
        )
    return "\n\n".join(parts)
