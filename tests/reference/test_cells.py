"""The cells of the forerunners against their papers' equations in NumPy loops.

Shapes: B = 3 sentences, T = 5 steps, E = 4 inputs, D = 6 units; float64.
"""

import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import CellConfig
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import deferring
from seq2seq.model.cells import build_cell
from seq2seq.model.cells.deep_gru import DeepGRU, DeepState, GateNorm, Transition
from seq2seq.model.cells.fast_associative import AssociativeState, FastAssociative
from seq2seq.model.cells.fast_weights import Association, FastWeights, Rule, at_once, write
from seq2seq.model.cells.hyper import Hyper
from seq2seq.model.cells.lstm import LSTMState
from seq2seq.model.cells.multiplicative import MultiplicativeLSTM, MultiplicativeRNN
from seq2seq.model.cells.sigma_pi import SigmaPi
from seq2seq.model.contract import Cell, Tree, named_leaves
from seq2seq.model.parts import initialise
from seq2seq.model.probe import recording

Array = npt.NDArray[np.float64]
B, T, E, D = 3, 5, 4, 6
FAST = ["fast-weights", "fast-associative"]
OURS = ["deep-gru", "multiplicative", "multiplicative-lstm", "sigma-pi", "hyper", *FAST]


def cell_of(kind: str, **options: Any) -> Cell:
    """A cell whose parameters are all drawn, biases and gains too."""
    torch.manual_seed(7)
    config = CellConfig.model_validate({"kind": kind, **options})
    cell = build_cell(config, E, D, key="model.decoder.cell", place="1").double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.6)
    return cell


def tensors(cell: Cell) -> tuple[Tensor, Tensor]:
    """Inputs of T steps, and what the cell starts from."""
    draws = torch.Generator().manual_seed(8)
    return (
        torch.randn(B, T, E, generator=draws, dtype=torch.float64),
        torch.randn(B, cell.state_size, generator=draws, dtype=torch.float64).tanh(),
    )


def run(cell: Cell) -> tuple[Array, Tree]:
    """What the cell puts out at each step, and the state after the last."""
    inputs_BTI, initial_BX = tensors(cell)
    with torch.no_grad():
        outputs_BTD, state = cell(inputs_BTI, cell.start(initial_BX))
    return outputs_BTD.numpy(), state


def array(tensor: Tensor) -> Array:
    values: Array = tensor.detach().numpy()
    return values


def sigmoid(x: Array) -> Array:
    raised: Array = 1 / (1 + np.exp(-x))
    return raised


def sentences(cell: Cell) -> list[tuple[int, Array, Array]]:
    """Each sentence's number, inputs and first vector."""
    inputs_BTI, initial_BX = tensors(cell)
    return [(b, array(inputs_BTI[b]), array(initial_BX[b])) for b in range(B)]


def normalised(x: Array, gain: Tensor, shift: Tensor) -> Array:
    scaled: Array = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return scaled * array(gain) + array(shift)


# --- deep transitions -----------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [False, True])
def test_a_deep_gru_takes_its_transitions_one_after_the_other(norm: bool) -> None:
    cell = cell_of("deep-gru", transitions=2, norm=norm)
    assert isinstance(cell, DeepGRU)

    def gates(x: Array, by: nn.Module) -> list[Array]:
        if norm:
            assert isinstance(by, GateNorm)
            parts = (x[: 2 * D], by.gates), (x[2 * D :], by.new)
            x = np.concatenate([normalised(part, n.weight, n.bias) for part, n in parts])
        return np.split(x, 3)

    found, _ = run(cell)
    for b, inputs, h in sentences(cell):
        for t, x in enumerate(inputs):
            w = array(cell.input.weight) @ x + array(cell.input.bias)
            for number, transition in enumerate(cell.transitions):
                assert isinstance(transition, Transition)
                u = array(transition.hidden.weight) @ h + array(transition.hidden.bias)
                (xr, xz, xn), (r, z, n) = gates(w, cell.input_norm), gates(u, transition.norm)
                if number:  # which has no input
                    xr, xz, xn = np.zeros((3, D))
                new = np.tanh(xn + sigmoid(xr + r) * n)
                kept = sigmoid(xz + z)
                h = (1 - kept) * new + kept * h
            np.testing.assert_allclose(found[b, t], h, rtol=1e-9)


