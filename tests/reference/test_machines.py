"""The machines with a memory against NumPy loops from their papers; float64.

Shapes: B = 2 sentences, T = 6 steps, input size 3, layer size 5; N slots of width W.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from seq2seq.config import CellConfig
from seq2seq.model.cells import build_cell
from seq2seq.model.cells.dnc import DNC
from seq2seq.model.cells.machine import Machine, MachineState
from seq2seq.model.cells.ntm import NTM
from seq2seq.model.probe import recording

Array = npt.NDArray[np.float64]
B, T, INPUT, SIZE = 2, 6, 3, 5
EMPTY = 1e-3  # the length at which the machines' cosine falls to 0


def machine(kind: str, **options: Any) -> Machine:
    torch.manual_seed(4)
    config = CellConfig.model_validate({"kind": kind, **options})
    cell = build_cell(config, INPUT, SIZE, key="cell").double()
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    assert isinstance(cell, Machine)
    return cell


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def oneplus(x: float) -> float:
    return 1 + np.log1p(np.exp(x))


def softmax(x: Array) -> Array:
    raised = np.exp(x - x.max())
    return raised / raised.sum()


def cosine(key: Array, slot: Array) -> float:
    lengths = [np.sqrt((vector**2).sum() + EMPTY**2) for vector in (key, slot)]
    return float(key @ slot / (lengths[0] * lengths[1]))


def content_weights(key: Array, strength: float, memory: Array) -> Array:
    return softmax(np.array([strength * cosine(key, slot) for slot in memory]))


class Controller:
    """The controller of a cell for one sentence, by its equations; it keeps its own state."""

    def __init__(self, cell: Machine, kind: str, start: Array) -> None:
        self.kind = kind
        self.weights = {
            name: parameter.detach().numpy() for name, parameter in cell.named_parameters()
        }
        self.hidden = start[:SIZE] if kind != "feed-forward" else np.zeros(SIZE)
        self.cell = start[SIZE:]

    def __call__(self, x: Array, reads: Array) -> Array:
        w = self.weights
        read_share = w["reading.weight"] @ reads.ravel()
        if self.kind == "feed-forward":
            gates = w["controller.weight_DI"] @ x + w["controller.bias_D"] + read_share
            self.hidden = np.tanh(gates)
            return self.hidden
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        wi, wh, bi, bh = (w[f"controller.layer.{name}"] for name in names)
        inputs, hidden = wi @ x + bi + read_share, wh @ self.hidden + bh
        if self.kind == "lstm":
            i, f, g, o = np.split(inputs + hidden, 4)
            self.cell = sigmoid(f) * self.cell + sigmoid(i) * np.tanh(g)
            self.hidden = sigmoid(o) * np.tanh(self.cell)
        else:
            (ri, zi, ni), (rh, zh, nh) = np.split(inputs, 3), np.split(hidden, 3)
            update = sigmoid(zi + zh)
            new = np.tanh(ni + sigmoid(ri + rh) * nh)
            self.hidden = (1 - update) * new + update * self.hidden
        return self.hidden

    def parameters(self) -> Array:
        parameters: Array = self.weights["heads.weight"] @ self.hidden + self.weights["heads.bias"]
        return parameters

    def output(self, reads: Array) -> Array:
        mixed = np.concatenate([self.hidden, reads.ravel()])
        output: Array = self.weights["mix.weight"] @ mixed + self.weights["mix.bias"]
        return output


def run(
    cell: Machine, kind: str, turn: Callable[[Any, Array], Array], memories: list[Any]
) -> tuple[Array, Tensor, dict[str, list[Tensor]], MachineState]:
    """Outputs by loops over sentences and steps, and those of the cell with what it probed."""
    draws = np.random.default_rng(8)
    inputs, starts = draws.normal(size=(B, T, INPUT)), draws.normal(size=(B, cell.state_size))
    expected = []
    for b in range(B):
        controller = Controller(cell, kind, starts[b])
        reads = controller.weights["first_reads_HW"]
        if kind == "feed-forward":
            reads = reads + starts[b].reshape(reads.shape)
        for t in range(T):
            controller(inputs[b, t], reads)
            reads = turn(memories[b], controller.parameters())
            expected.append(controller.output(reads))
    with recording() as seen:
        outputs_BTD, end = cell(torch.tensor(inputs), cell.start(torch.tensor(starts)))
    return np.stack(expected).reshape(B, T, SIZE), outputs_BTD, seen, end


def assert_same(found: Tensor, expected: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), np.array(expected), rtol=1e-9, atol=1e-12)


# --- the Neural Turing Machine --------------------------------------------------------------------


class Slots:
    """A memory of an NTM as the loops keep it."""

    def __init__(self, slots: int, width: int, heads: int) -> None:
        self.content = np.full((slots, width), 1e-6)
        self.weights = [np.eye(slots)[0] for _ in range(heads)]


def ntm_turn(cell: NTM, memory: Slots, parameters: Array) -> Array:
    """Graves et al. 2014, section 3, head by head and slot by slot."""
    slots, width, reach = cell.slots, cell.width, cell.shift
    heads = cell.reads + cell.writes
    each = width + 3 + 2 * reach + 1
    placing, written = parameters[: heads * each], parameters[heads * each :]
    weights = []
    for head in range(heads):
        own = placing[head * each : (head + 1) * each]
        key, beta, gamma = own[:width], oneplus(own[width]), oneplus(own[width + 1])
        gate, shifts = sigmoid(own[width + 2]), softmax(own[width + 3 :])
        found = content_weights(key, beta, memory.content)  # equation 5
        gated = gate * found + (1 - gate) * memory.weights[head]  # 7
        shifted = np.zeros(slots)
        for i in range(slots):  # 8
            for j in range(slots):
                for k, share in zip(range(-reach, reach + 1), shifts, strict=True):
                    if (i - j) % slots == k % slots:
                        shifted[i] += gated[j] * share
        weights.append(shifted**gamma / (shifted**gamma).sum())  # 9
    memory.weights = weights
    for number in range(cell.writes):  # 3: all erase
        erase = sigmoid(written[number * 2 * width :][:width])
        for i in range(slots):
            memory.content[i] *= 1 - weights[cell.reads + number][i] * erase
    for number in range(cell.writes):  # 4: all add
        add = np.tanh(written[number * 2 * width + width :][:width])
        for i in range(slots):
            memory.content[i] += weights[cell.reads + number][i] * add
    reads = np.zeros((cell.reads, width))
    for head in range(cell.reads):  # 2
        for i in range(slots):
            reads[head] += weights[head][i] * memory.content[i]
    return reads


@pytest.mark.parametrize(
    ("controller", "options"),
    [
        ("lstm", {"slots": 7, "width": 4}),
        ("gru", {"slots": 5, "width": 3, "reads": 2, "writes": 2, "shift": 2}),
        ("feed-forward", {"slots": 4, "width": 3, "reads": 3}),
    ],
)
def test_the_neural_turing_machine_is_graves_2014(controller: str, options: dict[str, int]) -> None:
    cell = machine("ntm", controller=controller, **options)
    assert isinstance(cell, NTM)
    memories = [Slots(cell.slots, cell.width, cell.reads + cell.writes) for _ in range(B)]
    expected, outputs_BTD, seen, end = run(
        cell, controller, lambda memory, p: ntm_turn(cell, memory, p), memories
    )
    assert_same(outputs_BTD, expected)
    assert_same(seen["memory.content_BTNW"][-1][:, 0], [memory.content for memory in memories])
    heads = torch.cat(
        [seen["memory.read_weights_BHTN"][-1], seen["memory.write_weights_BHTN"][-1]], 1
    )
    assert_same(heads[:, :, 0], [memory.weights for memory in memories])
    assert_same(end.output_BD, expected[:, -1])


# --- the Differentiable Neural Computer -----------------------------------------------------------


class Computer:
    """A memory of a DNC as the loops keep it."""

    def __init__(self, slots: int, width: int, heads: int) -> None:
        self.content = np.zeros((slots, width))
        self.usage, self.written, self.precedence = np.zeros((3, slots))
        self.read = np.zeros((heads, slots))
        self.links = np.zeros((slots, slots))


def dnc_turn(cell: DNC, memory: Computer, parameters: Array) -> Array:
    """Graves et al. 2016, methods: the memory of one sentence, slot by slot."""
    slots, width, heads = cell.slots, cell.width, cell.reads
    read_part, erase, add, write_key, rest = np.split(
        parameters, np.cumsum([heads * (width + 5), width, width, width])
    )
    says = [read_part[head * (width + 5) :][: width + 5] for head in range(heads)]
    write_strength = oneplus(rest[0])
    allocation_gate, write_gate = sigmoid(rest[1:])
    retention = np.ones(slots)
    for head in range(heads):
        free = sigmoid(says[head][width + 4])
        for i in range(slots):
            retention[i] *= 1 - free * memory.read[head, i]
    for i in range(slots):
        used = memory.usage[i] + memory.written[i] - memory.usage[i] * memory.written[i]
        memory.usage[i] = used * retention[i]
    least = 1e-6 + (1 - 1e-6) * memory.usage
    allocation, product = np.zeros(slots), 1.0
    for i in np.argsort(memory.usage, kind="stable"):
        allocation[i] = (1 - least[i]) * product
        product *= least[i]
    found = content_weights(write_key, write_strength, memory.content)
    memory.written = write_gate * (allocation_gate * allocation + (1 - allocation_gate) * found)
    for i in range(slots):
        memory.content[i] *= 1 - memory.written[i] * sigmoid(erase)
        memory.content[i] += memory.written[i] * add
    for i in range(slots):
        for j in range(slots):
            w = memory.written
            memory.links[i, j] *= 1 - w[i] - w[j]
            memory.links[i, j] += w[i] * memory.precedence[j]
            if i == j:
                memory.links[i, j] = 0
    memory.precedence = (1 - memory.written.sum()) * memory.precedence + memory.written
    reads = []
    for head in range(heads):
        before, content, after = softmax(says[head][width : width + 3])
        found = content_weights(says[head][:width], oneplus(says[head][width + 3]), memory.content)
        weights = np.zeros(slots)
        for i in range(slots):
            forward = sum(memory.links[i, j] * memory.read[head, j] for j in range(slots))
            backward = sum(memory.links[j, i] * memory.read[head, j] for j in range(slots))
            weights[i] = before * backward + content * found[i] + after * forward
        reads.append(weights)
    memory.read = np.stack(reads)
    return memory.read @ memory.content


@pytest.mark.parametrize(
    ("controller", "options"),
    [
        ("lstm", {"slots": 5, "width": 4, "reads": 2}),
        ("gru", {"slots": 3, "width": 3, "reads": 1}),
        ("feed-forward", {"slots": 4, "width": 3, "reads": 3}),
    ],
)
def test_the_differentiable_neural_computer_is_graves_2016(
    controller: str, options: dict[str, int]
) -> None:
    cell = machine("dnc", controller=controller, **options)
    assert isinstance(cell, DNC)
    memories = [Computer(cell.slots, cell.width, cell.reads) for _ in range(B)]
    expected, outputs_BTD, seen, _ = run(
        cell, controller, lambda memory, p: dnc_turn(cell, memory, p), memories
    )
    assert_same(outputs_BTD, expected)
    last = {name.rpartition(".")[2]: tensors[-1] for name, tensors in seen.items()}
    assert_same(last["content_BTNW"][:, 0], [memory.content for memory in memories])
    assert_same(last["usage_BTN"][:, 0], [memory.usage for memory in memories])
    assert_same(last["write_weights_BHTN"][:, 0, 0], [memory.written for memory in memories])
    assert_same(last["read_weights_BHTN"][:, :, 0], [memory.read for memory in memories])
    assert_same(last["links_BTNN"][:, 0], [memory.links for memory in memories])
