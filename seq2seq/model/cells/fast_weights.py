"""Fast weights: a matrix that a network writes at each step, and by which it answers at once.

One slow network makes a key, a value and a query of its input, and writes the outer product of
value and key into a fast network, which is the matrix -- Schmidhuber 1992. Without the softmax,
attention to all inputs until now is the same computation -- Schlag, Irie and Schmidhuber 2021.

Shapes: B batch, T steps, I input size, D layer size, H heads, K key size, N features of a key,
V value size of a head (D = H V), G what a step reads, C steps of a chunk.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from seq2seq.bounds import Heads, Units
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear, is_deferring
from seq2seq.kernels.precision import at_least_float32
from seq2seq.model.attention.contract import split_heads
from seq2seq.model.cells.shares import product_shares
from seq2seq.model.contract import Cell, Share, Tree
from seq2seq.model.probe import probe

CHUNK = 64
"""Steps that training takes at once: more and the products of all pairs in a chunk cost more."""


class FastState(NamedTuple):
    """The output, and the fast matrix of each head."""

    output_BD: Tensor
    content_BHNV: Tensor


class Rule(NamedTuple):
    """How a matrix is written to."""

    name: str
    """`delta` or `sum`."""
    decay_H11: Tensor | None = None
    """What is left of each head's matrix after a step, if less than all."""


class Association(NamedTuple):
    """What the slow network makes of each step's input."""

    queries_BHTN: Tensor
    keys_BHTN: Tensor
    values_BHTV: Tensor
    rates_BHT1: Tensor
    """How much of a value is written, of the rule `delta`; empty for `sum`."""
    direct_BTD: Tensor
    """What the output has from the input without the memory."""
    kept_BTD: Tensor
    """What is kept of the last output; empty without a gate."""
    real_B1T1: Tensor | None = None
    """Which steps are no padding, if some are."""

    def part(self, start: int, end: int) -> "Association":
        """Return the steps from `start` to before `end`."""
        return Association(
            self.queries_BHTN[:, :, start:end],
            self.keys_BHTN[:, :, start:end],
            self.values_BHTV[:, :, start:end],
            self.rates_BHT1[:, :, start:end],
            self.direct_BTD[:, start:end],
            self.kept_BTD[:, start:end],
            None if self.real_B1T1 is None else self.real_B1T1[:, :, start:end],
        )

    def clock(self) -> Tensor:
        """Return the number of real steps until each step, itself included: ticks_T1 or B1T1."""
        if self.real_B1T1 is None:
            steps = self.keys_BHTN.size(2)
            return torch.arange(1, steps + 1, device=self.keys_BHTN.device).unsqueeze(-1)
        return self.real_B1T1.cumsum(2)


