"""The equations of a machine's memory where they break, against arithmetic on paper."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.config import CellConfig
from seq2seq.errors import UserError
from seq2seq.model.cells import build_cell
from seq2seq.model.cells.machine import Machine, MachineState
from seq2seq.model.contract import Tree, named_leaves, select
from seq2seq.model.memory import (
    allocate,
    cosines,
    interpolate,
    link,
    look_up,
    neighbours,
    oneplus,
    precede,
    sharpen,
    shift,
    use,
    write,
)
from seq2seq.model.parts import initialise
from seq2seq.model.probe import recording


def one_hot(slot: int, slots: int) -> Tensor:
    return torch.eye(slots)[slot].view(1, 1, slots)


# --- what heads do --------------------------------------------------------------------------------


def test_the_cosine_with_an_empty_slot_is_0_and_its_gradient_is_finite() -> None:
    content_BNW = torch.zeros(1, 3, 4, requires_grad=True)
    keys_BHW = torch.zeros(1, 2, 4, requires_grad=True)
    found_BHN = cosines(keys_BHW, content_BNW)
    assert (found_BHN == 0).all()
    look_up(keys_BHW, torch.ones(1, 2, 1), content_BNW).square().sum().backward()
    for tensor in (content_BNW, keys_BHW):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


def test_the_cosine_is_that_of_the_angle_for_slots_that_hold_something() -> None:
    keys_BHW = torch.tensor([[[3.0, 4.0]]])
    content_BNW = torch.tensor([[[6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]]])
    torch.testing.assert_close(cosines(keys_BHW, content_BNW), torch.tensor([[[1.0, -1.0, 0.0]]]))


def test_a_key_strength_is_at_least_1() -> None:
    raw = torch.tensor([-1e4, -5.0, 0.0, 5.0, 1e4])
    assert (oneplus(raw) >= 1).all()
    assert oneplus(raw).isfinite().all()
    assert float(oneplus(torch.tensor(0.0))) == pytest.approx(1 + math.log(2))


def test_interpolation_at_0_and_1_takes_one_side_whole() -> None:
    found, last = one_hot(0, 3), one_hot(2, 3)
    assert torch.equal(interpolate(found, last, torch.tensor(1.0)), found)
    assert torch.equal(interpolate(found, last, torch.tensor(0.0)), last)


@pytest.mark.parametrize(("shifts", "slot"), [((1, 0, 0), 3), ((0, 1, 0), 0), ((0, 0, 1), 1)])
def test_shifts_of_minus_1_0_and_1_go_round_the_ring(shifts: tuple[int, ...], slot: int) -> None:
    shifts_BHR = torch.tensor(shifts, dtype=torch.float32).view(1, 1, 3)
    moved_BHN = shift(neighbours(one_hot(0, 4), 3), shifts_BHR)
    assert torch.equal(moved_BHN, one_hot(slot, 4))


def test_a_shift_keeps_the_sum_of_weights() -> None:
    torch.manual_seed(1)
    weights_BHN = torch.rand(2, 3, 7, dtype=torch.float64).softmax(-1)
    shifts_BHR = torch.randn(2, 3, 5, dtype=torch.float64).softmax(-1)
    moved_BHN = shift(neighbours(weights_BHN, 5), shifts_BHR)
    torch.testing.assert_close(moved_BHN.sum(-1), torch.ones(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("weights_BHN", [one_hot(1, 128), torch.full((1, 1, 128), 1 / 128)])
def test_sharpening_by_50_stays_finite_and_sums_to_1(weights_BHN: Tensor) -> None:
    weights_BHN = weights_BHN.clone().requires_grad_()
    sharpness = torch.tensor(50.0, requires_grad=True)
    sharp_BHN = sharpen(weights_BHN, sharpness)
    torch.testing.assert_close(sharp_BHN, weights_BHN)  # neither has anything to sharpen
    sharp_BHN[..., 1].sum().backward()
    for gradient in (weights_BHN.grad, sharpness.grad):
        assert gradient is not None
        assert gradient.isfinite().all()


def test_sharpening_is_the_power_over_its_sum() -> None:
    expected = torch.tensor([0.1**3, 0.2**3, 0.7**3]) / (0.1**3 + 0.2**3 + 0.7**3)
    torch.testing.assert_close(sharpen(torch.tensor([0.1, 0.2, 0.7]), torch.tensor(3.0)), expected)


def test_erasing_all_leaves_what_is_added_and_no_head_erases_twice() -> None:
    content_BNW = torch.full((1, 3, 2), 5.0)
    weights_BHN = torch.cat((one_hot(1, 3), one_hot(1, 3)), 1)
    erase_BHW, add_BHW = torch.ones(1, 2, 2), torch.tensor([[[1.0, 2.0], [0.5, 0.0]]])
    written_BNW = write(content_BNW, weights_BHN, erase_BHW, add_BHW)
    assert written_BNW.tolist() == [[[5.0, 5.0], [1.5, 2.0], [5.0, 5.0]]]


# --- which slots are free -------------------------------------------------------------------------


def test_usage_stays_in_0_to_1_and_a_free_gate_of_1_frees_what_was_read() -> None:
    torch.manual_seed(1)
    usage_BN = torch.rand(2, 5)
    for _ in range(50):
        written_BN, read_BHN = torch.rand(2, 5).softmax(-1), torch.rand(2, 3, 5).softmax(-1)
        usage_BN = use(usage_BN, written_BN, read_BHN, torch.rand(2, 3))
        assert (usage_BN >= 0).all()
        assert (usage_BN <= 1).all()
    full_BN, nothing_BN = torch.ones(1, 3), torch.zeros(1, 3)
    for gate in (0.0, 1.0):
        usage_BN = use(full_BN, nothing_BN, one_hot(1, 3), torch.full((1, 1), gate))
        assert usage_BN.tolist() == [[1.0, 1.0 - gate, 1.0]]


def test_allocation_goes_to_the_free_slots_and_sums_to_at_most_1() -> None:
    for usage, expected in (
        ((1.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
        # a half free slot takes half, and the next what is left of it
        ((0.9, 0.5, 0.6), (0.1 * 0.5 * 0.6, 0.5, 0.4 * 0.5)),
    ):
        found_BN = allocate(torch.tensor([usage]))
        torch.testing.assert_close(found_BN, torch.tensor([expected]), atol=2e-6, rtol=0)
    assert (allocate(torch.ones(1, 4)).sum(-1) < 1e-6).all()  # nothing is free
    torch.manual_seed(1)
    sums_B = allocate(torch.rand(100, 9)).sum(-1)
    assert (sums_B <= 1 + 1e-6).all()


def test_allocation_has_finite_gradients_where_slots_are_all_free_or_all_full() -> None:
    for usage in (0.0, 1.0):
        usage_BN = torch.full((1, 4), usage, requires_grad=True)
        allocate(usage_BN).square().sum().backward()
        assert usage_BN.grad is not None
        assert usage_BN.grad.isfinite().all()


def test_links_lead_from_each_slot_to_the_one_that_was_written_next() -> None:
    links_BNN, precedence_BN = torch.zeros(1, 4, 4), torch.zeros(1, 4)
    for slot in (2, 0, 3):
        written_BN = torch.eye(4)[slot].unsqueeze(0)
        links_BNN = link(links_BNN, written_BN, precedence_BN)
        precedence_BN = precede(precedence_BN, written_BN)
    expected = torch.zeros(4, 4)
    expected[0, 2] = expected[3, 0] = 1
    assert torch.equal(links_BNN[0], expected)
    assert torch.equal(precedence_BN, torch.eye(4)[3].unsqueeze(0))


# --- the cells ------------------------------------------------------------------------------------

MACHINES: dict[str, dict[str, Any]] = {
    "ntm": {"slots": 6, "width": 3, "reads": 2},
    "ntm, two that write": {"slots": 6, "width": 3, "writes": 2, "controller": "feed-forward"},
    "dnc": {"slots": 6, "width": 3, "reads": 2, "controller": "gru"},
    "dnc, of Franke et al.": {
        "slots": 6,
        "width": 3,
        "reads": 2,
        "links": False,
        "norm": True,
    },
}


def machine(name: str) -> Machine:
    return machine_of(name.partition(",")[0], **MACHINES[name])


def machine_of(kind: str, **options: Any) -> Machine:
    torch.manual_seed(2)
    cell = build_cell(CellConfig.model_validate({"kind": kind, **options}), 4, 5, key="cell")
    initialise(cell)
    assert isinstance(cell, Machine)
    return cell


def blank(cell: Machine, batch: int, dtype: torch.dtype = torch.float32) -> Tree:
    return cell.start(torch.zeros(batch, cell.state_size, dtype=dtype))


def test_a_fresh_dnc_with_norm_tells_its_heads_what_the_controller_says() -> None:
    cell = machine_of("dnc", slots=5, width=3, norm=True)
    outputs_BTD, _ = cell(torch.randn(2, 3, 4), blank(cell, 2))
    outputs_BTD.sum().backward()
    grad = cell.heads.weight.grad
    assert grad is not None
    assert grad.abs().max() > 0


@pytest.mark.parametrize("name", MACHINES)
def test_a_sentence_is_the_same_alone_and_in_a_batch(name: str) -> None:
    cell = machine(name).double()
    inputs_BTI = torch.randn(3, 7, 4, dtype=torch.float64)
    together_BTD, state = cell(inputs_BTI, blank(cell, 3, torch.float64))
    for row in range(3):
        alone_BTD, own = cell(inputs_BTI[row : row + 1], blank(cell, 1, torch.float64))
        torch.testing.assert_close(alone_BTD[0], together_BTD[row])
        for (_, one), (_, other) in zip(
            named_leaves(own), named_leaves(select(state, torch.tensor([row]))), strict=True
        ):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", MACHINES)
def test_a_state_stays_as_it_is_after_the_last_step_of_its_sentence(name: str) -> None:
    cell = machine(name).double()
    inputs_BTI = torch.randn(2, 5, 4, dtype=torch.float64)
    _, state = cell(inputs_BTI, blank(cell, 2, torch.float64), torch.tensor([5, 2]))
    _, short = cell(inputs_BTI[1:, :2], blank(cell, 1, torch.float64))
    for (_, one), (_, other) in zip(
        named_leaves(select(state, torch.tensor([1]))), named_leaves(short), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_long_sequences_stay_finite(name: str, precision: torch.dtype) -> None:
    cell = machine(name)
    for parameter in cell.parameters():  # far from where training starts
        torch.nn.init.normal_(parameter, std=2.0)
    inputs_BTI = 3 * torch.randn(2, 40, 4)
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16),
        recording() as seen,
    ):
        outputs_BTD, _ = cell(inputs_BTI, blank(cell, 2))
    outputs_BTD.float().square().mean().backward()
    assert outputs_BTD.isfinite().all()
    for parameter in cell.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    for probed, tensors in seen.items():
        if "weights" in probed:
            assert (torch.stack(tensors).sum(-1) <= 1 + 1e-4).all()


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        *((60, name) for name in MACHINES),
        *(pytest.param(2000, name, marks=pytest.mark.slow) for name in MACHINES),
    ],
)
def test_training_makes_no_nan(steps: int, name: str) -> None:
    """To say at the end what came first; learning rate 0.001."""
    cell = machine(name)
    optimizer = torch.optim.Adam(cell.parameters(), lr=1e-3)
    draws = torch.Generator().manual_seed(3)
    losses = []
    for _ in range(steps):
        inputs_BTI = torch.randn(8, 6, 4, generator=draws)
        outputs_BTD, _ = cell(inputs_BTI, blank(cell, 8))
        loss = (outputs_BTD[:, -1, :4] - inputs_BTI[:, 0]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(map(math.isfinite, losses))


def test_what_starts_a_machine_starts_its_controller() -> None:
    cell = machine("dnc")
    start_BX = torch.randn(2, cell.state_size)
    state = cell.start(start_BX)
    assert isinstance(state, MachineState)
    assert torch.equal(dict(named_leaves(state))["controller"], start_BX)


def test_without_links_a_dnc_reads_by_content_alone() -> None:
    linked, alone = (
        machine_of("dnc", slots=6, width=3, reads=1, links=links) for links in (True, False)
    )
    weights = linked.state_dict()
    key, modes = slice(0, 3), slice(3, 6)  # of the one head that reads
    linked.heads.weight.data[modes] = 0
    linked.heads.bias.data[modes] = torch.tensor([-50.0, 50.0, -50.0])  # before, content, after
    for name in ("heads.weight", "heads.bias"):
        weights[name] = torch.cat((weights[name][key], weights[name][modes.stop :]))
    alone.load_state_dict(weights)
    inputs_BTI = torch.randn(2, 7, 4)
    found, expected = (cell(inputs_BTI, blank(cell, 2))[0] for cell in (alone, linked))
    torch.testing.assert_close(found, expected)


def test_norm_is_of_what_the_heads_are_told() -> None:
    cell = machine_of("dnc", norm=True)
    inputs_BTI = torch.randn(2, 7, 4)
    before, _ = cell(inputs_BTI, blank(cell, 2))
    cell.heads.weight.data *= 3  # and its bias is 0: all of it three times as large
    torch.testing.assert_close(cell(inputs_BTI, blank(cell, 2))[0], before, atol=1e-3, rtol=1e-3)


def test_bypass_dropout_leaves_what_is_read() -> None:
    cell = machine_of("dnc", bypass_dropout=0.999999)
    cell.mix.weight.data[:, cell.size :] = 0  # of what is read
    outputs, _ = cell(torch.randn(2, 7, 4), blank(cell, 2))
    assert torch.equal(outputs, cell.mix.bias.expand_as(outputs))
    cell.eval()
    outputs, _ = cell(torch.randn(2, 7, 4), blank(cell, 2))
    assert not torch.equal(outputs, cell.mix.bias.expand_as(outputs))


def test_probes_say_where_a_machine_stands() -> None:
    cell = machine("dnc")
    cell.place = "backward.2"
    with recording() as seen:
        cell(torch.randn(1, 2, 4), blank(cell, 1))
    assert {name.rpartition(".")[0] for name in seen} == {"backward.2.memory"}
    for name, (first, *_) in seen.items():
        assert first.size(name.rpartition("_")[2].index("T")) == 1


def test_a_shift_beyond_the_ring_is_refused() -> None:
    config = CellConfig.model_validate({"kind": "ntm", "slots": 2, "shift": 3})
    with pytest.raises(UserError, match=r"cell\.shift: expected at most the slots, 2, found 3"):
        build_cell(config, 4, 5, key="cell")
