"""What an attention unit is: score -> address -> read.

Shapes: B batch, T decoder steps (any T >= 1), S memory positions, H heads, Q query size,
E memory size, K key size, V value size.

A unit scores every position for a query; its addressing turns the scores into weights; the weights
read the values. Units and addressings are chosen apart, so each goes with each.

The same code serves a whole target sequence (T = all) and one step of decoding (T = 1). Nothing
about a sentence is kept on the module: state goes in and comes out, batch first, so that a beam
may reorder it without knowing what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.kernels.deferred import matmul
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.probe import probe


class Memory(NamedTuple):
    """What is attended to, projected once a source sentence; the mask is True where it may be."""

    keys_BHSK: Tensor
    values_BHSV: Tensor
    mask_BS: Tensor
    visible: tuple[Tensor, ...] = ()
    """(visible_BTS,) where each of T queries may attend to some positions only: see `causal.py`."""

    @property
    def mask_B1TS(self) -> Tensor:
        """True where a query may attend; T is 1 where all may attend to the same positions."""
        if not self.visible:
            return self.mask_BS[:, None, None]
        (visible_BTS,) = self.visible
        return (self.mask_BS.unsqueeze(1) & visible_BTS).unsqueeze(1)


class AttentionState(NamedTuple):
    """What step t may need of step t - 1: how many steps there were, and the last one's weights."""

    step_B: Tensor
    weights_BHS: Tensor
    own: tuple[Tensor, ...] = ()
    """What else the unit carries from step to step, batch first."""


class Choices(NamedTuple):
    """Of positions that were drawn (hard attention): their log-probability, and the entropy, nats.

    Both are summed over heads.
    """

    log_probs_BT: Tensor
    entropies_BT: Tensor


class Attended(NamedTuple):
    """The context read (heads side by side), the weights it was read with, and the next state."""

    context_BTV: Tensor
    weights_BHTS: Tensor
    state: AttentionState
    choices: Choices | None = None

    def named_choices(self, name: str) -> dict[str, Choices]:
        """Return the choices under the name of the unit that made them, if any."""
        return {} if self.choices is None else {name: self.choices}


class Addressed(NamedTuple):
    """Weights, and the choices behind them if they were drawn."""

    weights_BHTS: Tensor
    choices: Choices | None = None


