"""Bahdanau's decoder in training: all steps as one function of `kernels.attention_loop`.

It serves additive attention by softmax before one GRU layer, and gives what `_step_by_step` of the
decoder gives.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from seq2seq.kernels.attention_loop import Cell, Read, attend_before_gru
from seq2seq.kernels.deferred import is_deferring
from seq2seq.model.attention import Attended, Attention, Memory
from seq2seq.model.attention.bahdanau import Additive
from seq2seq.model.fast import offers
from seq2seq.model.probe import scope
from seq2seq.model.recurrent import Recurrent

if TYPE_CHECKING:
    from seq2seq.model.decoder import DecoderState


class Steps(NamedTuple):
    """The states of the cell, the last of them, and the attention."""

    states_BTD: Tensor
    last_BD: Tensor
    attended: Attended


def fits(gates_BTG: Tensor, decoder: nn.Module, attention: Attention, cell: Recurrent) -> bool:
    """Whether there are steps to take together, in training, and every part has a fused loop."""
    return (
        gates_BTG.size(1) > 1
        and is_deferring()
        and all(offers(part, "fused_loop") for part in (decoder, attention, attention.addressing))
        and not cell.is_lstm
    )


def attend_before_cell(
    attention: Attention,
    cell: Recurrent,
    gates_BTG: Tensor,
    context_weights_GV: Tensor,
    state: DecoderState,
    memory: Memory,
) -> Steps:
    """Return the states of `s = cell(gates + C c, s)`, c what the s before attended to."""
    assert isinstance(attention, Additive)
    states_BTD, context_BTV, weights_BTS = attend_before_gru(
        gates_BTG,
        state.layers_BLX[:, 0],
        Cell(context_weights_GV, *cell.hidden_weights()),
        Read(
            memory.keys_BHSK[:, 0],
            memory.values_BHSV[:, 0],
            attention.query.weight,
            attention.energy.weight[0],
            memory.mask_BS,
        ),
        partial(scope, "source"),
    )
    weights_BHTS = weights_BTS.unsqueeze(1)
    end = attention.advance(state.attention, weights_BHTS)
    return Steps(states_BTD, states_BTD[:, -1], Attended(context_BTV, weights_BHTS, end))
