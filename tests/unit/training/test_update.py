"""One update: what is added up, divided, clipped and applied -- against arithmetic on paper.

B = 3 and 2 sentences; a network of a few units in float64, without dropout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig, TeacherForcingConfig
from seq2seq.data.batching import Batch, Size, collate
from seq2seq.errors import RankError
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import Loss
from seq2seq.training.objective import Likelihood, Objective
from seq2seq.training.update import Update

PAIRS = [
    ([4, 5, 6], [7, 8]),
    ([5, 4], [9]),
    ([6, 7, 8, 9], [4, 5, 6]),
    ([9], [8]),
    ([8, 4], [5, 5]),
]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def batch(*numbers: int) -> Batch:
    pairs = [PAIRS[number] for number in numbers]
    return collate([(np.array(s), np.array(t)) for s, t in pairs], source_end=True)


def model(**settings: object) -> Seq2Seq:
    torch.manual_seed(1)
    sizes = {"encoder": {"size": 4}, "decoder": {"size": 8}, "embedding": 5, "dropout": 0.0}
    return Seq2Seq(ModelConfig.model_validate({**sizes, **settings}), 10, 10)


def gradients(module: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def update(objective: Objective, lr: float = 0.1, clip: float | None = None) -> Update:
    return Update(objective, torch.optim.SGD(objective.parameters(), lr=lr), clip=clip)


def test_batches_that_are_accumulated_are_one_larger_batch() -> None:
    networks = [model(), model()]
    groups = [[batch(0, 1, 2, 3, 4)], [batch(0, 1, 2), batch(3, 4)]]
    for network, group in zip(networks, groups, strict=True):
        change = update(Likelihood(network, smoothing=0.1), clip=0.3)
        for _ in range(5):
            change(group)
    one, two = (list(network.parameters()) for network in networks)
    torch.testing.assert_close(one, two, rtol=0, atol=1e-12)


def test_the_mean_is_over_tokens_and_not_over_the_means_of_batches() -> None:
    network = model()
    change = update(Likelihood(network))
    losses = change.backward([batch(0, 1, 2), batch(3)])
    assert [loss.weight for loss in losses] == [3 + 2 + 4, 2]
    expected = sum(Likelihood(network)(part).total for part in (batch(0, 1, 2), batch(3))) / 11
    found = gradients(network)
    torch.testing.assert_close(
        found, list(torch.autograd.grad(expected, list(network.parameters())))
    )


def test_the_size_of_the_whole_update_divides_where_other_ranks_have_the_rest() -> None:
    network = model()
    change = update(Likelihood(network))
    change.backward([batch(0)])
    alone = gradients(network)
    network.zero_grad()
    change.backward([batch(0)], Size(sentences=4, target_tokens=3 * 5))
    torch.testing.assert_close(gradients(network), [gradient / 5 for gradient in alone])


def test_the_gradient_is_clipped_before_the_step_and_cleared_after_it() -> None:
    network = model()
    before = [parameter.clone() for parameter in network.parameters()]
    update(Likelihood(network), lr=1.0, clip=0.01)([batch(0, 1, 2)])
    steps = zip(network.parameters(), before, strict=True)
    length = torch.stack([(after - old).norm() for after, old in steps]).norm().detach()
    torch.testing.assert_close(float(length), 0.01, rtol=1e-4, atol=0)
    assert gradients(network) == []


@pytest.mark.parametrize("attention", ["additive", {"kind": "additive", "addressing": "hard"}])
def test_an_emptied_batch_has_no_loss_and_a_gradient_of_0_for_each_parameter(
    attention: object,
) -> None:
    network = model(attention=attention)
    loss = Likelihood(network, smoothing=0.1).train()(batch(0, 1).emptied())
    loss.total.backward()
    assert (float(loss.total.detach()), float(loss.plain), loss.weight) == (0, 0, 0)
    assert len(gradients(network)) == len(list(network.parameters()))
    assert all(not gradient.any() for gradient in gradients(network))
    assert all(torch.isfinite(buffer).all() for buffer in network.buffers())


def test_a_rehearsal_leaves_weights_gradients_and_random_numbers_alone() -> None:
    network = model(dropout=0.3)
    before = [parameter.clone() for parameter in network.parameters()]
    state = torch.get_rng_state()
    forcing = TeacherForcingConfig(start=0.5)
    update(Likelihood(network, forcing=forcing)).rehearse(batch(0, 1, 2))
    torch.testing.assert_close(list(network.parameters()), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert gradients(network) == []


def test_forced_inputs_are_counted_where_a_draw_decides() -> None:
    network = model()
    assert (Likelihood(network)(batch(0, 1)).forced, Likelihood(network)(batch(0)).forcible) == (
        0,
        0,
    )
    always = Likelihood(network, forcing=TeacherForcingConfig(start=0.999999))(batch(0, 2))
    assert (always.forced, always.forcible) == (2 + 3, 2 + 3)


class Spoilt(Likelihood):
    """A likelihood whose loss or gradient is not finite after some updates."""

    def __init__(self, network: Seq2Seq, what: str, value: float, *steps: int) -> None:
        super().__init__(network)
        self.what, self.value, self.steps = what, value, steps

    def forward(self, batch: Batch, step: int = 0) -> Loss:
        loss = super().forward(batch, step)
        if step not in self.steps:
            return loss
        if self.what == "gradient":  # of one number alone
            weight = self.model.output.weight
            weight.register_hook(self._spoil)
            return loss._replace(total=loss.total + weight[1, 2])
        return loss._replace(**{self.what: getattr(loss, self.what) + self.value})

    def _spoil(self, gradient: Tensor) -> Tensor:
        spoilt = gradient.clone()
        spoilt[1, 2] = self.value
        return spoilt


OPTIMISERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "sgd": lambda module: torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9),
    "adam": lambda module: torch.optim.Adam(module.parameters(), lr=0.1, fused=True),
    "adamw": lambda module: torch.optim.AdamW(module.parameters(), lr=0.1, fused=True),
}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("what", ["total", "plain", "gradient"])
@pytest.mark.parametrize("clip", [1.0, None])
@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "adam, told on the device"])
def test_an_update_whose_loss_or_gradient_is_not_finite_changes_nothing(
    kind: str, clip: float | None, what: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others lead where they would have led without it."""
    if "told" in kind:  # as on a GPU
        monkeypatch.setattr("seq2seq.training.update._reads_flag", lambda *_: True)
    networks, states, skipped = [model(), model()], [], []
    for network, steps in zip(networks, [(0, 1, 2, 3), (0, 2, 3)], strict=True):
        objective = Spoilt(network, what, value, 1)
        optimizer = OPTIMISERS[kind.partition(",")[0]](objective)
        change = Update(objective, optimizer, clip=clip)
        for step in steps:
            losses = change([batch(0, 1), batch(2)], step=step)
            skipped.append(float(change.skipped))
            assert math.isfinite(sum(loss.plain for loss in losses))
            if step == 1:
                network.output.weight._backward_hooks = None
        states.append(optimizer.state_dict())
    assert skipped == [0, 1, 0, 0, 0, 0, 0]
    one, two = (list(network.parameters()) for network in networks)
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    torch.testing.assert_close(states[0]["state"], states[1]["state"], rtol=0, atol=0)