def test_without_its_additions_a_deep_gru_is_torch_s_gru() -> None:
    cell = cell_of("deep-gru", transitions=0, norm=False)
    assert isinstance(cell, DeepGRU)
    theirs = nn.GRU(E, D, batch_first=True).double()
    (transition,) = cell.transitions
    assert isinstance(transition, Transition)
    ours = {"ih": cell.input, "hh": transition.hidden}
    with torch.no_grad():
        for name, layer in ours.items():
            theirs.get_parameter(f"weight_{name}_l0").copy_(layer.weight)
            theirs.get_parameter(f"bias_{name}_l0").copy_(layer.bias)
        inputs_BTI, initial_BX = tensors(cell)
        expected_BTD, _ = theirs(inputs_BTI, initial_BX.unsqueeze(0))
    np.testing.assert_allclose(run(cell)[0], expected_BTD.numpy(), rtol=1e-9)


def test_recurrent_dropout_keeps_the_same_units_at_every_step_of_a_sentence() -> None:
    cell = cell_of("deep-gru", dropout=0.5).train()
    inputs_BTI, initial_BX = tensors(cell)
    state = cell.start(initial_BX)
    assert isinstance(state, DeepState)
    masks = {tuple(row.tolist()) for row in state.kept_BD}
    assert len(masks) > 1  # one for each sentence
    assert {value for mask in masks for value in mask} == {0.0, 2.0}
    _, end = cell(inputs_BTI, state)
    assert isinstance(end, DeepState)
    assert torch.equal(end.kept_BD, state.kept_BD)
    _, all_kept_BD = cast("DeepState", cell.eval().start(initial_BX))
    assert bool(torch.all(all_kept_BD == 1))


# --- multiplicative -------------------------------------------------------------------------------


def test_the_multiplicative_network_has_a_matrix_of_its_own_for_each_input() -> None:
    cell = cell_of("multiplicative")
    assert isinstance(cell, MultiplicativeRNN)
    outputs_BTD, _ = run(cell)
    factor_DI, new_DI = np.split(array(cell.input.weight), 2)
    factor_D, new_D = np.split(array(cell.input.bias), 2)
    for b, inputs, h in sentences(cell):
        for t in range(T):
            chosen = np.diag(factor_DI @ inputs[t] + factor_D)
            matrix_DD = array(cell.mixed.weight) @ chosen @ array(cell.factor.weight)
            h = np.tanh(matrix_DD @ h + new_DI @ inputs[t] + new_D)
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-10)


def test_the_multiplicative_lstm_is_krause_et_al_2016() -> None:
    cell = cell_of("multiplicative-lstm")
    assert isinstance(cell, MultiplicativeLSTM)
    outputs_BTD, state = run(cell)
    of_input = np.split(array(cell.input.weight), 5)
    biases = np.split(array(cell.input.bias), 5)
    of_mixed = np.split(array(cell.mixed.weight), 4)
    for b, inputs, initial in sentences(cell):
        h, c = np.split(initial, 2)
        for t in range(T):
            x = inputs[t]
            m = (of_input[0] @ x + biases[0]) * (array(cell.factor.weight) @ h)
            i, f, new, o = (
                of_input[gate + 1] @ x + biases[gate + 1] + of_mixed[gate] @ m for gate in range(4)
            )
            c = sigmoid(f) * c + sigmoid(i) * new
            h = np.tanh(sigmoid(o) * c)
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-10)
        np.testing.assert_allclose(array(cast("LSTMState", state).cell_BD[b]), c, rtol=1e-10)


# --- sigma-pi -------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", ["update", "none"])
def test_a_sigma_pi_unit_adds_up_the_products_of_its_conjuncts(gate: str) -> None:
    cell = cell_of("sigma-pi", rank=2, gate=gate)
    assert isinstance(cell, SigmaPi)
    outputs_BTD, _ = run(cell)
    units = D if gate == "none" else 2 * D
    alone_NI, a_RI = np.split(array(cell.input.weight), [units])
    state_ND, b_RD = np.split(array(cell.state.weight), [units])
    bias_N, a_R = np.split(array(cell.input.bias), [units])
    o_NR = array(cell.conjuncts.weight)
    for b, inputs, h in sentences(cell):
        for t in range(T):
            x = inputs[t]
            net = np.zeros(units)
            for i in range(units):
                net[i] = bias_N[i]
                net[i] += sum(alone_NI[i, j] * x[j] for j in range(E))
                net[i] += sum(state_ND[i, k] * h[k] for k in range(D))
                for k in range(D):
                    for r in range(2):
                        net[i] += o_NR[i, r] * a_R[r] * b_RD[r, k] * h[k]
                        for j in range(E):
                            net[i] += o_NR[i, r] * a_RI[r, j] * b_RD[r, k] * x[j] * h[k]
            if gate == "none":
                h = np.tanh(net)
            else:
                new, kept = np.split(net, 2)
                h = (1 - sigmoid(kept)) * np.tanh(new) + sigmoid(kept) * h
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-9)


