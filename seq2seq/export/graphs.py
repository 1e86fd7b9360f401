"""A model -> two ONNX graphs with named tensors: the encoder, and one step of the decoder.

The state of a step is a flat list of named parts. Which of their axes is the source's length is
found by encoding two batches, and which grows with the steps by making one: an attention unit may
carry whatever it likes. What grows begins with nothing, and is made by whoever runs the graphs.

B sentences or hypotheses, S source positions, W target vocabulary, H heads.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq.errors import UserError
from seq2seq.export.network import ENCODER, NEXT, STEP, STEPS, Network
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.model.contract import named_leaves, with_leaves
from seq2seq.model.model import Seq2Seq
from seq2seq.model.source import Projection

_OPSET = 18
_MEMORY, _MASK = "memory", "mask"  # what names of parts begin, and one ends, with
_LENGTHS = ((4, 2, 3), (7, 1))  # of the two batches
_TOKEN = 4  # a piece, whichever
_STEPS = 4  # that both are compared on
_TOLERANCE = 1e-3  # of log-probabilities and weights; rounding makes 1e-5


class _Part:
    """One tensor of the state: its name, and what its axes are.

    `one` and `other` are of two batches before the first step, `after` is that of `one` after it.
    """

    def __init__(self, name: str, one: Tensor, other: Tensor, after: Tensor) -> None:
        self.name = name
        self.shape = one.shape
        self.dtype = one.dtype
        self.source_axes = _unequal_axes(one, other)
        self.step_axes = _unequal_axes(one, after)
        self.is_empty = not after.numel()
        self.moves = not name.startswith(_MEMORY)

    @property
    def axes(self) -> dict[int, str]:
        """The axes whose size is not the model's."""
        sources = dict.fromkeys(self.source_axes, "source")
        return {0: "batch", **sources, **dict.fromkeys(self.step_axes, STEPS)}

    @property
    def axes_after(self) -> dict[int, str]:
        """The same after a step."""
        return {**self.axes, **dict.fromkeys(self.step_axes, NEXT + STEPS)}

    def empty(self, mask_BS: Tensor) -> Tensor:
        """The part itself if it holds nothing, which is then no tensor of the graphs."""
        sizes = [
            mask_BS.size(0) if axis == 0 else mask_BS.size(1) if axis in self.source_axes else size
            for axis, size in enumerate(self.shape)
        ]
        return mask_BS.new_zeros(sizes, dtype=self.dtype)


class _Encoder(nn.Module):
    """(source_BS, lengths_B) -> the parts of the first state."""

    def __init__(self, model: Seq2Seq, parts: Sequence[_Part]) -> None:
        super().__init__()
        self.model = model
        self.parts = parts

    def forward(self, source_BS: Tensor, lengths_B: Tensor) -> tuple[Tensor, ...]:
        found = _flat(ModelState(*self.model.encode(source_BS, lengths_B)))
        return tuple(found[part.name] for part in self.parts)


