"""All steps of a decoder in training as one function, its derivative written out.

Autograd records each operation of each step, and calls Python for it once more on the way back.
Here the steps of Bahdanau's decoder, and of Luong's with input feeding, are one node of its graph.
As in `deferred.py`, what all steps share gets its gradient from one product over all of them.
`fits` tells which models; what they are held to is `_step_by_step` of each decoder.

A part (`_Cell`, `Reading`, its scores) keeps what its derivative needs: `step(t, ...)` for t
upwards, then `begin_back()`, then `back(t, slopes) -> slopes` for t downwards, then `gradients()`.

Shapes: B batch, T steps, S source positions, K key size, V context size, D layer size, F feature
size, G gates, 3 D; X any of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.kernels.deferred import is_deferring
from seq2seq.kernels.precision import at_least_float32
from seq2seq.kernels.products import linear
from seq2seq.model.attention import Attended, Attention, Memory
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.attention.contract import Softmax
from seq2seq.model.attention.luong import Dot, General
from seq2seq.model.attention.qkv import QKV
from seq2seq.model.cells.gru import GRU, gru_slopes
from seq2seq.model.contract import Cell
from seq2seq.model.probe import is_probed, scope

if TYPE_CHECKING:
    from seq2seq.model.decoders.attending import DecoderState

aten = torch.ops.aten


class Steps(NamedTuple):
    """What the steps gave: the states of a cell or the features, the last state, the attention."""

    outputs_BTX: Tensor
    last_BD: Tensor
    attended: Attended


def fits(embedded_BTI: Tensor, attention: Attention, cell: Cell) -> bool:
    """Whether the steps can be taken here, and nobody probes them."""
    return (
        embedded_BTI.size(1) > 1
        and is_deferring()
        and not is_probed()
        and type(attention) in (Additive, Dot, General, QKV)
        and type(attention.addressing) is Softmax
        and type(cell) is GRU
    )


def attend_before_cell(
    attention: Attention,
    cell: GRU,
    gates_BTG: Tensor,
    context_weights_GV: Tensor,
    state: DecoderState,
    memory: Memory,
) -> Steps:
    """Return the states of `s = cell(gates + C c, s)`, c what the s before attended to."""
    starts = gates_BTG, _hidden(state).to(gates_BTG.dtype)
    weights = _cast(context_weights_GV, *cell.hidden_weights())
    found = _run(_BeforeCell, *starts, *weights, *_reading_of(attention, memory))
    states_BTD, context_BTV, weights_BTS = found
    attended = _attended(attention, state, context_BTV, weights_BTS)
    return Steps(states_BTD, states_BTD[:, -1], attended)


def attend_after_cell(
    attention: Attention,
    cell: GRU,
    gates_BTG: Tensor,
    fed_weights_GF: Tensor,
    readout: nn.Linear,
    state: DecoderState,
    memory: Memory,
) -> Steps:
    """Return the features f of `s = cell(gates + W f, s)`, `f = tanh(R [c ; s])`, c of that s."""
    starts = (each.to(gates_BTG.dtype) for each in (_hidden(state), state.fed_BF))
    weights = _cast(fed_weights_GF, *cell.hidden_weights(), readout.weight, readout.bias)
    found = _run(_AfterCell, gates_BTG, *starts, *weights, *_reading_of(attention, memory))
    features_BTF, last_BD, context_BTV, weights_BTS = found
    attended = _attended(attention, state, context_BTV, weights_BTS)
    return Steps(features_BTF, last_BD, attended)


def _hidden(state: DecoderState) -> Tensor:
    """The state of the one layer, a GRU."""
    (state_BD,) = state.layers[:1]
    assert isinstance(state_BD, Tensor)
    return state_BD


def _attended(
    attention: Attention, state: DecoderState, context_BTV: Tensor, weights_BTS: Tensor
) -> Attended:
    weights_BHTS = weights_BTS.unsqueeze(1)
    return Attended(context_BTV, weights_BHTS, attention.advance(state.attention, weights_BHTS))


def _run(loop: type[torch.autograd.Function], *arguments: Any) -> tuple[Tensor, ...]:
    apply: Callable[..., tuple[Tensor, ...]] = loop.apply
    with torch.autocast(arguments[0].device.type, enabled=False):  # all are cast already
        return apply(*arguments)


def _cast(*tensors: Tensor) -> list[Tensor]:
    """The tensors in autocast's type, where it is on."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(device)) for tensor in tensors]


