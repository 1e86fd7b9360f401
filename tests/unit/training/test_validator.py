"""Which validation is the best, and what a miss leads to."""

import pytest
import torch

from seq2seq.config import TrainingConfig
from seq2seq.errors import UserError
from seq2seq.training.progress import Progress
from seq2seq.training.validator import Validation, Validator


def validator(*losses: float, **settings: object) -> Validator:
    found = iter([Validation(loss, 0, 0) for loss in losses])
    config = TrainingConfig.model_validate({"max_steps": 9, **settings})
    return Validator(config, lambda _: next(found), vocabulary=10)


def test_the_best_is_noted_with_its_step_and_a_miss_is_counted() -> None:
    judge, progress = validator(metric="loss", schedule="plateau"), Progress(step=5)
    assert judge.judge(Validation(2.0, 1, 3), progress)
    assert (progress.best_step, progress.misses) == (5, 0)
    assert progress.best_metrics == {"loss": 2.0, "bleu": 1, "chrf": 3, "exact": 0}
    progress.step = 6
    assert not judge.judge(Validation(2.5, 1, 3), progress)
    assert not judge.judge(Validation(2.5, 1, 3), progress)
    assert (progress.best_step, progress.misses, progress.reductions) == (5, 2, 1)


def test_only_a_plateau_counts_reductions_so_that_a_resume_may_change_to_it() -> None:
    progress = Progress()
    for kind in ("constant", "plateau"):
        judge = validator(metric="loss", schedule=kind)
        judge.judge(Validation(2.0, 1, 3), progress)
        for _ in range(2):
            judge.judge(Validation(9.0, 1, 3), progress)
        assert progress.reductions == (kind == "plateau")


def test_the_ranking_has_each_step_once_and_compares_what_can_be_compared() -> None:
    judge = validator(metric="bleu", average=3, average_of="best")
    progress = Progress()
    for step, bleu, loss, tokens in (
        *((1, 10.0, 3.0, "13a"), (2, 20.0, 2.0, "13a"), (3, 5.0, 1.0, "char")),
        *((3, 5.0, 1.0, "char"), (4, 99.0, 9.0, "char")),
    ):
        progress.step = step
        judge.judge(Validation(loss, bleu, 0, tokenize=tokens), progress)
    assert [scored.step for scored in progress.ranking] == [3, 2, 1]


def test_to_ask_which_is_the_best_notes_nothing() -> None:
    progress = Progress(step=5)
    assert validator(metric="loss").is_best(Validation(2.0, 1, 3), progress)
    assert progress == Progress(step=5)


def test_a_validation_of_a_lost_model_is_refused() -> None:
    model: torch.nn.Module = torch.nn.Identity()
    with pytest.raises(UserError, match=r"the loss became nan, at or before step 7"):
        validator(float("nan")).validate(model, 7)  # type: ignore[arg-type]
