"""The matrix products that a piece of work takes, and how fast this machine does them alone.

Shapes: T steps, B batch, I input size, D layer size, G gates, M x K x N those of one product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import flop_registry

from seq2seq.kernels import products

aten = torch.ops.aten

_SECONDS = 0.005  # of repeating a product until its time is believed
_MOST = 1000  # times


class Operand(NamedTuple):
    """A tensor but for its numbers."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> Operand:
        """Return what the numbers of `tensor` lie in."""
        return cls(tuple(tensor.shape), tensor.stride(), tensor.dtype)

    @classmethod
    def dense(cls, *shape: int, dtype: torch.dtype) -> Operand:
        """Return a contiguous operand."""
        return cls.of(torch.empty(shape, dtype=dtype, device="meta"))

    @property
    def turned(self) -> Operand:
        """This matrix transposed, as a view."""
        return Operand(self.shape[::-1], self.stride[::-1], self.dtype)

    def drawn(self, device: torch.device) -> Tensor:
        """Return such a tensor, of normal numbers: what memory happens to hold may be slow."""
        last = sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        numbers = torch.randn(max(0, last) + 1, dtype=self.dtype, device=device)
        return numbers.as_strided(self.shape, self.stride)


class Product(NamedTuple):
    """An operation of ATen on such operands, and its floating-point operations.

    A multiplication and an addition are two; `arguments` are operands, numbers and tuples.
    """

    operation: str
    arguments: tuple[Any, ...]
    flops: int

    def ways(self, device: torch.device) -> dict[str, Callable[[], Tensor]]:
        """Return what computes it on operands drawn anew, by library: torch's, oneDNN's if it can.

        On the CPU torch's own library is MKL, where it is built with that.
        """
        operation = getattr(aten, self.operation).default
        arguments = [x.drawn(device) if isinstance(x, Operand) else x for x in self.arguments]
        ways: dict[str, Callable[[], Tensor]] = {"torch": lambda: operation(*arguments)}
        if self.operation in ("mm", "addmm"):
            left, right = arguments[-2:]
            if products.suits_onednn(left, right.t()):
                ways["onednn"] = lambda: products.onednn_linear(left, right.t())
        return ways

    @property
    def operands(self) -> list[Operand]:
        """The matrices that are multiplied."""
        return [item for item in self.arguments if isinstance(item, Operand)][-2:]

    def render(self, sizes: Collection[int]) -> str:
        """Return `M x K x N`, after the size of the batch if there is one.

        A size that is not of `sizes`, those of the model's weights, is an n: it changes from batch
        to batch.
        """
        left, right = (operand.shape for operand in self.operands)
        shape = (*left, right[-1]) if self.operation in _MATRICES else (*left, *right)
        text = " x ".join(f"{size:,}" if size in sizes else "n" for size in shape)
        return text if self.operation in _MATRICES else f"{self.operation} {text}"


_MATRICES = ("mm", "addmm", "bmm", "baddbmm")


class _Fused(NamedTuple):
    """An operation that is one or more recurrent layers, whose products are within.

    Where among its arguments the pairs of matrices stand (of each layer and direction, input's and
    state's), and the states [layers x directions, B, D] before the first step.
    """

    matrices: Callable[[Sequence[Any]], list[tuple[Tensor, Tensor]]]
    state: int
    backward: bool


def _onednn_matrices(args: Sequence[Any]) -> list[tuple[Tensor, Tensor]]:
    return [(args[1], args[2])]


def _cudnn_matrices(args: Sequence[Any]) -> list[tuple[Tensor, Tensor]]:
    weights, stride = args[1], args[2]  # two matrices, and biases if there are any
    return [(weights[at], weights[at + 1]) for at in range(0, len(weights), stride)]


_FUSED = {
    aten.mkldnn_rnn_layer: _Fused(_onednn_matrices, 5, backward=False),
    aten.mkldnn_rnn_layer_backward: _Fused(_onednn_matrices, 5, backward=True),
    aten._cudnn_rnn: _Fused(_cudnn_matrices, 4, backward=False),
    aten._cudnn_rnn_backward: _Fused(_cudnn_matrices, 4, backward=True),
}