def _reading_of(attention: Attention, memory: Memory) -> tuple[Any, ...]:
    """The arguments of `Reading`, but for the steps."""
    keys_BSK, vector_K, scale = memory.keys_BHSK[:, 0], None, 1.0
    if isinstance(attention, Additive):
        vector_K = attention.energy.weight[0]
    else:
        (keys_BSK,) = _cast(keys_BSK)
        scale = 1 / math.sqrt(keys_BSK.size(-1)) if isinstance(attention, QKV) else 1.0
    query_KD = getattr(attention, "query", None)
    (values_BSV,) = _cast(memory.values_BHSV[:, 0])
    if query_KD is not None:
        (query_KD,) = _cast(query_KD.weight)
    return keys_BSK, values_BSV, query_KD, vector_K, memory.mask_BS, scale


# --- the two loops --------------------------------------------------------------------------------
# What came in and went out is saved for autograd to refuse a backward after it was changed.


class _BeforeCell(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        gates_BTG: Tensor,
        state_BD: Tensor,
        context_weights_GV: Tensor,
        weights_GD: Tensor,
        bias_G: Tensor,
        *reading_of: Any,
    ) -> tuple[Tensor, ...]:
        context_weights_GV = context_weights_GV.contiguous()
        steps = gates_BTG.size(1)
        cell = _Cell(state_BD, weights_GD, bias_G, steps)
        reading = Reading(steps, *reading_of)
        for t, gates_BG in enumerate(gates_BTG.unbind(1)):
            with scope("source"):
                context_BV = reading.step(t, cell.states_TBD[t])
            cell.step(t, linear(context_BV, context_weights_GV) + gates_BG)
        made = cell.states_TBD[1:], reading.contexts_TBV, reading.weights_TBS
        outputs = tuple(each.transpose(0, 1) for each in made)
        ctx.save_for_backward(*outputs, *reading.inputs, context_weights_GV, weights_GD)
        ctx.cell, ctx.reading = cell, reading
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        cell: _Cell = ctx.cell
        reading: Reading = ctx.reading
        *_, context_weights_GV, _ = ctx.saved_tensors
        states, contexts, weights = (each.unbind(1) for each in slopes)
        cell.begin_back()
        reading.begin_back()
        slope_BD = torch.zeros_like(states[0])
        for t in reversed(range(len(states))):
            slope_BD = cell.back(t, slope_BD + states[t])
            context_slope_BV = linear(cell.gate_slopes_TBG[t], context_weights_GV.t()) + contexts[t]
            slope_BD += reading.back(t, context_slope_BV, weights[t])
        return (
            cell.gate_slopes_TBG.transpose(0, 1),
            slope_BD,
            _summed(cell.gate_slopes_TBG, reading.contexts_TBV),
            *cell.gradients(),
            *reading.gradients(cell.states_TBD[:-1]),
        )


