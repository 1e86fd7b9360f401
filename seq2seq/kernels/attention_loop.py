"""All steps of a GRU that attends before each step as one function, its derivative written out.

Autograd records each operation of each step, and calls Python for it once more in the backward.
Here all steps are one node of its graph: additive attention by softmax, then the cell,

    c_t = sum_s softmax_s(v . tanh(W s_t-1 + k_s)) values_s,    s_t = GRU(gates_t + C c_t, s_t-1)

-- Bahdanau et al. 2015, A.1.2. As in `deferred.py`, what all steps share gets its gradient from one
product over all of them.

Shapes: B batch, T steps, S source positions, K key size, V context size, D layer size, G = 3 D.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.kernels.energies import EnergySteps
from seq2seq.kernels.gru import GRUSteps, over_steps
from seq2seq.kernels.precision import at_least_float32
from seq2seq.kernels.products import linear

aten = torch.ops.aten


class Read(NamedTuple):
    """What attention reads: keys in float32 or wider, values, W, v, and True where it may look."""

    keys_BSK: Tensor
    values_BSV: Tensor
    query_weights_KD: Tensor
    vector_K: Tensor
    mask_BS: Tensor


class StepWeights(NamedTuple):
    """C, and the matrix and the bias of what the state contributes to the gates."""

    context_weights_GV: Tensor
    weights_GD: Tensor
    bias_G: Tensor


def attend_before_gru(
    gates_BTG: Tensor,
    state_BD: Tensor,
    weights: StepWeights,
    read: Read,
    attending: Callable[[], AbstractContextManager[None]],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return states_BTD after each step, and contexts_BTV and weights_BTS of the attention.

    `gates_BTG` is what the tokens contribute. The work of attention in the forward pass is done
    inside the context that `attending` makes for each step.
    """
    weights = StepWeights(*_cast(*weights))
    values_BSV, query_weights_KD = _cast(read.values_BSV, read.query_weights_KD)
    read = read._replace(values_BSV=values_BSV, query_weights_KD=query_weights_KD)
    loop: Callable[..., tuple[Tensor, Tensor, Tensor]] = _AttendBeforeGRU.apply
    with torch.autocast(gates_BTG.device.type, enabled=False):  # all are cast already
        return loop(attending, gates_BTG, state_BD.to(gates_BTG.dtype), *weights, *read)


