"""What a model is made of: encoder, decoder and cell. The page to read first.

    ids -> embeddings -> Encoder -> Encoded
                                       |  start
                                       v
    ids -> embeddings -> Decoder(memory, state) -> Decoded -> output layer -> the next token

A part is built by its kind (`seq2seq.kinds`) with the options that its `__init__` takes by keyword
(`seq2seq.model.parts`). Nothing about a sentence is kept on a module: the memory of a sentence and
the state of a hypothesis go in and come out as trees of tensors, batch first, and search, export
and resuming treat them without knowing what they hold. What attention is, `attention/contract.py`
says.

Shapes: B batch, S memory positions, T steps, I input size, E memory size, D output size of a cell,
X size of what starts a cell, G size of what a cell's step reads, F feature size, H heads, N
latents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple, TypeVar, Union, cast

import torch
from torch import Tensor, nn

from seq2seq.errors import UserError
from seq2seq.model.attention.contract import Attention, Choices, join_choices
from seq2seq.model.probe import scope

Tree = Union[Tensor, tuple["Tree", ...]]  # noqa: UP007 -- `|` takes no name in quotes
"""A tensor, or a tuple of trees, named or not; every tensor has the batch as its first axis."""

AnyTree = TypeVar("AnyTree", bound="Tensor | tuple[Any, ...]")


class Encoded(NamedTuple):
    """A batch of source sentences as the encoder leaves them."""

    states_BSE: Tensor
    mask_BS: Tensor
    """True where the decoder may attend: at a real token, not at padding."""
    final: Tree
    """What the encoder knows at its end: a vector final_BE, or a machine's whole memory."""
    states: tuple[Tree, ...] = ()
    """Where the encoder `hands_over`: the last state of each cell, whole, from the lowest up."""
    weights_BNS: Tensor | None = None
    """Of an encoder that keeps no positions: how much state n has read of source position s."""

    def mean_BE(self) -> Tensor:
        """Return the mean of each sentence's states."""
        mask_BS1 = self.mask_BS.unsqueeze(-1).to(self.states_BSE.dtype)
        return (self.states_BSE * mask_BS1).sum(1) / mask_BS1.sum(1)


class Encoder(nn.Module):
    """Embedded source sentences -> `Encoded`."""

    memory_size: int
    """E, the size of a state."""
    keeps_positions: ClassVar[bool] = True
    """True when state s is about source position s, so that weights over states are weights over
    tokens. Otherwise the states are latents, and `Encoded.weights_BNS` is not None."""
    has_states: ClassVar[bool] = False
    """True when it can give `Encoded.states`."""
    hands_over: bool = False
    """Whether it is to give them: the model sets it where the decoder `continues`."""

    @property
    def units(self) -> Mapping[str, Attention]:
        """The attention units inside, by the names of their scopes: `self`, or `1.self`."""
        return {}

    def forward(self, embedded_BSI: Tensor, lengths_B: Tensor) -> Encoded:
        """Read right-padded sentences of the given lengths, each at least 1."""
        raise NotImplementedError


class Decoded(NamedTuple):
    """What a decoder makes of T tokens."""

    features_BTF: Tensor
    """What the output layer reads."""
    weights_BHTS: Tensor
    """The weights over the source, all heads side by side in the order of `source_units`."""
    state: Tree
    """After the last of the tokens."""
    choices: Mapping[str, Choices] = {}
    """In training, by the name of each unit that draws positions: what it drew."""


