"""Attention of a sequence to itself while it grows: token t attends to the tokens up to t.

The memory of such a unit is made of the tokens so far, so it is part of a hypothesis's state. The
tokens of a whole sequence are attended from at once where unit and addressing allow it, else one
after the other, each with the memory as long as it was then.

Shapes: B batch, T new tokens, P tokens before them, S = P + T, H heads, D size of a token's vector.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.model.attention.contract import (
    Attended,
    Attention,
    AttentionState,
    Memory,
    join,
)
from seq2seq.model.fast import offers


class Past(NamedTuple):
    """What the unit keeps of the tokens so far."""

    keys_BHSK: Tensor
    values_BHSV: Tensor
    attention: AttentionState


def takes_all_at_once(unit: Attention) -> bool:
    """Whether no token's attention needs that of the token before."""
    return offers(unit, "timeless") and offers(unit.addressing, "causal")


def start(unit: Attention, states_BSD: Tensor) -> Past:
    """Return the past before the first token; of `states_BSD` only B, D and type count."""
    none_B0D = states_BSD[:, :0]
    memory = unit.prepare(none_B0D, _ones(none_B0D))
    return Past(memory.keys_BHSK, memory.values_BHSV, unit.start(memory))


def attend(unit: Attention, vectors_BTD: Tensor, past: Past) -> tuple[Attended, Past]:
    """Attend from each of T tokens to those up to itself; return the past after them, too.

    The weights are over all S tokens.
    """
    new = unit.remember(vectors_BTD, _ones(vectors_BTD))
    keys_BHSK = torch.cat((past.keys_BHSK, new.keys_BHSK), 2)
    values_BHSV = torch.cat((past.values_BHSV, new.values_BHSV), 2)
    mask_BS = torch.cat((_ones(past.values_BHSV[:, 0]), new.mask_BS), 1)
    memory = Memory(keys_BHSK, values_BHSV, mask_BS)
    if vectors_BTD.size(1) == 1:
        attended = unit(vectors_BTD, memory, unit.widen(past.attention))
    elif takes_all_at_once(unit):
        visible_BTS = causal_mask(vectors_BTD.size(1), mask_BS)
        attended = unit(vectors_BTD, memory._replace(visible=(visible_BTS,)), past.attention)
    else:
        attended = _step_by_step(unit, vectors_BTD, memory, past.attention)
    return attended, Past(keys_BHSK, values_BHSV, attended.state)


def causal_mask(steps: int, mask_BS: Tensor) -> Tensor:
    """Return visible_BTS for the last T = `steps` of S tokens: each sees those up to itself."""
    positions_S = torch.arange(mask_BS.size(1), device=mask_BS.device)
    visible_TS = positions_S <= positions_S[-steps:, None]
    return visible_TS.expand(len(mask_BS), -1, -1)


def _step_by_step(
    unit: Attention, vectors_BTD: Tensor, memory: Memory, state: AttentionState
) -> Attended:
    positions, steps = memory.mask_BS.size(1), vectors_BTD.size(1)
    attended: list[Attended] = []
    for step, vector_B1D in enumerate(vectors_BTD.split(1, dim=1), 1):
        seen = positions - steps + step
        memory_so_far = Memory(
            memory.keys_BHSK[:, :, :seen],
            memory.values_BHSV[:, :, :seen],
            memory.mask_BS[:, :seen],
        )
        found = unit(vector_B1D, memory_so_far, unit.widen(state))
        state = found.state
        weights_BH1S = functional.pad(found.weights_BHTS, (0, steps - step))
        attended.append(found._replace(weights_BHTS=weights_BH1S))
    return join(attended)


def _ones(vectors_BSD: Tensor) -> Tensor:
    """Return a mask_BS that leaves nothing out."""
    return torch.ones_like(vectors_BSD[:, :, 0], dtype=torch.bool)
