"""Attention of a sequence to itself while it grows: token t attends to the tokens up to t.

The memory of such a unit is made of the tokens so far, so it is part of a hypothesis's state. The
tokens of a whole sequence are attended from at once where unit and addressing allow it, else one
after the other, each with the memory as long as it was then.

In search the hypotheses of a sentence share one memory: each token is stored once, in the order in
which tokens came, and a hypothesis sees those of its own past. No key is ever moved.

Shapes: B batch, T new tokens, P tokens before them, S = P + T, H heads, D size of a token's vector;
of a beam: B sentences, K hypotheses of each, C places for tokens, of which S are taken.
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


class Shared(NamedTuple):
    """What the unit keeps of the tokens of all hypotheses so far.

    The places beyond those taken are written to by the next step: a state is stepped from once.
    """

    keys_BHCK: Tensor
    values_BHCV: Tensor
    attention: AttentionState


BLOCK = 64
"""Tokens that there is new room for, when there is none left."""


def attend_shared(
    unit: Attention, vectors_BKD: Tensor, shared: Shared, visible_BKS: Tensor
) -> tuple[Attended, Shared]:
    """Attend from the newest token of each hypothesis to its own past and itself.

    For a unit that takes all at once. `visible_BKS` says which of all tokens are a hypothesis's
    own; the last K of them are the newest.
    """
    slots, tokens = vectors_BKD.size(1), visible_BKS.size(2)
    new = unit.remember(vectors_BKD, _ones(vectors_BKD))
    keys_BHCK = _with(shared.keys_BHCK, new.keys_BHSK, tokens - slots)
    values_BHCV = _with(shared.values_BHCV, new.values_BHSV, tokens - slots)
    memory = Memory(
        keys_BHCK[:, :, :tokens],
        values_BHCV[:, :, :tokens],
        torch.ones_like(visible_BKS[:, 0]),
        (visible_BKS,),
    )
    attended = unit(vectors_BKD, memory, shared.attention)
    return attended, Shared(keys_BHCK, values_BHCV, shared.attention)


def _with(kept_BHCX: Tensor, new_BHTX: Tensor, taken: int) -> Tensor:
    """Return the tokens kept, and the new ones in the places that follow those taken."""
    end = taken + new_BHTX.size(2)
    if end > kept_BHCX.size(2):
        batch, heads, _, size = new_BHTX.shape
        grown_BHCX = new_BHTX.new_empty(batch, heads, end + BLOCK, size)
        grown_BHCX[:, :, :taken] = kept_BHCX[:, :, :taken]
        kept_BHCX = grown_BHCX
    kept_BHCX[:, :, taken:end] = new_BHTX
    return kept_BHCX


def _ones(vectors_BSD: Tensor) -> Tensor:
    """Return a mask_BS that leaves nothing out."""
    return torch.ones_like(vectors_BSD[:, :, 0], dtype=torch.bool)
