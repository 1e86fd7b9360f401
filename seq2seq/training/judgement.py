"""Which of two validations is the better one, and whether a loss is one that can be trained on."""

import math
from collections.abc import Iterable, Mapping
from functools import cmp_to_key

from seq2seq.errors import UserError
from seq2seq.training.progress import Scored

METRICS = {"loss": "loss", "bleu": "BLEU", "chrf": "chrF", "exact": "exact"}
"""Names in records, and as they are shown."""

_POOR = 2  # times the loss of a guess, which any model that learns is soon below
_EXPLODED = 10  # times the loss of a guess; a confident model that is wrong everywhere stays below


def is_better(new: Mapping[str, float], best: Mapping[str, float], metric: str) -> bool:
    """Return whether `new` is better than `best` at `metric`; of equals the lower loss is better.

    An empty `best` is worse than anything; where one lacks the metric, their losses are compared.
    """
    if not best:
        return True
    if metric != "loss" and metric in new and metric in best and new[metric] != best[metric]:
        return new[metric] > best[metric]
    return new["loss"] < best["loss"]


def best_first(scored: Iterable[Scored], metric: str) -> list[Scored]:
    """Return validated checkpoints, the best first; of unlike tokens BLEU is not compared."""
    ranked = list(scored)
    if metric == "bleu" and len({one.tokenize for one in ranked}) > 1:
        metric = "loss"

    def order(one: Scored, other: Scored) -> int:
        return is_better(other.metrics, one.metrics, metric) - is_better(
            one.metrics, other.metrics, metric
        )

    return sorted(ranked, key=cmp_to_key(order))


def why_poor(loss: float, vocabulary: int) -> str:
    """Return why a training `loss` looks wrong though it may come back; empty if it does not."""
    guess = math.log(vocabulary)
    if loss <= _POOR * guess:
        return ""
    return f"the training loss is {loss:.3g}, where a guess among {vocabulary:,} has {guess:.2f}"


def why_lost(loss: float, vocabulary: int) -> str:
    """Return why nothing good can come of a `loss`, in nats a token; empty if it is not so.

    Any guess among `vocabulary` tokens alike has log(vocabulary). A loss of many times that is of
    weights that have been thrown far away, even where it is finite: whether a processor's overflow
    turns it into NaN is chance.
    """
    if not math.isfinite(loss):
        return f"the loss became {loss}"
    guess = math.log(vocabulary)
    if loss > _EXPLODED * guess:
        return f"the loss became {loss:.3g}, where a guess among {vocabulary:,} has {guess:.2f}"
    return ""


def check_loss(loss: float, vocabulary: int, step: int) -> None:
    """Raise UserError if nothing good can come of a `loss` that was found after `step` updates."""
    if reason := why_lost(loss, vocabulary):
        raise UserError(
            f"{reason}, at or before step {step}: lower training.optimizer.lr, "
            "or set training.optimizer.clip; --resume goes on from the last checkpoint"
        )


def render(metrics: Mapping[str, float]) -> str:
    """Return `loss 0.345, BLEU 76.54, chrF 83.21, exact 40.00`, of the figures that are there."""
    digits = {"loss": 3}
    return ", ".join(
        f"{shown} {metrics[name]:.{digits.get(name, 2)}f}"
        for name, shown in METRICS.items()
        if name in metrics
    )