class Recorder(TorchDispatchMode):
    """Counts the products that are computed inside the block, forward and backward.

    They are what ATen is told to compute, padding included, by torch's own table of formulas
    (convolutions are in it). A recurrent layer in one fused call counts as the products of its
    equations. What a kernel from elsewhere does is not seen.
    """

    # FlopCounterMode counts the same operations, but keeps no shapes and takes fused layers for 0.

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types here
        self.counts: Counter[Product] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Do as told, and note it if it is a product."""
        out = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if packet in flop_registry:
            flops = flop_registry[packet](*args, **(kwargs or {}), out_val=out)
            arguments = tuple(_frozen(item) for item in args)
            self.counts[Product(packet.__name__, arguments, flops)] += 1
        elif packet is products.ONEDNN_LINEAR:
            rows, weight = args[0].flatten(0, -2), args[1]
            self.counts[product(Operand.of(rows), Operand.of(weight).turned)] += 1
        elif packet in _FUSED:
            self.counts.update(_layers_products(_FUSED[packet], args))
        return out


def _frozen(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return Operand.of(argument)
    return tuple(argument) if isinstance(argument, list) else argument


def _layers_products(fused: _Fused, args: Sequence[Any]) -> Counter[Product]:
    """The products of all layers and directions that one call computes, over all of their steps."""
    counts: Counter[Product] = Counter()
    *_, batch, size = args[fused.state].shape
    for input_weights, state_weights in fused.matrices(args):
        # By their numbers, not their shapes: under autocast cuDNN's are columns.
        gates = state_weights.numel() // size
        inputs = input_weights.numel() // gates
        rows = args[0].numel() // args[0].shape[-1]  # T x B
        # Of the input's dtype: autocast may hand in weights of another.
        sizes = _LayerSizes(rows, batch, inputs, gates, size, args[0].dtype)
        counts.update(_layer_products(sizes, backward=fused.backward))
    return counts


class _LayerSizes(NamedTuple):
    """What the products of one layer in one direction are of."""

    rows: int
    batch: int
    inputs: int
    gates: int
    size: int
    dtype: torch.dtype


def _layer_products(layer: _LayerSizes, *, backward: bool) -> Counter[Product]:
    rows, batch, inputs, gates, size, kind = layer
    steps = rows // batch
    inputs_RI, gates_RG = (Operand.dense(rows, n, dtype=kind) for n in (inputs, gates))
    states_RD, states_BD = (Operand.dense(n, size, dtype=kind) for n in (rows, batch))
    gates_BG = Operand.dense(batch, gates, dtype=kind)
    weights_GI, weights_GD = (Operand.dense(gates, n, dtype=kind) for n in (inputs, size))
    if not backward:
        return Counter(
            {product(inputs_RI, weights_GI.turned): 1, product(states_BD, weights_GD.turned): steps}
        )
    return Counter(
        {
            product(gates_RG, weights_GI): 1,  # gradients of the inputs,
            product(gates_RG.turned, inputs_RI): 1,  # of both matrices,
            product(gates_RG.turned, states_RD): 1,
            product(gates_BG, weights_GD): steps,  # and of each state
        }
    )


def product(left_MK: Operand, right_KN: Operand) -> Product:
    """Return the product of two matrices."""
    (rows, inner), (_, columns) = left_MK.shape, right_KN.shape
    return Product("mm", (left_MK, right_KN), 2 * rows * inner * columns)


def square(size: int, dtype: torch.dtype) -> Product:
    """Return the product of two square matrices of so many rows."""
    return product(*[Operand.dense(size, size, dtype=dtype)] * 2)


def total_flops(counts: Mapping[Product, int]) -> int:
    """Return the floating-point operations of all."""
    return sum(count * each.flops for each, count in counts.items())


def dominant(counts: Mapping[Product, int], share: float) -> list[Product]:
    """Return those products that together make `share` of the arithmetic, the greatest first."""
    ranked = sorted(counts, key=lambda each: counts[each] * each.flops, reverse=True)
    enough, chosen = share * total_flops(counts), []
    for each in ranked:
        if enough <= 0:
            break
        chosen.append(each)
        enough -= counts[each] * each.flops
    return chosen


def seconds_each(needed: Iterable[Product], device: torch.device) -> Iterator[dict[str, float]]:
    """Yield the seconds that each product takes alone by each library, with torch's threads."""
    for each in needed:
        yield {library: _seconds(way) for library, way in each.ways(device).items()}


def _seconds(way: Callable[[], Tensor]) -> float:
    """The mean of some times."""
    # Timer waits for the device, and takes one thread unless told.
    timer = Timer("way()", globals={"way": way}, num_threads=torch.get_num_threads())
    once = timer.timeit(1).mean
    times = min(_MOST, int(_SECONDS / once))
    return timer.timeit(times).mean if times > 1 else once