def test_with_a_product_for_each_pair_of_units_the_conjuncts_have_any_weights() -> None:
    cell = cell_of("sigma-pi", rank=E * D, gate="none")
    assert isinstance(cell, SigmaPi)
    weights_DID = torch.randn(D, E, D, dtype=torch.float64)
    pairs = [(j, k) for j in range(E) for k in range(D)]
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        for r, (j, k) in enumerate(pairs):
            cell.input.weight[D + r, j] = 1
            cell.state.weight[D + r, k] = 1
            cell.conjuncts.weight[:, r] = weights_DID[:, j, k]
    outputs_BTD, _ = run(cell)
    inputs_BTI, h_BD = tensors(cell)
    for t in range(T):
        h_BD = torch.einsum("ijk,bj,bk->bi", weights_DID, inputs_BTI[:, t], h_BD).tanh()
        np.testing.assert_allclose(outputs_BTD[:, t], array(h_BD), rtol=1e-9)


# --- hyper ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [True, False])
def test_the_hyper_lstm_is_ha_et_al_2016(norm: bool) -> None:
    small, z = 3, 2
    cell = cell_of("hyper", small=small, embedding=z, norm=norm)
    assert isinstance(cell, Hyper)
    outputs_BTD, _ = run(cell)

    def lstm(part: Any, gates: list[Array], c: Array) -> tuple[Array, Array]:
        if norm:
            gates = [
                normalised(y, part.gates.gain[n], part.gates.shift[n]) for n, y in enumerate(gates)
            ]
        i, g, f, o = gates
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        seen = normalised(c, part.cell.weight, part.cell.bias) if norm else c
        return sigmoid(o) * np.tanh(seen), c

    of_input, of_hidden = array(cell.input.weight), array(cell.hidden.weight)
    scales = array(cell.scales).reshape(3, 4, z, D)
    for b, inputs, initial in sentences(cell):
        h, c, small_h, small_c = np.split(initial, [D, 2 * D, 2 * D + small])
        for t in range(T):
            x = inputs[t]
            own = array(cell.own.weight) @ small_h + array(cell.own.bias)
            own += of_input[4 * D :] @ x + of_hidden[4 * D :] @ h
            small_h, small_c = lstm(cell.small, np.split(own, 4), small_c)
            embedded = array(cell.embed.weight) @ small_h + array(cell.embed.bias)
            z_h, z_x, z_b = embedded.reshape(3, 4, z)
            gates = []
            for y in range(4):
                rows = slice(y * D, (y + 1) * D)
                d_h, d_x, d_b = (z_[y] @ scales[n, y] for n, z_ in enumerate((z_h, z_x, z_b)))
                made_DD = d_h[:, None] * of_hidden[rows]  # each row of the matrix by its scale
                made_DI = d_x[:, None] * of_input[rows]
                gates.append(made_DD @ h + made_DI @ x + d_b + array(cell.bias[y]))
            h, c = lstm(cell.main, gates, c)
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-9)


def test_before_training_the_hyper_lstm_is_one_fixed_lstm() -> None:
    cell = cell_of("hyper", norm=False)
    assert isinstance(cell, Hyper)
    cell.initialise()
    plain = nn.LSTM(E, D, batch_first=True, dtype=torch.float64)
    order = (0, 2, 1, 3)  # torch's gates are input, forget, new, output
    for ours, theirs in ((cell.input.weight, "weight_ih_l0"), (cell.hidden.weight, "weight_hh_l0")):
        gates = ours[: 4 * D].chunk(4)
        plain.get_parameter(theirs).data = torch.cat([gates[n] for n in order]).detach()
    plain.get_parameter("bias_hh_l0").data.zero_()
    plain.get_parameter("bias_ih_l0").data = torch.cat([cell.bias[n] for n in order]).detach()
    inputs_BTI, initial_BX = tensors(cell)
    start = tuple(part[None].contiguous() for part in initial_BX[:, : 2 * D].chunk(2, -1))
    expected_BTD, _ = plain(inputs_BTI, start)
    np.testing.assert_allclose(run(cell)[0], array(expected_BTD), rtol=1e-9)