class _AfterCell(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        gates_BTG: Tensor,
        state_BD: Tensor,
        fed_BF: Tensor,
        fed_weights_GF: Tensor,
        weights_GD: Tensor,
        bias_G: Tensor,
        readout_FX: Tensor,
        readout_bias_F: Tensor,
        *reading_of: Any,
    ) -> tuple[Tensor, ...]:
        fed_weights_GF = fed_weights_GF.contiguous()
        steps = gates_BTG.size(1)
        cell = _Cell(state_BD, weights_GD, bias_G, steps)
        reading = Reading(steps, *reading_of)
        parts_TBX = state_BD.new_empty(steps, len(state_BD), readout_FX.size(1))
        features_TBF = fed_BF.new_empty(steps + 1, *fed_BF.shape)
        features_TBF[0] = fed_BF
        for t, gates_BG in enumerate(gates_BTG.unbind(1)):
            output_BD = cell.step(t, linear(features_TBF[t], fed_weights_GF) + gates_BG)
            with scope("source"):
                context_BV = reading.step(t, output_BD)
            torch.cat((context_BV, output_BD), -1, out=parts_TBX[t])
            mixed_BF = linear(parts_TBX[t], readout_FX, readout_bias_F)
            torch.tanh(mixed_BF, out=features_TBF[t + 1])
        made = features_TBF[1:], reading.contexts_TBV, reading.weights_TBS
        features_BTF, *attended = (each.transpose(0, 1) for each in made)
        outputs = features_BTF, cell.states_TBD[-1], *attended
        ctx.save_for_backward(*outputs, *reading.inputs, fed_weights_GF, weights_GD, readout_FX)
        ctx.cell, ctx.reading, ctx.made = cell, reading, (parts_TBX, features_TBF)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        cell: _Cell = ctx.cell
        reading: Reading = ctx.reading
        *_, fed_weights_GF, _, readout_FX = ctx.saved_tensors
        parts_TBX, features_TBF = ctx.made
        features, (last_BD,), contexts, weights = (
            each.unbind(1) if each.dim() > 2 else (each,) for each in slopes
        )
        cell.begin_back()
        reading.begin_back()
        mixed_slopes_TBF = torch.empty_like(features_TBF[1:])
        slope_BD, fed_slope_BF = last_BD, torch.zeros_like(features[0])
        sizes = readout_FX.size(1) - slope_BD.size(1), slope_BD.size(1)
        for t in reversed(range(len(features))):
            mixed_slope_BF = mixed_slopes_TBF[t]
            feature_slope_BF = fed_slope_BF + features[t]
            mixed_slope_BF.copy_(aten.tanh_backward(feature_slope_BF, features_TBF[t + 1]))
            parts_BX = linear(mixed_slope_BF, readout_FX.t())
            context_slope_BV, output_slope_BD = parts_BX.split(sizes, dim=1)
            query_slope_BD = reading.back(t, context_slope_BV + contexts[t], weights[t])
            slope_BD = cell.back(t, slope_BD + output_slope_BD + query_slope_BD)
            fed_slope_BF = linear(cell.gate_slopes_TBG[t], fed_weights_GF.t())
        return (
            cell.gate_slopes_TBG.transpose(0, 1),
            slope_BD,
            fed_slope_BF,
            _summed(cell.gate_slopes_TBG, features_TBF[:-1]),
            *cell.gradients(),
            _summed(mixed_slopes_TBF, parts_TBX),
            mixed_slopes_TBF.sum((0, 1)),
            *reading.gradients(cell.states_TBD[1:]),
        )


# --- their parts ----------------------------------------------------------------------------------


