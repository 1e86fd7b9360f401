"""All steps as one function against the readable path: the same outputs, the same gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.kernels.attention_loop import attend_before_gru
from seq2seq.kernels.deferred import readable
from seq2seq.model.attention import AttentionState, Memory
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.contract import Decoded, named_leaves
from seq2seq.model.decoders import bahdanau
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import recording, replacing
from tests.unit.kernels.test_deferred import PIECES, build

DECODERS = {
    "before the cell": [],
    "before the cell, two layers": ["model.decoder.layers=2"],
}
UNITS = ["additive", "{kind: additive, size: 5}"]
LENGTHS_B = torch.tensor([5, 3, 1])


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of steps of the loops that were taken."""
    steps: list[int] = []

    def spy(gates_BTG: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
        steps.append(gates_BTG.size(1))
        return attend_before_gru(gates_BTG, *arguments)

    monkeypatch.setattr("seq2seq.model.decoders.bahdanau.attend_before_gru", spy)
    return steps


def decoded(model: Seq2Seq, steps: int = 4) -> Decoded:
    torch.manual_seed(2)
    source_BS, inputs_BT = torch.randint(4, PIECES, (3, 5)), torch.randint(4, PIECES, (3, steps))
    found: Decoded = model(source_BS, LENGTHS_B, inputs_BT)
    return found


def everything(found: Decoded) -> list[Tensor]:
    """All that may be read afterwards."""
    leaves = [leaf for _, leaf in named_leaves(found.state)]
    return [found.features_BTF, found.weights_BHTS, *leaves]


def backward(found: Decoded, model: Seq2Seq, *, keep: bool = False) -> dict[str, Tensor]:
    """The gradients of something of the features, of the weights and of the state."""
    parts = [each for each in everything(found) if each.requires_grad and each.numel()]
    wanted = [each.detach().cos() for each in parts]
    torch.autograd.backward(parts, wanted, retain_graph=keep)
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return gradients


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("settings", DECODERS.values(), ids=DECODERS.keys())
def test_outputs_and_gradients_are_those_of_the_readable_path(
    settings: list[str], unit: str, loops: list[int]
) -> None:
    model = build([*settings, f"model.attention={unit}"])
    ours = decoded(model)
    assert loops == [4]
    with readable():
        theirs = decoded(model)
    assert len(loops) == 1
    torch.testing.assert_close(everything(ours), everything(theirs))
    torch.testing.assert_close(backward(ours, model), backward(theirs, model))


@pytest.mark.parametrize("settings", DECODERS.values(), ids=DECODERS.keys())
def test_a_graph_that_is_kept_gives_the_same_gradients_again(settings: list[str]) -> None:
    model = build(settings)
    found = decoded(model)
    first = backward(found, model, keep=True)
    torch.testing.assert_close(backward(found, model), first)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        backward(found, model)


@pytest.mark.parametrize("settings", DECODERS.values(), ids=DECODERS.keys())
def test_a_matrix_that_changed_before_the_backward_is_refused(settings: list[str]) -> None:
    model = build(settings)
    found = decoded(model)
    with torch.no_grad():
        for name, parameter in model.decoder.named_parameters():
            if "weight_hh" in name:
                parameter.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        backward(found, model)


@pytest.mark.parametrize("settings", DECODERS.values(), ids=DECODERS.keys())
def test_an_output_that_changed_before_the_backward_is_refused(settings: list[str]) -> None:
    model = build(settings)
    found = decoded(model)
    with torch.no_grad():
        found.weights_BHTS.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified.*inplace"):
        backward(found, model)


@pytest.mark.parametrize("settings", DECODERS.values(), ids=DECODERS.keys())
def test_in_bf16_it_is_as_near_as_the_steps_are(
    settings: list[str], loops: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(settings).float()

    def found() -> list[Tensor]:
        made = decoded(model)
        return [*everything(made), *backward(made, model).values()]

    exact = found()
    with torch.autocast("cpu", torch.bfloat16):
        ours = found()
        assert len(loops) == 2
        monkeypatch.setattr(bahdanau.Bahdanau, "fused_loop", False)
        steps = found()
    assert len(loops) == 2

    def error(values: list[Tensor]) -> Tensor:
        pairs = zip(values, exact, strict=True)
        return torch.stack([(one - other).double().norm() for one, other in pairs]).norm()

    assert 0 < error(ours) < 2 * error(steps)


class Heir(Additive):
    """Has another equation."""

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        return 2 * super().score(queries_BHTK, memory, state)


OTHERS: dict[str, tuple[list[str], Callable[[Seq2Seq], Any]]] = {
    "location-aware": (["model.attention=location-aware"], lambda _: None),
    "general": (["model.attention=general"], lambda _: None),
    "multihead": (["model.attention={kind: multihead, heads: 2}"], lambda _: None),
    "sparsemax": (["model.attention={kind: additive, addressing: sparsemax}"], lambda _: None),
    "lstm": (["model.decoder.cell=lstm"], lambda _: None),
    "between two cells": (["model.decoder.kind=conditional"], lambda _: None),
    "after the cell": (
        ["model.decoder={kind: luong, size: 8, input_feeding: true}"],
        lambda _: None,
    ),
    "evaluating": ([], lambda model: model.eval() and None),
    "recorded": ([], lambda _: recording()),
    "weights replaced": (
        [],
        lambda _: replacing("decoder.source.weights_BHTS", lambda weights, *_: weights.roll(1, -1)),
    ),
    "an heir": (
        [],
        lambda model: setattr(model.decoder.units["source"], "__class__", Heir),
    ),
}


@pytest.mark.parametrize(("settings", "prepare"), OTHERS.values(), ids=OTHERS.keys())
def test_all_others_go_step_by_step(
    settings: list[str], prepare: Callable[[Seq2Seq], Any], loops: list[int]
) -> None:
    model = build(settings)
    context = prepare(model)
    if context is None:
        decoded(model)
    else:
        with context:
            decoded(model)
    assert not loops


def test_a_single_step_is_a_step(loops: list[int]) -> None:
    decoded(build([]), steps=1)
    assert not loops