class FastWeights(Cell):
    """h = tanh(P [M f(q) of all heads] + Q x), M the fast matrix after the step has written to it.

    `rule: sum` adds what is new, M' = M + f(k) v^T. `rule: delta` replaces what the key reads now:
    M' = M + b f(k) (v - M^T f(k))^T with b = sigmoid(w x), so that old values of a key don't stay
    -- Schlag et al. 2021, section 4.2; the rule itself is Widrow and Hoff's of 1960.

    `features` is f: `elu` for elu(x) + 1 (Katharopoulos et al. 2020), `softmax`, or `dpfp`, the
    products of each positive or negative part with its neighbour (Schlag et al. 2021, section 5.3).
    They are divided by their sum, as there; `norm: length` divides by their length, with which
    b = 1 writes exactly what will be read. So also x sigmoid(x), `silu`, which may be negative
    (Yang et al. 2024): keys that have nothing to do with each other can be at right angles.

    `decay: learned` gives each head a fraction by which its matrix shrinks at each step, so that it
    forgets (Yang et al. 2025, with a fraction that does not depend on the input). Before training
    they differ: one head knows the last step, another the last ten, so that order counts.

    `gate: update` lets an output keep a part of the one before, h' = z h + (1 - z) tanh(...) with
    z = sigmoid(Z x), as a GRU does. Translation needs it or `recurrent` most of all: without, only
    the memory knows the order of what was read.

    With `recurrent` the slow network reads the last output beside the input (Irie et al. 2021,
    section 3.1, the recurrent delta net): then no step can be taken before the one before it.

    The state to start from is written under a key of its own, which is learnt.
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        *,
        rule: Literal["delta", "sum"] = "delta",
        features: Literal["dpfp", "elu", "softmax", "silu"] = "dpfp",
        norm: Literal["sum", "length"] = "sum",
        heads: Heads = 4,
        key_size: Units | None = None,
        decay: Literal["none", "learned"] = "none",
        gate: Literal["none", "update"] = "none",
        recurrent: bool = False,
    ) -> None:
        super().__init__(input_size, size)
        if size % heads:
            raise UserError(f"cell.heads: expected a divisor of size {size}, found {heads}")
        key_size = key_size or max(2, size // heads)
        if features == "dpfp" and key_size < 2:
            raise UserError("cell.features dpfp needs a key_size of 2 or more, found 1")
        if features == "silu" and norm == "sum":
            raise UserError("cell.features silu has negative numbers; set norm: length")
        self.rule, self.heads = rule, heads
        self.features: Callable[[Tensor], Tensor] = _FEATURES[features]
        self.norm = norm
        self.sizes = [2 * heads * key_size, size, size]
        self.sizes += [size] if gate == "update" else [0]
        self.sizes += [heads] if rule == "delta" else [0]
        self.input = nn.Linear(input_size, sum(self.sizes))
        self.own = Linear(size, sum(self.sizes), bias=False) if recurrent else None
        self.reads = Linear(size, size, bias=False)
        self.decay = nn.Parameter(torch.empty(heads, 1, 1)) if decay == "learned" else None
        self.first_key = nn.Parameter(torch.empty(heads, 1, key_size))

    def initialise(self) -> None:
        """Give Xavier matrices to each thing made of the input; the first key is drawn."""
        for layer in (self.input, self.own) if self.own is not None else (self.input,):
            for slice_XI in layer.weight.split([size for size in self.sizes if size]):
                nn.init.xavier_uniform_(slice_XI)
        nn.init.xavier_uniform_(self.reads.weight)
        nn.init.zeros_(self.input.bias)
        nn.init.normal_(self.first_key)
        if self.decay is not None:
            steps = torch.logspace(-1, 1, self.heads, base=8)  # that a head remembers: 1/8 to 8
            with torch.no_grad():
                self.decay.copy_(steps.log().view_as(self.decay))

    def shares(self, *sizes: int) -> tuple[Share, ...]:
        """Return the products with the slices of the slow network's matrix."""
        return product_shares(self.input.weight, self.input.bias, sizes)

    def start(self, initial_BX: Tensor) -> FastState:
        """Return a matrix that holds the vector under the first key."""
        value_BH1V = at_least_float32(initial_BX).unflatten(-1, (self.heads, 1, -1))
        key_HN1 = self._features(self.first_key).transpose(-1, -2)
        return FastState(initial_BX, key_HN1 * value_BH1V)

    def output(self, state: Tree) -> Tensor:
        """Return output_BD."""
        return cast("FastState", state).output_BD

    def step(self, input_BG: Tensor, state: Tree) -> FastState:
        """Return the next output and matrix."""
        if self.own is not None:
            input_BG = input_BG + self.own(self.output(state))
        outputs_B1D, content_BHNV = self._run(self.associate(input_BG.unsqueeze(1)), state)
        return FastState(outputs_B1D.squeeze(1), content_BHNV)

    def forward(
        self, inputs_BTI: Tensor, state: Tree, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, Tree]:
        """Return outputs_BTD and the state after all T steps, or after each sentence's last one."""
        if self.own is not None:
            return super().forward(inputs_BTI, state, lengths_B)
        (share,) = self.shares(inputs_BTI.size(-1))
        steps = self.associate(share(inputs_BTI))
        if lengths_B is None:
            outputs_BTD, content_BHNV = self._run(steps, state)
            return outputs_BTD, FastState(outputs_BTD[:, -1], content_BHNV)
        outputs_BTD, content_BHNV = self._run(until(steps, lengths_B), state)
        last_B1D = (lengths_B - 1).view(-1, 1, 1).expand(-1, 1, self.size)
        return outputs_BTD, FastState(outputs_BTD.gather(1, last_B1D).squeeze(1), content_BHNV)

    def _run(self, steps: Association, state: Tree) -> tuple[Tensor, Tensor]:
        """Return outputs_BTD, and the matrix after all steps."""
        output_BD, content_BHNV = cast("FastState", state)
        length = steps.direct_BTD.size(1)
        # bf16 would round each product into the matrix, which is a sum over all steps
        with torch.autocast(content_BHNV.device.type, enabled=False):
            rule = Rule(self.rule, None if self.decay is None else self.decay.sigmoid())
            if self.rule == "sum" and torch.onnx.is_in_onnx_export():
                reads_BHTV, content_BHNV = at_once(steps, content_BHNV, rule)
            elif length > 1 and is_deferring():
                reads_BHTV, content_BHNV = in_chunks(steps, content_BHNV, rule)
            else:
                self.refuse_export(length)
                reads_BHTV, content_BHNV = self._one_by_one(steps, content_BHNV, rule)
        reads_BTD = reads_BHTV.transpose(1, 2).flatten(2)
        outputs_BTD = (self.reads(reads_BTD) + steps.direct_BTD).tanh()
        return self._gated(outputs_BTD, steps.kept_BTD, output_BD), content_BHNV

    def _gated(self, new_BTD: Tensor, kept_BTD: Tensor, output_BD: Tensor) -> Tensor:
        """Let each output keep a part of the one before, if there is a gate."""
        if not kept_BTD.size(-1):
            return new_BTD
        self.refuse_export(new_BTD.size(1))
        outputs: list[Tensor] = []
        for new_BD, kept_BD in zip(new_BTD.unbind(1), kept_BTD.unbind(1), strict=True):
            output_BD = new_BD + kept_BD * (output_BD - new_BD)
            outputs.append(output_BD)
        return torch.stack(outputs, 1)

    def _one_by_one(
        self, steps: Association, content_BHNV: Tensor, rule: Rule
    ) -> tuple[Tensor, Tensor]:
        reads: list[Tensor] = []
        for number in range(steps.direct_BTD.size(1)):
            step = steps.part(number, number + 1)
            content_BHNV = write(step, content_BHNV, rule)
            with self.memory_scope():  # the heads' matrices one above the other
                content_BTNW = probe("content_BTNW", content_BHNV.flatten(1, 2).unsqueeze(1))
            content_BHNV = content_BTNW.squeeze(1).unflatten(1, content_BHNV.shape[1:3])
            reads.append(step.queries_BHTN @ content_BHNV)
        return torch.cat(reads, 2), content_BHNV

    def associate(self, input_BTG: Tensor) -> Association:
        """Return queries, keys, values and rates of what the slow network has made of the input."""
        both_BTX, value_BTD, direct_BTD, kept_BTD, rate_BTH = input_BTG.split(self.sizes, -1)
        queries_BHTN, keys_BHTN = self._features(split_heads(both_BTX, 2 * self.heads)).chunk(2, 1)
        values_BHTV = split_heads(at_least_float32(value_BTD), self.heads)
        rates_BHT1 = at_least_float32(rate_BTH).sigmoid().transpose(1, 2).unsqueeze(-1)
        kept_BTD = kept_BTD.sigmoid()
        return Association(queries_BHTN, keys_BHTN, values_BHTV, rates_BHT1, direct_BTD, kept_BTD)

    def _features(self, keys_HTK: Tensor) -> Tensor:
        """f of keys or queries: features_HTN of 0 or more, whose sum or length is 1."""
        features_HTN = self.features(at_least_float32(keys_HTK))
        if self.norm == "length":
            return nn.functional.normalize(features_HTN, dim=-1, eps=_TINY)
        return features_HTN / features_HTN.sum(-1, keepdim=True).clamp(min=_TINY)


