"""The probe: who listens sees and replaces what runs in the block, thread and task, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier

import pytest
import torch
from torch import Tensor

from seq2seq.config import ModelConfig
from seq2seq.errors import UserError
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import (
    Recording,
    is_probed,
    observing,
    probe,
    recording,
    replacing,
    scope,
    timing,
)

ONE = torch.ones(3)


def doubled(tensor: Tensor) -> Tensor:
    return 2 * tensor


def inner() -> Tensor:
    """What a model would do."""
    with scope("decoder"), scope("source"):
        return probe("weights_S", ONE)


def values(seen: Recording) -> dict[str, list[float]]:
    """The first entry of each recorded tensor."""
    return {name: [float(tensor[0]) for tensor in tensors] for name, tensors in seen.items()}


# --- names ----------------------------------------------------------------------------------------


def test_a_probed_tensor_is_itself_when_nobody_listens() -> None:
    assert inner() is ONE
    assert not is_probed()


def test_a_recording_has_full_names_and_one_tensor_a_call_in_order() -> None:
    with recording() as seen:
        inner()
        with scope("decoder"):
            probe("states_S", 3 * ONE)
        probe("states_S", 4 * ONE)
        with scope("decoder"):
            probe("states_S", 5 * ONE)
    assert values(seen) == {
        "decoder.source.weights_S": [1], "decoder.states_S": [3, 5], "states_S": [4]
    }  # fmt: skip


def test_a_name_that_was_not_recorded_is_no_empty_list() -> None:
    with recording() as seen:
        inner()
    with pytest.raises(KeyError, match="weights_T"):
        seen["decoder.source.weights_T"]


def test_a_scope_ends_where_an_error_leaves_it() -> None:
    with recording() as seen:
        with pytest.raises(ZeroDivisionError), scope("decoder"):
            raise ZeroDivisionError
        probe("after_S", ONE)
    assert list(seen) == ["after_S"]


def test_what_is_recorded_has_no_gradient_and_what_is_returned_has() -> None:
    leaf = torch.ones(2, requires_grad=True)
    with recording() as seen:
        returned = probe("leaf_S", leaf)
    assert returned is leaf
    assert not seen["leaf_S"][0].requires_grad


def test_an_observer_is_called_while_the_model_runs() -> None:
    names: list[str] = []
    with observing(lambda name, _: names.append(name)):
        probe("first_S", ONE)
        assert names == ["first_S"]
        probe("second_S", ONE)
    assert names == ["first_S", "second_S"]


def test_all_of_nested_recordings_see() -> None:
    with recording() as outer:
        inner()
        with recording() as within:
            inner()
    assert values(outer) == {"decoder.source.weights_S": [1, 1]}
    assert values(within) == {"decoder.source.weights_S": [1]}


# --- replacing ------------------------------------------------------------------------------------


def test_what_is_replaced_is_returned_and_seen_by_a_recording_outside_and_inside() -> None:
    with (
        recording() as outside,
        replacing("decoder.source.weights_S", doubled),
        recording() as inside,
    ):
        assert inner().tolist() == [2, 2, 2]
    assert values(outside) == values(inside) == {"decoder.source.weights_S": [2]}


def test_of_nested_replacements_the_outermost_comes_first() -> None:
    with replacing("*.weights_S", doubled), replacing("*.weights_S", lambda tensor: tensor + 1):
        assert inner().tolist() == [3, 3, 3]
    with replacing("*.weights_S", lambda tensor: tensor + 1), replacing("*.weights_S", doubled):
        assert inner().tolist() == [4, 4, 4]
    assert inner() is ONE


def test_a_star_stands_for_any_layer() -> None:
    with replacing("decoder.*source.weights_S", doubled), scope("decoder"):
        with scope("1"), scope("source"):
            assert float(probe("weights_S", ONE)[0]) == 2
        with scope("source"):
            assert float(probe("weights_S", ONE)[0]) == 2
        with scope("self"):
            assert probe("weights_S", ONE) is ONE


def test_a_replacement_is_handed_the_context_of_its_probe() -> None:
    with replacing("sum_S", lambda tensor, more, most: tensor + more * most):
        assert probe("sum_S", ONE, 2, 3).tolist() == [7, 7, 7]


def test_a_name_that_never_came_up_is_refused_with_those_that_did() -> None:
    line = (
        r"replacing 'decoder.sauce.weights_S': expected one of decoder.source.weights_S "
        r"\(did you mean 'decoder.source.weights_S'\?\)"
    )
    with pytest.raises(UserError, match=f"^{line}$"), replacing("decoder.sauce.weights_S", doubled):
        inner()


def test_nothing_is_refused_where_nothing_ran_or_an_error_ended_it() -> None:
    def fail() -> None:
        inner()
        raise ZeroDivisionError

    with replacing("decoder.sauce.weights_S", doubled):
        pass
    with pytest.raises(ZeroDivisionError), replacing("decoder.sauce.weights_S", doubled):
        fail()


# --- timing ---------------------------------------------------------------------------------------


class Clock:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def enter(self, scope: str) -> None:
        self.told.append(scope)

    def leave(self) -> None:
        self.told.append("-")


def test_a_clock_is_told_of_scopes_and_does_not_count_as_probing() -> None:
    clock = Clock()
    with timing(clock):
        assert inner() is ONE
        assert not is_probed()
        with pytest.raises(ZeroDivisionError), scope("output"):
            raise ZeroDivisionError
    inner()
    assert clock.told == ["decoder", "decoder.source", "-", "-", "output", "-"]


def test_recording_replacing_and_timing_go_together() -> None:
    clock = Clock()
    with timing(clock), replacing("*.weights_S", doubled), recording() as seen:
        inner()
    assert clock.told == ["decoder", "decoder.source", "-", "-"]
    assert values(seen) == {"decoder.source.weights_S": [2]}


# --- threads and tasks ----------------------------------------------------------------------------


def test_a_thread_sees_nothing_of_what_another_listens_to() -> None:
    barrier = Barrier(2, timeout=60)

    def work(factor: float) -> tuple[list[float], dict[str, list[float]]]:
        found = []
        with replacing("*.weights_S", lambda tensor: factor * tensor), recording() as seen:
            for _ in range(20):
                barrier.wait()
                found.append(float(inner()[0]))
        return found, values(seen)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(work, (3.0, 5.0)))
    for factor, (found, seen) in zip((3.0, 5.0), both, strict=True):
        assert found == [factor] * 20
        assert seen == {"decoder.source.weights_S": [factor] * 20}


def test_a_thread_that_starts_in_a_block_does_not_belong_to_it_but_a_copied_context_does() -> None:
    with ThreadPoolExecutor(1) as pool, recording() as seen:
        assert not pool.submit(is_probed).result()
        pool.submit(inner).result()
        assert not seen
        assert pool.submit(copy_context().run, is_probed).result()
        pool.submit(copy_context().run, inner).result()
    assert values(seen) == {"decoder.source.weights_S": [1]}


def test_a_task_sees_nothing_of_what_another_listens_to() -> None:
    async def work(factor: float) -> list[float]:
        found = []
        with replacing("*.weights_S", lambda tensor: factor * tensor):
            for _ in range(5):
                await asyncio.sleep(0)  # the other's turn
                found.append(float(inner()[0]))
                found.append(float((await asyncio.to_thread(inner))[0]))
        return found

    async def both() -> list[list[float]]:
        return list(await asyncio.gather(work(3), work(5)))

    assert asyncio.run(both()) == [[3] * 10, [5] * 10]


# --- the model ------------------------------------------------------------------------------------


def model(**changes: object) -> Seq2Seq:
    torch.manual_seed(3)
    config = {
        "embedding": 6,
        "encoder": {"size": 4, "self_attention": "dot"},
        "attention": {"kind": "multihead", "size": 6, "heads": 2},
        "decoder": {"size": 8},
        **changes,
    }
    return Seq2Seq(ModelConfig.model_validate(config), 11, 11).double().eval()


INPUTS = torch.tensor([[4, 5, 6], [7, 8, 0]]), torch.tensor([3, 2]), torch.tensor([[2, 5], [2, 6]])


def test_these_are_the_names() -> None:
    with recording() as seen:
        model()(*INPUTS)
    memory = ["keys_BHSK", "values_BHSV"]
    step = ["queries_BHTK", "scores_BHTS", "weights_BHTS", "context_BTV"]
    assert list(seen) == [
        "encoder.embedded_BSI",
        *(f"encoder.self.{name}" for name in memory + step),
        "encoder.states_BSE",
        *(f"decoder.source.{name}" for name in memory),
        "decoder.states_BTD",
        *(f"decoder.source.{name}" for name in step),
        "decoder.features_BTF",
    ]


def test_axes_are_what_the_names_say() -> None:
    with recording() as seen:
        model(decoder={"size": 8, "kind": "luong"})(*INPUTS)
    sizes = {"B": 2, "S": 3, "T": 2, "H": 2, "I": 6, "E": 8, "D": 8, "K": 3, "F": 6}
    value_size = {"values_BHSV": 3, "context_BTV": 6}  # of a head, and of all side by side
    assert {
        name: tuple(tensor.shape)
        for name, (tensor,) in seen.items()
        if not name.startswith("encoder.self")  # T = S, one head of another size
    } == {
        name: tuple(
            sizes.get(axis) or value_size[name.rpartition(".")[2]]
            for axis in name.rpartition("_")[2]
        )
        for name in seen
        if not name.startswith("encoder.self")
    }


@pytest.mark.parametrize(
    ("name", "move"),
    [
        ("encoder.embedded_BSI", lambda tensor: tensor + 1),
        ("encoder.states_BSE", lambda tensor: tensor + 1),
        ("decoder.source.keys_BHSK", lambda tensor: tensor * torch.arange(3).unsqueeze(1)),
        ("decoder.source.values_BHSV", lambda tensor: tensor + 1),
        ("encoder.self.scores_BHTS", lambda tensor: tensor * torch.arange(3)),
        ("decoder.states_BTD", lambda tensor: tensor + 1),
        ("decoder.source.queries_BHTK", lambda tensor: tensor + 1),
        ("decoder.source.weights_BHTS", lambda tensor, *_: tensor.roll(1, -1)),
        ("decoder.source.context_BTV", lambda tensor: tensor + 1),
        ("decoder.features_BTF", lambda tensor: tensor + 1),
    ],
)
def test_a_replaced_tensor_is_the_one_that_the_model_goes_on_with(
    name: str, move: Callable[..., Tensor]
) -> None:
    network = model()
    own = network(*INPUTS).features_BTF
    with replacing(name, move):
        moved = network(*INPUTS).features_BTF
    assert not torch.allclose(own, moved)
    assert torch.equal(network(*INPUTS).features_BTF, own)