# --- fast weights ---------------------------------------------------------------------------------

FEATURES = [
    *((kind, norm) for kind in ("dpfp", "elu", "softmax") for norm in ("sum", "length")),
    ("silu", "length"),
]
RULES = ["sum", "delta"]


def features_of(kind: str, norm: str, key: Array) -> Array:
    """f of Schlag et al. 2021, one number after the other."""
    if kind == "dpfp":
        parts = [max(x, 0.0) for x in key] + [max(-x, 0.0) for x in key]
        made = [parts[n] * parts[n - 1] for n in range(len(parts))]
    elif kind == "elu":
        made = [x + 1 if x > 0 else math.exp(x) for x in key]
    elif kind == "silu":
        made = [x / (1 + math.exp(-x)) for x in key]
    else:
        made = [math.exp(x) for x in key]
        made = [x / sum(made) for x in made]
    size = sum(made) if norm == "sum" else math.sqrt(sum(x * x for x in made))
    return np.array([x / max(size, 1e-6) for x in made])  # with dpfp all may be 0


def heads_of(cell: FastWeights, x: Array, last: Array) -> list[Array]:
    """Query, key, value, direct output and rate before the sigmoid, of one input."""
    made = array(cell.input.weight) @ x + array(cell.input.bias)
    if cell.own is not None:
        made = made + array(cell.own.weight) @ last
    both, *others = np.split(made, np.cumsum(cell.sizes)[:-1])
    return [*np.split(both, 2), *others]


@pytest.mark.parametrize(
    "more",
    [{}, {"recurrent": True}, {"decay": "learned"}, {"gate": "update"}],
    ids=lambda more: "".join(more) or "plain",
)
@pytest.mark.parametrize(("kind", "norm"), FEATURES)
@pytest.mark.parametrize("rule", RULES)
def test_fast_weights_are_written_and_read_as_in_schlag_et_al_2021(
    rule: str, kind: str, norm: str, more: dict[str, Any]
) -> None:
    heads, size = 2, 3
    options = {"heads": heads, "key_size": size, **more}
    cell = cell_of("fast-weights", rule=rule, features=kind, norm=norm, **options)
    assert isinstance(cell, FastWeights)
    outputs_BTD, _ = run(cell)
    v = D // heads
    for b, inputs, initial in sentences(cell):
        matrices = [
            np.outer(features_of(kind, norm, array(cell.first_key[n, 0])), initial[n * v :][:v])
            for n in range(heads)
        ]
        h = initial
        for t in range(T):
            query, key, value, direct, kept, rate = heads_of(cell, inputs[t], h)
            reads = []
            for n in range(heads):
                q, k = (features_of(kind, norm, x[n * size :][:size]) for x in (query, key))
                if cell.decay is not None:
                    matrices[n] = sigmoid(array(cell.decay[n])) * matrices[n]
                new = value[n * v :][:v]
                if rule == "delta":
                    new = sigmoid(rate[n]) * (new - k @ matrices[n])
                matrices[n] = matrices[n] + np.outer(k, new)
                reads.append(q @ matrices[n])
            new = np.tanh(array(cell.reads.weight) @ np.concatenate(reads) + direct)
            h = (1 - sigmoid(kept)) * new + sigmoid(kept) * h if len(kept) else new
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-9)