class _Cell:
    """The steps of a GRU: `recurrent.gru`."""

    def __init__(self, state_BD: Tensor, weights_GD: Tensor, bias_G: Tensor, steps: int) -> None:
        self._weights_GD, self._bias_G = weights_GD, bias_G
        batch, size = state_BD.shape
        self.states_TBD = state_BD.new_empty(steps + 1, batch, size)  # before the first, after all
        self.states_TBD[0] = state_BD
        self._gates_TBG = state_BD.new_empty(steps, batch, 3 * size)  # reset, update, new
        self._hidden_new_TBD = state_BD.new_empty(steps, batch, size)

    def step(self, t: int, gates_BG: Tensor) -> Tensor:
        """Return the state after step t, given the input's share of its gates."""
        state_BD, sums_BG = self.states_TBD[t], self._gates_TBG[t]
        both = 2 * state_BD.size(1)
        hidden_BG = linear(state_BD, self._weights_GD, self._bias_G)
        torch.add(gates_BG[:, :both], hidden_BG[:, :both], out=sums_BG[:, :both]).sigmoid_()
        reset_BD, update_BD, new_BD = sums_BG.chunk(3, -1)
        hidden_new_BD = self._hidden_new_TBD[t].copy_(hidden_BG[:, both:])
        torch.addcmul(gates_BG[:, both:], reset_BD, hidden_new_BD, out=new_BD).tanh_()
        return torch.lerp(new_BD, state_BD, update_BD, out=self.states_TBD[t + 1])

    def begin_back(self) -> None:
        self.gate_slopes_TBG = torch.empty_like(self._gates_TBG)
        self._hidden_slopes_TBG = torch.empty_like(self._gates_TBG)

    def back(self, t: int, slope_BD: Tensor) -> Tensor:
        """Return the slope of the state before step t; `gate_slopes_TBG` has that of its gates."""
        reset_BD, update_BD, new_BD = self._gates_TBG[t].chunk(3, -1)
        kept = reset_BD, update_BD, new_BD, self._hidden_new_TBD[t], self.states_TBD[t]
        gates, hidden, through_BD = gru_slopes(slope_BD, *kept)
        torch.cat(gates, -1, out=self.gate_slopes_TBG[t])
        hidden_BG = torch.cat(hidden, -1, out=self._hidden_slopes_TBG[t])
        return linear(hidden_BG, self._weights_GD.t()).add_(through_BD)

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return those of the matrix and the bias."""
        slopes_TBG = self._hidden_slopes_TBG
        return _summed(slopes_TBG, self.states_TBD[:-1]), slopes_TBG.sum((0, 1))


class Reading:
    """Softmax attention of one head, a query a step."""

    def __init__(
        self,
        steps: int,
        keys_BSK: Tensor,
        values_BSV: Tensor,
        query_KD: Tensor | None,
        vector_K: Tensor | None,
        mask_BS: Tensor,
        scale: float,
    ) -> None:
        inputs = keys_BSK, values_BSV, query_KD, vector_K
        self.inputs = [each for each in inputs if each is not None]
        self._query_KD, self._values_BSV, self._outside_BS = query_KD, values_BSV, ~mask_BS
        self._scores: _DotProducts | _Energies = (
            _DotProducts(keys_BSK, scale) if vector_K is None else _Energies(keys_BSK, vector_K)
        )
        (batch, positions), size = mask_BS.shape, values_BSV.size(-1)
        self.contexts_TBV = values_BSV.new_empty(steps, batch, size)
        self.weights_TBS = at_least_float32(values_BSV.new_empty(steps, batch, positions))
        self._queries: list[Tensor] = []

    def step(self, t: int, state_BD: Tensor) -> Tensor:
        """Return the context that the state reads."""
        query_BK = state_BD if self._query_KD is None else linear(state_BD, self._query_KD)
        self._queries.append(query_BK)
        scores_BS = self._scores.of(query_BK).masked_fill_(self._outside_BS, -torch.inf)
        torch.softmax(scores_BS, -1, out=self.weights_TBS[t])
        weights_B1S = self.weights_TBS[t].unsqueeze(1).to(self._values_BSV.dtype)
        torch.bmm(weights_B1S, self._values_BSV, out=self.contexts_TBV[t].unsqueeze(1))
        return self.contexts_TBV[t]

    def begin_back(self) -> None:
        """Make room for what `back` leaves behind."""
        self._context_slopes_TBV = torch.empty_like(self.contexts_TBV)
        self._query_slopes: list[Tensor] = []
        self._scores.begin_back()

    def back(self, t: int, context_slope_BV: Tensor, weights_slope_BS: Tensor) -> Tensor:
        """Return the slope of the state of step t."""
        self._context_slopes_TBV[t] = context_slope_BV
        values_BVS = self._values_BSV.transpose(1, 2)
        slope_BS = torch.bmm(context_slope_BV.unsqueeze(1), values_BVS).squeeze(1)
        weights_BS = self.weights_TBS[t]
        scores_slope_BS = aten._softmax_backward_data(
            slope_BS + weights_slope_BS, weights_BS, -1, weights_BS.dtype
        )
        slope_BK = self._scores.back(self._queries[t], scores_slope_BS).to(context_slope_BV.dtype)
        if self._query_KD is None:
            return slope_BK
        self._query_slopes.append(slope_BK)
        return linear(slope_BK, self._query_KD.t())

    def gradients(self, states_TBD: Tensor) -> tuple[Tensor | None, ...]:
        """Return those of the arguments of `__init__`; the states are those that read."""
        keys_BSK, vector_K = self._scores.gradients(self._queries)
        values_BSV = _over_steps(self.weights_TBS, self._context_slopes_TBV, self._values_BSV)
        query_KD = None
        if self._query_KD is not None:
            query_KD = _summed(torch.stack(self._query_slopes[::-1]), states_TBD)
        return keys_BSK, values_BSV, query_KD, vector_K, None, None


class _DotProducts:
    """scale q . k."""

    def __init__(self, keys_BSK: Tensor, scale: float) -> None:
        self._keys_BSK, self._scale = keys_BSK, scale

    def of(self, query_BK: Tensor) -> Tensor:
        scores_BS = torch.bmm(query_BK.unsqueeze(1), self._keys_BSK.transpose(1, 2)).squeeze(1)
        return at_least_float32(scores_BS).mul_(self._scale)

    def begin_back(self) -> None:
        self._slopes: list[Tensor] = []

    def back(self, query_BK: Tensor, slope_BS: Tensor) -> Tensor:
        slope_BS = slope_BS * self._scale
        self._slopes.append(slope_BS)
        slope_B1S = slope_BS.unsqueeze(1).to(self._keys_BSK.dtype)
        return torch.bmm(slope_B1S, self._keys_BSK).squeeze(1)

    def gradients(self, queries: list[Tensor]) -> tuple[Tensor, None]:
        slopes_TBS = torch.stack(self._slopes[::-1])
        return _over_steps(slopes_TBS, torch.stack(queries), self._keys_BSK), None


class _Energies:
    """v . tanh(q + k), made of sigmoids: see `energies.py`."""

    def __init__(self, keys_BSK: Tensor, vector_K: Tensor) -> None:
        self._keys_BSK, self._vector_K = keys_BSK, vector_K
        self._room_BSK = torch.empty_like(keys_BSK)

    def of(self, query_BK: Tensor) -> Tensor:
        energies_BS1 = self._sigmoids(query_BK) @ (2 * self._vector_K.unsqueeze(1))
        return energies_BS1.squeeze(-1).sub_(self._vector_K.sum())

    def begin_back(self) -> None:
        self._keys_sum_BSK = torch.zeros_like(self._keys_BSK)
        self._vector_sum_K = torch.zeros_like(self._vector_K)

    def back(self, query_BK: Tensor, slope_BS: Tensor) -> Tensor:
        sigmoids_BSK = self._sigmoids(query_BK)
        self._vector_sum_K += 2 * (slope_BS.flatten() @ sigmoids_BSK.flatten(0, 1))
        self._vector_sum_K -= slope_BS.sum()
        # d tanh(x) = 4 d sigmoid(2 x), and d sigmoid = sigmoid - sigmoid^2
        rises_BSK = sigmoids_BSK.addcmul_(sigmoids_BSK, sigmoids_BSK, value=-1)
        self._keys_sum_BSK.addcmul_(rises_BSK, slope_BS.unsqueeze(-1))
        return torch.bmm(slope_BS.unsqueeze(1), rises_BSK).squeeze(1).mul_(4 * self._vector_K)

    def gradients(self, queries: list[Tensor]) -> tuple[Tensor, Tensor]:
        return self._keys_sum_BSK.mul_(4 * self._vector_K), self._vector_sum_K

    def _sigmoids(self, query_BK: Tensor) -> Tensor:
        doubled_B1K = 2 * at_least_float32(query_BK).unsqueeze(1)
        return torch.add(doubled_B1K, self._keys_BSK, alpha=2, out=self._room_BSK).sigmoid_()


def _summed(slopes_TBY: Tensor, inputs_TBX: Tensor) -> Tensor:
    """The gradient of a matrix: the sum over all steps and rows of slope x input."""
    return slopes_TBY.flatten(0, 1).t() @ inputs_TBX.flatten(0, 1)


def _over_steps(slopes_TBS: Tensor, vectors_TBX: Tensor, memory_BSX: Tensor) -> Tensor:
    """The gradient of keys or values: the sum over all steps of slope x vector."""
    slopes_TBS, vectors_TBX = (each.to(memory_BSX.dtype) for each in (slopes_TBS, vectors_TBX))
    return torch.bmm(slopes_TBS.permute(1, 2, 0), vectors_TBX.transpose(0, 1))
