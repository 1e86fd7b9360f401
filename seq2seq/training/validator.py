"""Whether a validation is the best so far, and what follows from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq.config import TrainingConfig
from seq2seq.model.model import Seq2Seq
from seq2seq.training.judgement import best_first, check_loss, is_better
from seq2seq.training.progress import Progress, Scored
from seq2seq.training.schedules import plateau_factor

logger = logging.getLogger(__name__)


class Sample(NamedTuple):
    """One validation sentence as the model translates it now."""

    source: str
    reference: str
    hypothesis: str


class Validation(NamedTuple):
    """How good the model is now: nats a target token (EOS counted), BLEU and chrF when decoding."""

    loss: float
    bleu: float
    chrf: float
    samples: Sequence[Sample] = ()
    tokenize: str = "13a"
    """The tokens that BLEU counts; a BLEU of other tokens cannot be compared with it."""
    bleu_tells: bool = True
    """Whether BLEU can tell a good model from a bad one on this validation set."""
    exact: float = 0.0
    """Percent of the lines that are right to the letter when decoding."""

    @property
    def metrics(self) -> dict[str, float]:
        """The four figures by name."""
        figures = {"loss": self.loss, "bleu": self.bleu, "chrf": self.chrf}
        return {**figures, "exact": self.exact}


Validate = Callable[[Seq2Seq], Validation]


class Validator:
    """Validates a model and compares it with the best before it."""

    def __init__(self, config: TrainingConfig, validate: Validate, vocabulary: int) -> None:
        self._config = config
        self._validate = validate
        self._vocabulary = vocabulary
        self._told: set[str] = set()

    def validate(self, model: Seq2Seq, step: int) -> Validation:
        """Return how good the model is after `step` updates; UserError if it is lost."""
        validation = self._validate(model)
        check_loss(validation.loss, self._vocabulary, step)
        return validation

    def judge(self, validation: Validation, progress: Progress) -> bool:
        """Note a validation: a new best, or one more miss; return whether it is the best so far."""
        better, schedule = self.is_best(validation, progress), self._config.schedule
        progress.misses = 0 if better else progress.misses + 1
        progress.judge = self._judging_metric(validation, progress)
        progress.ranking = self._ranked(validation, progress)
        if better:
            progress.best_step = progress.step
            note_best(validation, progress)
        elif plateau_factor(schedule, 1) != 1:  # not of another kind, which a resume may change
            progress.reductions += progress.misses % (schedule.patience + 1) == 0
        return better

    def is_best(self, validation: Validation, progress: Progress) -> bool:
        """Return whether it is the best so far at `training.metric`, or at what can be compared."""
        metric = self._judging_metric(validation, progress)
        return is_better(validation.metrics, progress.best_metrics, metric)

    def _ranked(self, validation: Validation, progress: Progress) -> list[Scored]:
        """The best so far and this one, as many as will be averaged, the best first."""
        if self._config.average == 1 or self._config.average_of != "best":
            return []
        new = Scored(progress.step, validation.metrics, validation.tokenize)
        others = [scored for scored in progress.ranking if scored.step != new.step]
        return best_first([*others, new], progress.judge)[: self._config.average]

    def _judging_metric(self, validation: Validation, progress: Progress) -> str:
        metric = self._config.metric
        if metric == "bleu" and not validation.bleu_tells:
            metric = "loss"
        elif metric == "bleu" and progress.best_metrics:
            if validation.tokenize != progress.best_tokenize:
                self._tell_once(
                    f"the best BLEU so far counts the tokens of {progress.best_tokenize}, the new "
                    f"one the tokens of {validation.tokenize}: the loss judges until there is a "
                    "new best"
                )
                metric = "loss"
            elif validation.bleu == progress.best_metrics["bleu"] == 0:
                self._tell_once("validation BLEU is 0 so far: the loss judges until it rises")
        return metric

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            logger.info("%s", text)


def note_best(validation: Validation, progress: Progress) -> None:
    """Note the figures of a validation as the best so far."""
    progress.best_metrics = validation.metrics
    progress.best_tokenize = validation.tokenize