# --- writing and reading --------------------------------------------------------------------------


def write(step: Association, content_BHNV: Tensor, rule: Rule) -> Tensor:
    """Return the matrix after one step (T = 1) has written to it."""
    if rule.decay_H11 is not None:
        content_BHNV = rule.decay_H11 ** step.clock() * content_BHNV
    written_BH1V = step.values_BHTV
    if rule.name == "delta":
        written_BH1V = step.rates_BHT1 * (written_BH1V - step.keys_BHTN @ content_BHNV)
    return content_BHNV + step.keys_BHTN.transpose(-1, -2) * written_BH1V


def at_once(steps: Association, content_BHNV: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """Return reads_BHTV and the matrix after all steps, each of which writes and then reads.

    What step t writes is u_t = b_t (v_t - M^T k_t - sum_j<t (k_j . k_t) u_j), M the matrix given:
    one triangular system for all t -- after Yang et al. 2024, section 3. What it reads is attention
    without a softmax: M^T q_t + sum_j<=t (k_j . q_t) u_j. With a decay d, what was written at step
    j counts d^(t-j), and M counts d^t; padding is no step.
    """
    queries_BHTN, keys_BHTN, written_BHTV, rates_BHT1 = steps[:4]
    keys_BHNT = keys_BHTN.transpose(-1, -2)
    scores_BHTT = (queries_BHTN @ keys_BHNT).tril()
    reads_BHTV, known_BHTV = queries_BHTN @ content_BHNV, keys_BHTN @ content_BHNV
    if rule.decay_H11 is not None:
        ages_BHT1 = steps.clock()
        ages_BHTT = (ages_BHT1 - ages_BHT1.transpose(-1, -2)).clamp(min=0)
        left_BHTT, left_BHT1 = rule.decay_H11**ages_BHTT, rule.decay_H11**ages_BHT1
        scores_BHTT = left_BHTT * scores_BHTT
        reads_BHTV, known_BHTV = left_BHT1 * reads_BHTV, left_BHT1 * known_BHTV
        content_BHNV = left_BHT1[..., -1:, :] * content_BHNV
    if rule.name == "delta":
        before_BHTT = (keys_BHTN @ keys_BHNT).tril(-1)
        if rule.decay_H11 is not None:
            before_BHTT = left_BHTT * before_BHTT
        written_BHTV = torch.linalg.solve_triangular(  # the diagonal counts as 1
            rates_BHT1 * before_BHTT,
            rates_BHT1 * (written_BHTV - known_BHTV),
            upper=False,
            unitriangular=True,
        )
    reads_BHTV = reads_BHTV + scores_BHTT @ written_BHTV
    if rule.decay_H11 is not None:
        keys_BHNT = keys_BHNT * left_BHTT[..., -1:, :]
    return reads_BHTV, content_BHNV + keys_BHNT @ written_BHTV


def in_chunks(
    steps: Association, content_BHNV: Tensor, rule: Rule, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """Return the same, a chunk of steps after the other."""
    reads: list[Tensor] = []
    for start in range(0, steps.direct_BTD.size(1), chunk):
        part = steps.part(start, start + chunk)
        reads_BHCV, content_BHNV = at_once(part, content_BHNV, rule)
        reads.append(reads_BHCV)
    return torch.cat(reads, 2), content_BHNV


def until(steps: Association, lengths_B: Tensor) -> Association:
    """Return the steps with nothing written or forgotten after each sentence's last step."""
    positions_T = torch.arange(steps.direct_BTD.size(1), device=lengths_B.device)
    real_B1T1 = (positions_T < lengths_B.unsqueeze(1))[:, None, :, None]
    return steps._replace(
        values_BHTV=steps.values_BHTV * real_B1T1,
        rates_BHT1=steps.rates_BHT1 * real_B1T1,
        real_B1T1=real_B1T1,
    )


# --- features -------------------------------------------------------------------------------------

_TINY = 1e-6


def _dpfp(keys_HTK: Tensor) -> Tensor:
    """Each of the 2 K parts (positive, negative) times the next one."""
    parts_HTN = torch.cat((keys_HTK.relu(), (-keys_HTK).relu()), -1)
    return parts_HTN * torch.cat((parts_HTN[..., -1:], parts_HTN[..., :-1]), -1)


def _elu(keys_HTK: Tensor) -> Tensor:
    return nn.functional.elu(keys_HTK) + 1


def _softmax(keys_HTK: Tensor) -> Tensor:
    return keys_HTK.softmax(-1)


_FEATURES: dict[str, Callable[[Tensor], Tensor]] = {
    "dpfp": _dpfp,
    "elu": _elu,
    "softmax": _softmax,
    "silu": nn.functional.silu,
}