def test_after_the_last_of_so_many_in_a_row_no_update_is_made_until_it_is_told() -> None:
    network = model()
    objective = Spoilt(network, "total", math.nan, 0, 2, 3)
    change = Update(objective, torch.optim.SGD(objective.parameters(), lr=0.1), max_skipped=2)
    found = []
    for step in range(6):
        change([batch(0)], step=step)
        found.append(float(change.skipped))
    assert found == [1, 0, 1, 1, 1, 1]
    change.latch.start(1)
    change([batch(0)], step=6)
    assert float(change.skipped) == 0


def test_a_skipped_update_leaves_the_moving_means_of_a_model_alone() -> None:
    network = model(attention={"kind": "additive", "addressing": "hard"})
    change = update(Spoilt(network, "total", math.nan, 1))
    change([batch(0, 1)], step=0)
    (before,) = [buffer.clone() for buffer in network.buffers()]
    change([batch(0, 1)], step=1)
    assert torch.equal(next(iter(network.buffers())), before)
    change([batch(0, 1)], step=2)
    assert not torch.equal(next(iter(network.buffers())), before)


@pytest.mark.parametrize("attention", ["additive", {"kind": "additive", "addressing": "hard"}])
@pytest.mark.parametrize("following", ["argmax", "sample"])
def test_a_model_of_nan_is_skipped_and_no_draw_fails(following: str, attention: object) -> None:
    network = model(attention=attention)
    forcing = TeacherForcingConfig.model_validate({"start": 0.5, "next": following})
    with torch.no_grad():
        network.output.bias[3] = math.nan
        next(iter(network.encoder.parameters())).fill_(math.nan)
    change = update(Likelihood(network, forcing=forcing))
    (loss,) = change([batch(0, 1, 2)])
    assert (float(change.skipped), float(loss.plain)) == (1, 0)