def test_the_rule_sum_is_attention_to_all_inputs_until_now_without_a_softmax() -> None:
    cell = cell_of("fast-weights", rule="sum", heads=2)
    assert isinstance(cell, FastWeights)
    inputs_BTI, _ = tensors(cell)
    (share,) = cell.shares(E)
    steps = cell.associate(share(inputs_BTI))
    weights_BHTT = (steps.queries_BHTN @ steps.keys_BHTN.transpose(-1, -2)).tril()
    assert (weights_BHTT >= 0).all()
    context_BTD = (weights_BHTT @ steps.values_BHTV).transpose(1, 2).flatten(2)
    expected_BTD = (cell.reads(context_BTD) + steps.direct_BTD).tanh()
    outputs_BTD, _ = cell(inputs_BTI, cell.start(torch.zeros(B, D, dtype=torch.float64)))
    torch.testing.assert_close(outputs_BTD, expected_BTD, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("decay", ["none", "learned"])
@pytest.mark.parametrize("length", [5, 64, 150])
def test_training_takes_many_steps_at_once_and_gets_what_one_by_one_gets(
    rule: str, length: int, decay: str
) -> None:
    cell = cell_of("fast-weights", rule=rule, heads=2, decay=decay, gate="update")
    draws = torch.Generator().manual_seed(9)
    inputs_BTI = torch.randn(B, length, E, generator=draws, dtype=torch.float64)
    lengths_B = torch.tensor([length, length // 2, 1])
    found = []
    for at_once_or_not in (torch.no_grad(), deferring()):
        start = cell.start(tensors(cell)[1])
        with at_once_or_not:
            outputs_BTD, state = cell(inputs_BTI, start, lengths_B)
        real_BT = torch.arange(length) < lengths_B.unsqueeze(1)
        found.append([outputs_BTD[real_BT], *(leaf for _, leaf in named_leaves(state))])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


def test_gradients_of_many_steps_at_once_are_those_of_one_by_one() -> None:
    found = []
    for at_once_or_not in (torch.enable_grad(), deferring()):
        cell = cell_of("fast-weights", heads=2, decay="learned", gate="update")
        inputs_BTI, initial_BX = tensors(cell)
        with at_once_or_not:
            outputs_BTD, _ = cell(inputs_BTI, cell.start(initial_BX))
        outputs_BTD.square().sum().backward()
        found.append({name: parameter.grad for name, parameter in cell.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, msg=name)


@pytest.mark.parametrize("rule", RULES)
def test_with_lengths_a_sentence_s_state_is_that_of_the_sentence_alone(rule: str) -> None:
    cell = cell_of("fast-weights", rule=rule, heads=2)
    inputs_BTI, initial_BX = tensors(cell)
    lengths = (5, 3, 1)
    _, together = cell(inputs_BTI, cell.start(initial_BX), torch.tensor(lengths))
    for row, length in enumerate(lengths):
        start = cell.start(initial_BX[row : row + 1])
        _, alone = cell(inputs_BTI[row : row + 1, :length], start)
        for (_, one), (_, other) in zip(named_leaves(alone), named_leaves(together), strict=True):
            torch.testing.assert_close(one[0], other[row])


def retrieval_errors(keys_TN: Tensor, values_TV: Tensor, rule: str) -> Tensor:
    """How far what a key reads is from its value, after all were written many times over."""
    times = 40
    steps = Association(
        keys_TN.repeat(times, 1)[None, None],
        keys_TN.repeat(times, 1)[None, None],
        values_TV.repeat(times, 1)[None, None],
        torch.full((1, 1, times * len(keys_TN), 1), 0.2, dtype=torch.float64),
        *torch.empty(2, 1, times * len(keys_TN), 0, dtype=torch.float64),
    )
    size = keys_TN.size(1), values_TV.size(1)
    _, content = at_once(steps, torch.zeros(1, 1, *size, dtype=torch.float64), Rule(rule))
    content = content if rule == "delta" else content / times
    return (keys_TN @ content[0, 0] - values_TV).norm(dim=-1) / values_TV.norm(dim=-1)


def test_the_delta_rule_keeps_more_than_the_sum_where_keys_are_more_than_dimensions() -> None:
    """12 keys of 8 dimensions, at random angles: neither is exact, the sum is far off."""
    draws = torch.Generator().manual_seed(3)
    keys_TN = torch.randn(12, 8, generator=draws, dtype=torch.float64)
    keys_TN = keys_TN / keys_TN.norm(dim=-1, keepdim=True)
    values_TV = torch.randn(12, 5, generator=draws, dtype=torch.float64)
    by_sum, by_delta = (retrieval_errors(keys_TN, values_TV, rule).mean() for rule in RULES)
    assert by_sum > 1  # worse than reading nothing
    assert by_delta < 0.6 * by_sum


def test_the_delta_rule_replaces_the_value_of_a_key_that_the_sum_adds_up() -> None:
    key = torch.tensor([[[[0.6, 0.8]]]], dtype=torch.float64)
    rate, none = torch.ones(1, 1, 1, 1, dtype=torch.float64), torch.empty(1, 1, 0)
    for rule, expected in (("delta", 5.0), ("sum", 2.0 + 5.0)):
        content = torch.zeros(1, 1, 2, 1, dtype=torch.float64)
        for value in (2.0, 5.0):
            step = Association(key, key, torch.full_like(rate, value), rate, none, none)
            content = write(step, content, Rule(rule))
        torch.testing.assert_close(key @ content, torch.full_like(rate, expected))


def test_fast_associative_weights_are_ba_et_al_2016() -> None:
    cell = cell_of("fast-associative", decay=0.9, rate=0.4, inner=2)
    assert isinstance(cell, FastAssociative)
    outputs_BTD, state = run(cell)

    def norm(x: Array) -> Array:
        return normalised(x, cell.norm.weight, cell.norm.bias)

    for b, inputs, h in sentences(cell):
        past = [h]
        for t in range(T):
            slow = array(cell.hidden.weight) @ past[-1]
            slow = slow + array(cell.input.weight) @ inputs[t] + array(cell.input.bias)
            h = np.maximum(norm(slow), 0)
            for _ in range(2):  # attention to the past: each h by its product with this one
                ages = range(len(past) - 1, -1, -1)
                read = sum(
                    0.4 * 0.9**age * (old @ h) * old for age, old in zip(ages, past, strict=True)
                )
                h = np.maximum(norm(slow + read), 0)
            past.append(h)
            np.testing.assert_allclose(outputs_BTD[b, t], h, rtol=1e-8)
        ages = range(len(past) - 1, -1, -1)
        matrix = sum(
            0.4 * 0.9**age * np.outer(old, old) for age, old in zip(ages, past, strict=True)
        )
        content_BDD = cast("AssociativeState", state).content_BDD
        np.testing.assert_allclose(array(content_BDD[b]), matrix, rtol=1e-8)


@pytest.mark.parametrize("kind", FAST)
def test_the_fast_matrix_is_probed_at_every_step_by_the_cell_s_place(kind: str) -> None:
    cell = cell_of(kind, **({"heads": 2} if kind == "fast-weights" else {}))
    with recording() as seen:
        _, state = run(cell)
    contents = seen["1.memory.content_BTNW"]
    assert len(contents) == T
    assert all(content_BTNW.shape[:2] == (B, 1) for content_BTNW in contents)
    last = next(leaf for name, leaf in named_leaves(state) if name == "content")
    torch.testing.assert_close(contents[-1].flatten(), last.flatten())


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "fast-weights", "heads": 4},
            r"heads: expected a divisor of size 6, found 4",
        ),
        ({"kind": "fast-weights", "heads": 2, "key_size": 1}, r"dpfp needs a key_size of 2"),
        ({"kind": "fast-weights", "heads": 2, "features": "silu"}, r"silu .*; set norm: length"),
        ({"kind": "fast-weights", "rule": "hebb"}, r"rule: expected 'delta' or 'sum'"),
        ({"kind": "sigma-pi", "rank": 0}, r"rank: expected greater than or equal to 1"),
        ({"kind": "hyper", "small": 0}, r"small: expected greater than or equal to 1"),
        ({"kind": "fast-associative", "inner": 0}, r"inner: expected greater than or equal to 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        cell_of(**options)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        "multiplicative",
        "multiplicative-lstm",
        "sigma-pi",
        "hyper",
        "fast-weights",
        "fast-associative",
    ],
)
def test_long_sequences_stay_finite_in_fp32_and_bf16(kind: str, autocast: bool) -> None:
    torch.manual_seed(4)
    cell = build_cell(CellConfig(kind=kind), 16, 16, key="model.decoder.cell")
    initialise(cell)
    inputs_BTI = 3 * torch.randn(2, 300, 16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast), deferring():
        outputs_BTD, _ = cell(inputs_BTI, cell.start(torch.randn(2, cell.state_size)))
    outputs_BTD.float().sum().backward()
    assert outputs_BTD.isfinite().all()
    for name, parameter in cell.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