class Addressing(nn.Module):
    """Scores -> weights, over the positions of the mask.

    `recurrent`, `timeless` and `needs_positions` are as in `Attention`.

    Its own settings are the keyword-only arguments of its `__init__`.
    """

    recurrent: ClassVar[bool] = False
    timeless: ClassVar[bool] = False
    needs_positions: ClassVar[bool] = False
    causal: ClassVar[bool] = False
    """True when weights depend on positions by `memory.mask_B1TS` alone, so that each query may
    have positions of its own. Never needed: it makes self-attention of a decoder faster. A subclass
    that defines a method has it only if it says so itself: `model.fast`."""
    sums_to_one: ClassVar[bool] = True
    """False where the paper's equation has weights sum to less."""

    def __init__(self, query_size: int, heads: int) -> None:
        super().__init__()
        self.query_size = query_size
        self.heads = heads

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return non-negative weights; query t is the one that scores t were made for."""
        raise NotImplementedError

    @property
    def is_drawn(self) -> bool:
        """Whether positions are drawn in training, which `surrogate` then rewards."""
        return type(self).surrogate is not Addressing.surrogate

    def surrogate(self, choices: Choices, log_probs_BT: Tensor, real_BT: Tensor) -> Tensor:
        """Return what training adds to its summed loss where positions were drawn as `choices`.

        `log_probs_BT` are those of the target tokens in nats, 0 outside `real_BT`.
        """
        raise NotImplementedError


class Softmax(Addressing):
    """weights = softmax(scores): soft attention."""

    timeless = True
    causal = True
    fused_loop = True

    def forward(
        self, scores_BHTS: Tensor, query_BTQ: Tensor, memory: Memory, state: AttentionState
    ) -> Addressed:
        """Return weights that sum to 1 over the positions of the mask."""
        return Addressed(masked_softmax(scores_BHTS, memory.mask_B1TS))


class Attention(nn.Module):
    """The contract; a unit overrides `score`, and `prepare` and `queries` when it has weights.

    A unit's own settings are the keyword-only arguments of its `__init__`: the configuration
    gives them beside `kind` and they are checked against the annotations there.
    """

    recurrent: ClassVar[bool] = False
    """True when step t reads the state of step t - 1, so that steps can't be taken at once."""

    timeless: ClassVar[bool] = False
    """True when nothing of the state is read, so that the hypotheses of a beam, all at one step,
    may be the T queries to one memory. Never needed: it makes search faster. A subclass that
    defines a method has it only if it says so itself: `model.fast`."""

    reads_means: ClassVar[bool] = True
    """True when the context is the weighted mean of the values, as `forward` and `merge` have it.
    A subclass that defines one of these has it only if it says so itself."""

    needs_positions: ClassVar[bool] = False
    """True when a position's number, or which are beside it, has a meaning: then latents, which
    stand in no order, can't be attended to."""

    reads_token: ClassVar[bool] = False
    """True when the query is [embedding of the decoder's input token ; decoder state]."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.query_size = query_size
        self.memory_size = memory_size
        self.heads = 1
        self.context_size = memory_size
        self.positions: int | None = None  # more memory positions than this get no weight
        self.addressing: Addressing = Softmax(query_size, 1)
        self.weight_dropout: nn.Module = nn.Identity()
        """Of the weights that are read with; those that are given out are whole."""

    def prepare(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return the keys and values of encoder states: here the states themselves, one head."""
        states_B1SE = memory_BSE.unsqueeze(1)
        return Memory(states_B1SE, states_B1SE, mask_BS)

    def remember(self, memory_BSE: Tensor, mask_BS: Tensor) -> Memory:
        """Return what `prepare` makes of the states; its keys and values are probed."""
        memory = self.prepare(memory_BSE, mask_BS)
        return memory._replace(
            keys_BHSK=probe("keys_BHSK", memory.keys_BHSK),
            values_BHSV=probe("values_BHSV", memory.values_BHSV),
        )

    def start(self, memory: Memory) -> AttentionState:
        """Return the state before the first step."""
        batch, positions = memory.mask_BS.shape
        return AttentionState(
            memory.mask_BS.new_zeros(batch, dtype=torch.long),
            memory.values_BHSV.new_zeros(batch, self.heads, positions),
        )

    def queries(self, query_BTQ: Tensor) -> Tensor:
        """Return queries_BHTK: here the decoder's vectors themselves, one head."""
        return query_BTQ.unsqueeze(1)

    def score(self, queries_BHTK: Tensor, memory: Memory, state: AttentionState) -> Tensor:
        """Return scores_BHTS, how well each position answers each query: the paper's equation."""
        raise NotImplementedError

    def merge(self, contexts_BHTV: Tensor) -> Tensor:
        """Return context_BTV of the contexts of all heads, side by side."""
        return contexts_BHTV.transpose(1, 2).flatten(2)

    def advance(self, state: AttentionState, weights_BHTS: Tensor) -> AttentionState:
        """Return the state after the steps that had these weights."""
        step_B = state.step_B + weights_BHTS.size(2)
        return AttentionState(step_B, weights_BHTS[:, :, -1], state.own)

    def widen(self, state: AttentionState) -> AttentionState:
        """Return the state for a memory with one position more, on which nothing has lain yet.

        Of what is the unit's own, every tensor whose last axis is the memory's is widened.
        """
        positions = state.weights_BHS.size(-1)
        return AttentionState(
            state.step_B,
            functional.pad(state.weights_BHS, (0, 1)),
            tuple(
                functional.pad(own, (0, 1)) if own.size(-1) == positions else own
                for own in state.own
            ),
        )

    def forward(self, query_BTQ: Tensor, memory: Memory, state: AttentionState) -> Attended:
        """Attend to `memory` with T queries a sentence."""
        if not (self.recurrent or self.addressing.recurrent) or query_BTQ.size(1) == 1:
            return self._attend(query_BTQ, memory, state)
        steps: list[Attended] = []
        for query_B1Q in query_BTQ.split(1, dim=1):
            steps.append(self._attend(query_B1Q, memory, state))
            state = steps[-1].state
        return join(steps)

    def _attend(self, query_BTQ: Tensor, memory: Memory, state: AttentionState) -> Attended:
        queries_BHTK = probe("queries_BHTK", self.queries(query_BTQ))
        scores_BHTS = probe("scores_BHTS", self.score(queries_BHTK, memory, state))
        weights_BHTS, choices = self.addressing(scores_BHTS, query_BTQ, memory, state)
        weights_BHTS = probe("weights_BHTS", weights_BHTS, memory, state)
        read_BHTS = self.weight_dropout(weights_BHTS).to(memory.values_BHSV.dtype)
        contexts_BHTV = matmul(read_BHTS, memory.values_BHSV)
        context_BTV = probe("context_BTV", self.merge(contexts_BHTV))
        return Attended(context_BTV, weights_BHTS, self.advance(state, weights_BHTS), choices)


def join(steps: Sequence[Attended]) -> Attended:
    """Return what consecutive steps attended to as one: everything over their T together."""
    return Attended(
        torch.cat([step.context_BTV for step in steps], 1),
        torch.cat([step.weights_BHTS for step in steps], 2),
        steps[-1].state,
        join_choices([step.choices for step in steps]),
    )


def join_choices(steps: Sequence[Choices | None]) -> Choices | None:
    """Return the choices of consecutive steps as one; None where none were made."""
    made = [choices for choices in steps if choices is not None]
    if not made:
        return None
    return Choices(*(torch.cat(parts, 1) for parts in zip(*made, strict=True)))


def masked_softmax(scores_BHTS: Tensor, mask_B1TS: Tensor) -> Tensor:
    """Return the softmax over the positions where the mask is True, in float32 or wider.

    A position outside the mask gets exactly 0. Each row needs one position inside it.
    """
    scores_BHTS = at_least_float32(scores_BHTS)
    return scores_BHTS.masked_fill(~mask_B1TS, float("-inf")).softmax(-1)


def split_heads(vectors_BXD: Tensor, heads: int) -> Tensor:
    """Return vectors_BHXd of vectors whose last axis holds `heads` slices of equal width."""
    return vectors_BXD.unflatten(-1, (heads, -1)).transpose(1, 2)
