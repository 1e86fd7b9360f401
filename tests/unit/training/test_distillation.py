"""Distillation against sums on paper; networks of a few units in float64."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from seq2seq.data.batching import Batch, Size
from seq2seq.model.model import Seq2Seq
from seq2seq.training.distillation import Distillation
from seq2seq.training.objective import Likelihood
from tests.unit.training.test_update import batch, gradients, model


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def other(seed: int) -> Seq2Seq:
    """A model of other weights, and other sizes, over the same pieces."""
    network = model(decoder={"size": 6}, dropout=0.5)
    torch.manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    return network


def predictions(network: Seq2Seq, pairs: Batch) -> Tensor:
    decoded = network(pairs.source_BS, pairs.source_lengths_B, pairs.inputs_BT)
    return network.output(decoded.features_BTF[pairs.real_BT]).log_softmax(-1)


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_the_loss_is_the_likelihood_and_what_the_mean_of_the_teachers_expects(
    share: float,
) -> None:
    student, teachers, pairs = model(), [other(1), other(2)], batch(0, 1, 2)
    found = Distillation(student, teachers, share=share, smoothing=0.1)(pairs)
    plain = Likelihood(student, smoothing=0.1)(pairs)
    taught = torch.stack([predictions(each.eval(), pairs).exp() for each in teachers]).mean(0)
    apart = -(taught * predictions(student, pairs)).sum()
    torch.testing.assert_close(found.total, (1 - share) * plain.total + share * apart)
    torch.testing.assert_close(found.plain, plain.plain)
    assert found.weight == plain.weight


def test_teachers_stay_as_they_are_and_without_dropout() -> None:
    student, teacher = model(dropout=0.5), other(1)
    objective = Distillation(student, [teacher], share=1.0).train()
    assert not teacher.training
    assert {*objective.parameters()} == {*student.parameters()}
    objective(batch(0, 1)).total.backward()
    assert gradients(student)
    assert not gradients(teacher)


def test_a_student_alike_learns_to_predict_what_its_teacher_does() -> None:
    student, teacher, pairs = model(), other(1), batch(0, 1, 2, 3, 4)
    objective = Distillation(student, [teacher], share=1.0)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        objective(pairs).total.backward()
        optimizer.step()
    torch.testing.assert_close(
        predictions(student, pairs).exp(), predictions(teacher, pairs).exp(), atol=0.05, rtol=0
    )


def test_it_is_divided_by_tokens_and_an_emptied_batch_is_nothing() -> None:
    objective = Distillation(model(), [other(1)])
    assert objective.weight(Size(sentences=3, target_tokens=40)) == 40
    loss = objective(batch(0, 1).emptied())
    loss.total.backward()
    assert float(loss.total.detach()) == 0
    assert all(not gradient.any() for gradient in gradients(objective.model))