class _Step(nn.Module):
    """(tokens_B, the parts of a state) -> log_probs_BW, weights_BHS, the parts that moved."""

    def __init__(self, model: Seq2Seq, parts: Sequence[_Part], like: ModelState) -> None:
        super().__init__()
        self.model = model
        self.parts = parts
        self.like = like

    def forward(self, tokens_B: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        full = dict(zip((p.name for p in self.parts if not p.is_empty), given, strict=True))
        mask_BS = next(tensor for name, tensor in full.items() if name.endswith(_MASK))
        leaves = (part.empty(mask_BS) if part.is_empty else full[part.name] for part in self.parts)
        stepped = model_step(self.model)(tokens_B, with_leaves(self.like, leaves))
        found = _flat(stepped.state)
        moved = [found[part.name] for part in self.parts if part.moves and not part.is_empty]
        attention = [stepped.weights_NHS] if stepped.weights_NHS.size(1) else []
        return (stepped.log_probs_NW, *attention, *moved)


@torch.no_grad()
def write_graphs(model: Seq2Seq, folder: Path) -> None:
    """Write both graphs of `model` into `folder`.

    Raises UserError where the model does what ONNX has no word for, or where the graphs, run, don't
    give what it gives.
    """
    model = model.cpu().eval()
    first, other = (_batch(model, lengths) for lengths in _LENGTHS)
    like, begun = (ModelState(*model.encode(*batch)) for batch in (first, other))
    tokens_B = torch.full_like(first[1], _TOKEN)
    stepped = model_step(model)(tokens_B, like).state
    one, two, after = _flat(like), _flat(begun), _flat(stepped)
    parts = [_Part(name, one[name], two[name], after[name]) for name in one]
    kept = [part for part in parts if not part.is_empty]
    moving = [part for part in kept if part.moves]
    inputs = {part.name: part.axes for part in kept}
    encoded = [part for part in kept if not part.step_axes]
    _write(
        _Encoder(model, encoded),
        first,
        folder / ENCODER,
        inputs={"source": {0: "batch", 1: "source"}, "lengths": {0: "batch"}},
        outputs={part.name: part.axes for part in encoded},
    )
    attention = {"attention": {0: "batch", 2: "source"}} if model.heads else {}
    _write(
        _Step(model, parts, like),
        (tokens_B, *(after[part.name] for part in kept)),
        folder / STEP,
        inputs={"tokens": {0: "batch"}, **inputs},
        outputs={
            "log_probs": {0: "batch"},
            **attention,
            **{NEXT + part.name: part.axes_after for part in moving},
        },
    )
    _check(model, Network(folder), *other)


def _write(
    graph: nn.Module,
    arguments: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: dict[str, dict[int, str]],
    outputs: dict[str, dict[int, str]],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Not dynamo: it takes 40 s where this takes 2, and fixes the length of a GRU's output.
            torch.onnx.export(
                graph.eval(),  # else the model comes back in training mode
                arguments,
                path,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes={**inputs, **outputs},
                opset_version=_OPSET,
                dynamo=False,
            )
        except OSError:  # a full disk
            raise
        except Exception as error:  # of the exporter, or of the unit being traced
            raise _refused("the model can't be written as ONNX", error) from None


def _check(model: Seq2Seq, network: Network, source_BS: Tensor, lengths_B: Tensor) -> None:
    """Raise UserError if the graphs don't give what the model gives for these sentences."""
    try:
        apart = _distance(model, network, source_BS, lengths_B)
    except Exception as error:  # of ONNX Runtime: sizes that don't fit
        raise _refused("the graphs fit one size of batch only", error) from None
    if not apart <= _TOLERANCE:  # NaN too
        raise UserError(
            f"export: the graphs give log-probabilities or weights {apart:.3g} off the model's; "
            "does its attention unit branch on values, or on sizes?"
        )


def _distance(model: Seq2Seq, network: Network, source_BS: Tensor, lengths_B: Tensor) -> float:
    """How far log-probabilities and weights are apart at most, in a few greedy steps of both."""
    step = model_step(model)
    state = ModelState(*model.encode(source_BS, lengths_B))
    light = network.encode(source_BS.numpy(), lengths_B.numpy())
    tokens_B = torch.full_like(lengths_B, _TOKEN)
    apart = []
    for _ in range(_STEPS):
        log_probs_BW, weights_BHS, state = step(tokens_B, state)
        theirs_BW, theirs_BHS, light = network.step(tokens_B.numpy(), light)
        apart.append(np.abs(log_probs_BW.numpy() - theirs_BW).max())
        apart.append(np.abs(weights_BHS.numpy() - theirs_BHS).max(initial=0))
        tokens_B = log_probs_BW.argmax(-1)
    return float(np.max(apart))


def _refused(what: str, error: Exception) -> UserError:
    return UserError(f"export: {what}: {str(error).splitlines()[0]}")


def _batch(model: Seq2Seq, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Sources of these lengths, of any pieces or features."""
    draws = torch.Generator().manual_seed(1)
    shape = (len(lengths), max(lengths))
    inputs = model.source_embedding
    if isinstance(inputs, Projection):
        return torch.randn(*shape, inputs.features, generator=draws), torch.tensor(lengths)
    return torch.randint(inputs.num_embeddings, shape, generator=draws), torch.tensor(lengths)


def _unequal_axes(one: Tensor, other: Tensor) -> list[int]:
    """The axes, but for the batch's, that have two sizes."""
    return [axis for axis in range(1, one.dim()) if one.size(axis) != other.size(axis)]


def _flat(state: ModelState) -> dict[str, Tensor]:
    """The parts of a state by name."""
    return dict(named_leaves(state))