class Decoder(nn.Module):
    """The memory of a sentence and the tokens so far -> features of the next token."""

    @property
    def parallel(self) -> bool:
        """True when no step needs the one before: then all T steps are taken at once."""
        return False

    @property
    def continues(self) -> bool:
        """True when its cells go on from the states of the encoder's, `Encoded.states`."""
        return False

    @property
    def units(self) -> Mapping[str, Attention]:
        """The attention units inside, by the names of their scopes: `source`, or `1.source`."""
        raise NotImplementedError

    @property
    def source_units(self) -> Mapping[str, Attention]:
        """Those that attend to the source: their names end in `source`, and not in `self`."""
        return {n: unit for n, unit in self.units.items() if n.rpartition(".")[2] == "source"}

    def start(self, encoded: Encoded) -> tuple[Tree, Tree]:
        """Return the memory, fixed over the steps, and the state before the first step."""
        raise NotImplementedError

    def forward(self, embedded_BTI: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T >= 1 tokens, the first of which follows `state`.

        The same lines train on whole sentences and decode step by step.
        """
        raise NotImplementedError


class Surroundings(NamedTuple):
    """What the model gives to the decoder that it builds."""

    embedding: int
    """The size of an embedded target token, and of a feature."""
    memory_size: int
    """The size of an encoder state."""
    dropout: float
    """Between layers."""
    states_dropout: float
    """Of encoder states, where a recurrent decoder attends to them."""
    attention: Callable[[int], Attention]
    """Query size -> a new unit of the kind and options of `model.attention`."""


Share = Callable[[Tensor], Tensor]
"""A slice of a cell's input (any leading axes) -> what it contributes to what a step reads."""


class Cell(nn.Module):
    """An input and a state -> the next state, and with it an output.

    A subclass gives `step`, and what of the rest its state asks for. One that keeps a memory probes
    it inside `memory_scope`, every tensor with an axis for its one step: `read_weights_BHTN`.
    """

    place: str = ""
    """Where in the encoder or decoder it stands, as the scopes there name it: `forward.1`."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.size = size
        self.state_size = size
        """X, the size of the vector that `start` makes a state of."""

    def start(self, initial_BX: Tensor) -> Tree:
        """Return the state before the first step; zeros where the decoder or encoder has none."""
        return initial_BX

    def output(self, state: Tree) -> Tensor:
        """Return output_BD, which belongs to a state."""
        assert isinstance(state, Tensor)
        return state

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return a function for each slice, of these sizes, of the input: its share of a step.

        The shares of all slices, added up, are what `step` reads. So what is known of all steps
        ahead, as tokens are, is multiplied once for all of them.
        """
        rooms = [(sum(sizes[:number]), sum(sizes[number + 1 :])) for number in range(len(sizes))]
        return tuple(lambda slice, room=room: nn.functional.pad(slice, room) for room in rooms)

    def step(self, input_BG: Tensor, state: Tree) -> Tree:
        """Return the next state, given the sum of all shares of the input."""
        raise NotImplementedError

    def forward(
        self, inputs_BTI: Tensor, state: Tree, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, Tree]:
        """Return outputs_BTD and the state after all T steps.

        With `lengths_B` (each at least 1), a sentence's state stays as it is after its last step;
        what is output there has no meaning.
        """
        self.refuse_export(inputs_BTI.size(1))
        (share,) = self.shares(inputs_BTI.size(-1))
        outputs: list[Tensor] = []
        for number, input_BG in enumerate(share(inputs_BTI).unbind(1)):
            following = self.step(input_BG, state)
            state = following if lengths_B is None else where(number < lengths_B, following, state)
            outputs.append(self.output(state))
        return torch.stack(outputs, 1), state

    def refuse_export(self, steps: int) -> None:
        """Raise UserError if a loop over these steps is to become an ONNX graph."""
        if torch.onnx.is_in_onnx_export() and steps > 1:  # the trace would be as long
            raise UserError(
                f"{type(self).__name__} reads the source in a loop over its words, which an ONNX "
                "graph can't hold; such a cell can be exported in the decoder only"
            )

    def memory_scope(self) -> AbstractContextManager[None]:
        """Return the scope of the cell's memory: `1.memory` in the cell of the lowest layer."""
        return scope(f"{self.place}.memory".lstrip("."))


class OverLatents(NamedTuple):
    """The decoder's memory of latents, and `Encoded.weights_BNS`, which lead back to the source."""

    memory: Tree
    weights_BNS: Tensor


def apart(memory: Tree) -> tuple[Tree, tuple[Tensor, ...]]:
    """Return the memory as the decoder reads it, and the weights_BNS of its latents, if it has any.

    They are a tree, which is empty without latents.
    """
    if isinstance(memory, OverLatents):
        return memory.memory, (memory.weights_BNS,)
    return memory, ()


def over_source(weights_BHTN: Tensor, latents: tuple[Tensor, ...]) -> Tensor:
    """Return weights_BHTS: what the source has in the mean of latents that the weights make.

    weights(t, s) = sum_n weights(t, n) weights(n, s)

    Without latents the weights are over the source already.
    """
    if not latents:
        return weights_BHTN
    (weights_BNS,) = latents
    with torch.autocast(weights_BHTN.device.type, enabled=False):
        return weights_BHTN @ weights_BNS.to(weights_BHTN.dtype).unsqueeze(1)


# --- trees ----------------------------------------------------------------------------------------


def select(tree: AnyTree, rows_N: Tensor) -> AnyTree:
    """Return `tree` with these rows of the batch, in this order, of every tensor."""
    if isinstance(tree, Tensor):
        return cast("AnyTree", tree.index_select(0, rows_N))
    branches = [select(branch, rows_N) for branch in tree]
    return cast("AnyTree", tuple(branches) if type(tree) is tuple else type(tree)(*branches))


def where(rows_B: Tensor, tree: AnyTree, other: AnyTree) -> AnyTree:
    """Return `tree` in the rows of the batch that are True, `other`, of its shape, elsewhere."""
    if isinstance(tree, Tensor):
        rows = rows_B.view(-1, *[1] * (tree.dim() - 1))
        return cast("AnyTree", torch.where(rows, tree, cast("Tensor", other)))
    branches = [where(rows_B, *pair) for pair in zip(tree, other, strict=True)]
    return cast("AnyTree", tuple(branches) if type(tree) is tuple else type(tree)(*branches))


def named_leaves(tree: Tree, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of `tree` with its name, always in the same order.

    A name is made of those of the fields on the way, without their shapes, and of numbers in plain
    tuples: `attention_weights`, `layers_0`.
    """
    if isinstance(tree, Tensor):
        yield name, tree
        return
    fields = getattr(tree, "_fields", [str(number) for number in range(len(tree))])
    for field, branch in zip(fields, tree, strict=True):
        stem, _, shape = field.rpartition("_")
        inner = stem if stem and shape.isupper() else field
        yield from named_leaves(branch, f"{name}_{inner}" if name else inner)


def with_leaves(tree: AnyTree, leaves: Iterator[Tensor]) -> AnyTree:
    """Return a tree of the shape of `tree` whose tensors are the next of `leaves`."""
    if isinstance(tree, Tensor):
        return cast("AnyTree", next(leaves))
    branches = [with_leaves(branch, leaves) for branch in tree]
    return cast("AnyTree", tuple(branches) if type(tree) is tuple else type(tree)(*branches))


def join(steps: Sequence[Decoded]) -> Decoded:
    """Return consecutive steps as one: everything over their T together, the last one's state."""
    return Decoded(
        torch.cat([step.features_BTF for step in steps], 1),
        torch.cat([step.weights_BHTS for step in steps], 2),
        steps[-1].state,
        {
            name: choices
            for name in steps[0].choices
            if (choices := join_choices([step.choices[name] for step in steps])) is not None
        },
    )