def test_a_batch_that_does_not_fit_in_memory_is_told_by_step_lengths_and_key() -> None:
    class Full(Objective):
        def weight(self, size: Size) -> int:
            return size.sentences

        def forward(self, batch: Batch, step: int = 0) -> Loss:
            raise torch.OutOfMemoryError

    objective = Full()
    objective.parameter = nn.Parameter(torch.ones(1))
    told = (
        r"^out of memory at step 8 on a batch of 3 sentences, 5 source and 4 target pieces long: "
        r"lower batching\.tokens or data\.max_length$"
    )
    with pytest.raises(RankError, match=told):
        update(objective)([batch(0, 1, 2)], step=7)


def test_another_objective_says_what_it_is_divided_by() -> None:
    """One that is a mean over sentences, as the expected risk would be."""

    class Sentences(Likelihood):
        def weight(self, size: Size) -> int:
            return size.sentences

    network = model()
    update(Sentences(network)).backward([batch(0, 1, 2)])
    by_sentence = gradients(network)
    network.zero_grad()
    update(Likelihood(network)).backward([batch(0, 1, 2)])
    torch.testing.assert_close(by_sentence, [9 / 3 * gradient for gradient in gradients(network)])


# --- consistency: R-Drop --------------------------------------------------------------------------


def test_without_dropout_two_passes_are_the_loss_of_one() -> None:
    network = model()
    plain = Likelihood(network, smoothing=0.1)(batch(0, 1, 2))
    twice = Likelihood(network, smoothing=0.1, consistency=5.0)(batch(0, 1, 2))
    torch.testing.assert_close(twice.total, plain.total)
    torch.testing.assert_close(twice.plain, plain.plain)
    assert twice.weight == plain.weight


def test_with_dropout_the_loss_is_half_of_the_papers() -> None:
    network, alpha = model(dropout=0.3), 2.0
    pairs, seed = batch(0, 1, 2), 7
    objective = Likelihood(network, smoothing=0.1, consistency=alpha).train()
    torch.manual_seed(seed)
    found = objective(pairs)
    torch.manual_seed(seed)
    doubled = pairs.twice()
    decoded = network(doubled.source_BS, doubled.source_lengths_B, doubled.inputs_BT)
    logits_NW = network.output(decoded.features_BTF)[doubled.real_BT]
    log_probs = logits_NW.log_softmax(-1).chunk(2)
    targets = pairs.targets_BT[pairs.real_BT]
    losses = [
        nn.functional.cross_entropy(each, targets, reduction="sum", label_smoothing=0.1)
        for each in log_probs
    ]
    divergences = [
        nn.functional.kl_div(one, other, reduction="sum", log_target=True)
        for one, other in (log_probs, log_probs[::-1])
    ]
    paper = sum(losses) + alpha * sum(divergences) / 2
    torch.testing.assert_close(found.total, paper / 2)


def test_consistency_passes_what_is_drawn_twice() -> None:
    forcing = TeacherForcingConfig(start=0.5, next="sample")
    network = model(attention={"kind": "dot", "addressing": "hard"}, dropout=0.2)
    objective = Likelihood(network, forcing=forcing, consistency=1.0).train()
    loss = objective(batch(0, 1, 2))
    loss.total.backward()
    assert all(gradient.isfinite().all() for gradient in gradients(network))
    assert loss.forcible == 6  # of one pass


def test_an_emptied_batch_has_no_consistency() -> None:
    network = model()
    loss = Likelihood(network, consistency=5.0).train()(batch(0, 1).emptied())
    loss.total.backward()
    assert float(loss.total.detach()) == 0
    assert not any(gradient.any() for gradient in gradients(network))