def _cast(*tensors: Tensor) -> list[Tensor]:
    """Return the tensors in autocast's type, where it is on."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(device)) for tensor in tensors]


class _AttendBeforeGRU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        attending: Callable[[], AbstractContextManager[None]],
        gates_BTG: Tensor,
        state_BD: Tensor,
        context_weights_GV: Tensor,
        weights_GD: Tensor,
        bias_G: Tensor,
        *read: Tensor,
    ) -> tuple[Tensor, ...]:
        context_weights_GV = context_weights_GV.contiguous()
        steps = gates_BTG.size(1)
        cell = GRUSteps(state_BD, weights_GD, bias_G, steps)
        reading = _Reading(steps, *read)
        for t, gates_BG in enumerate(gates_BTG.unbind(1)):
            with attending():
                context_BV = reading.step(t, cell.states_TBD[t])
            cell.step(t, linear(context_BV, context_weights_GV) + gates_BG)
        made = cell.states_TBD[1:], reading.contexts_TBV, reading.weights_TBS
        outputs = tuple(tensor_TBX.transpose(0, 1) for tensor_TBX in made)
        # Outputs and inputs are saved for autograd to refuse a backward after they were changed.
        ctx.save_for_backward(*outputs, *read[:4], context_weights_GV, weights_GD)
        ctx.cell, ctx.reading = cell, reading
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients_BTX: Tensor) -> tuple[Tensor | None, ...]:
        cell: GRUSteps = ctx.cell
        reading: _Reading = ctx.reading
        *_, context_weights_GV, _ = ctx.saved_tensors
        of_states, of_contexts, of_weights = (tensor.unbind(1) for tensor in gradients_BTX)
        cell.begin_backward()
        reading.begin_backward()
        state_gradient_BD = torch.zeros_like(of_states[0])
        for t in reversed(range(len(of_states))):
            state_gradient_BD = cell.backward(t, state_gradient_BD + of_states[t])
            context_gradient_BV = linear(cell.gates_gradient_TBG[t], context_weights_GV.t())
            context_gradient_BV = context_gradient_BV + of_contexts[t]
            state_gradient_BD += reading.backward(t, context_gradient_BV, of_weights[t])
        return (
            None,
            cell.gates_gradient_TBG.transpose(0, 1),
            state_gradient_BD,
            over_steps(cell.gates_gradient_TBG, reading.contexts_TBV),
            *cell.gradients(),
            *reading.gradients(cell.states_TBD[:-1]),
        )


class _Reading:
    """Attention to one memory, a query a step; in the order of calls that `GRUSteps` has."""

    def __init__(
        self,
        steps: int,
        keys_BSK: Tensor,
        values_BSV: Tensor,
        query_weights_KD: Tensor,
        vector_K: Tensor,
        mask_BS: Tensor,
    ) -> None:
        self._values_BSV, self._query_weights_KD = values_BSV, query_weights_KD
        self._outside_BS = ~mask_BS
        self._energies = EnergySteps(keys_BSK.unsqueeze(1), vector_K)
        (batch, positions), size = mask_BS.shape, values_BSV.size(-1)
        self.contexts_TBV = values_BSV.new_empty(steps, batch, size)
        self.weights_TBS = at_least_float32(values_BSV.new_empty(steps, batch, positions))
        self._queries_B11K: list[Tensor] = []

    def step(self, t: int, state_BD: Tensor) -> Tensor:
        """Return the context that the state reads."""
        query_BK = linear(state_BD, self._query_weights_KD)
        self._queries_B11K.append(at_least_float32(query_BK)[:, None, None])
        scores_BS = self._energies.step(self._queries_B11K[t])[:, 0, 0]
        scores_BS = scores_BS.masked_fill_(self._outside_BS, -torch.inf)
        torch.softmax(scores_BS, -1, out=self.weights_TBS[t])
        weights_B1S = self.weights_TBS[t].unsqueeze(1).to(self._values_BSV.dtype)
        torch.bmm(weights_B1S, self._values_BSV, out=self.contexts_TBV[t].unsqueeze(1))
        return self.contexts_TBV[t]

    def begin_backward(self) -> None:
        """Make room for the gradients that every step has a part of."""
        self._contexts_gradient_TBV = torch.empty_like(self.contexts_TBV)
        self._query_gradients: list[Tensor] = []
        self._energies.begin_backward()

    def backward(self, t: int, context_gradient_BV: Tensor, weights_gradient_BS: Tensor) -> Tensor:
        """Return the gradient of the state of step t."""
        self._contexts_gradient_TBV[t] = context_gradient_BV
        values_BVS = self._values_BSV.transpose(1, 2)
        gradient_BS = torch.bmm(context_gradient_BV.unsqueeze(1), values_BVS).squeeze(1)
        weights_BS = self.weights_TBS[t]
        scores_gradient_BS = aten._softmax_backward_data(
            gradient_BS + weights_gradient_BS, weights_BS, -1, weights_BS.dtype
        )
        query_gradient_B11K = self._energies.backward(
            self._queries_B11K[t], scores_gradient_BS[:, None, None]
        )
        self._query_gradients.append(query_gradient_B11K[:, 0, 0].to(context_gradient_BV.dtype))
        return linear(self._query_gradients[-1], self._query_weights_KD.t())

    def gradients(self, states_TBD: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `__init__`; these states made the queries."""
        keys_B1SK, vector_K = self._energies.gradients()
        # The sum over all steps of weight x gradient of the context.
        weights_BST = self.weights_TBS.to(self._values_BSV.dtype).permute(1, 2, 0)
        values_BSV = torch.bmm(weights_BST, self._contexts_gradient_TBV.transpose(0, 1))
        query_weights_KD = over_steps(torch.stack(self._query_gradients[::-1]), states_TBD)
        return keys_B1SK[:, 0], values_BSV, query_weights_KD, vector_K, None
