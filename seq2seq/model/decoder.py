"""Memory and the tokens so far -> features of the next token: three ways to place attention.

Shapes: B batch, T steps, S source positions, I embedding size, D layer size, V context size,
F feature size, E memory size, H heads, L layers, G gates and X state size (see recurrent.py).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import DecoderConfig
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear, linear
from seq2seq.model import fused_loop
from seq2seq.model.attention import (
    Attended,
    Attention,
    AttentionState,
    Choices,
    Memory,
    join,
    join_choices,
)
from seq2seq.model.dropout import Dropout
from seq2seq.model.encoder import Encoded
from seq2seq.model.probe import probe, scope
from seq2seq.model.recurrent import Recurrent, run_stack


class DecoderState(NamedTuple):
    """What step t needs of step t - 1; the feature fed back has size 0 without input feeding."""

    layers_BLX: Tensor
    fed_BF: Tensor
    attention: AttentionState


class Decoded(NamedTuple):
    """The features that the output layer reads, the attention weights, and the state after."""

    features_BTF: Tensor
    weights_BHTS: Tensor
    state: DecoderState
    choices: Choices | None = None
    """Of hard attention in training, else None."""


def join_decoded(steps: Sequence[Decoded]) -> Decoded:
    """Return consecutive steps as one: everything over their T together."""
    return Decoded(
        torch.cat([step.features_BTF for step in steps], 1),
        torch.cat([step.weights_BHTS for step in steps], 2),
        steps[-1].state,
        join_choices([step.choices for step in steps]),
    )


class Decoder(nn.Module):
    """The contract: `start` once a sentence, then `forward` over any T >= 1 tokens."""

    def __init__(
        self, config: DecoderConfig, attention: Attention, *, dropout: float, fed_size: int = 0
    ) -> None:
        super().__init__()
        self.attention = attention
        self.dropout = Dropout(dropout)
        self.fed_size = fed_size
        state_size = config.size * (2 if config.cell == "lstm" else 1)
        self.state_shape = (config.layers, state_size)

    @property
    def parallel(self) -> bool:
        """True when no step needs the one before: then all T steps are taken at once."""
        return False

    def start(self, layers_BLX: Tensor, memory: Memory) -> DecoderState:
        """Return the state before the first step, given that of the recurrent layers."""
        # B of the mask: that of layers_BLX would be a constant in the exported graph
        fed_BF = layers_BLX.new_zeros(memory.mask_BS.size(0), self.fed_size)
        return DecoderState(layers_BLX, fed_BF, self.attention.start(memory))

    def forward(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        raise NotImplementedError

    def attend(
        self, states_BTD: Tensor, embedded_BTI: Tensor, memory: Memory, state: AttentionState
    ) -> Attended:
        """Attend with the decoder's states, joined to its input tokens if the unit reads them."""
        query_BTQ = probe("states_BTD", states_BTD)
        if self.attention.reads_token:
            query_BTQ = torch.cat((embedded_BTI, query_BTQ), -1)
        with scope("source"):
            attended: Attended = self.attention(query_BTQ, memory, state)
        return attended


class Luong(Decoder):
    """Attention after the cell: s_t = cell(y_t, s_t-1), then f_t = tanh(W [c_t ; s_t]).

    -- Luong et al. 2015, equation 5; with input feeding (section 3.3) f_t-1 joins y_t.
    """

    def __init__(
        self, config: DecoderConfig, attention: Attention, embedding: int, dropout: float
    ) -> None:
        fed_size = embedding if config.input_feeding else 0
        super().__init__(config, attention, dropout=dropout, fed_size=fed_size)
        sizes = [embedding + fed_size] + [config.size] * (config.layers - 1)
        self.layers = nn.ModuleList(Recurrent(config.cell, n, config.size) for n in sizes)
        self.readout = Readout(config.readout, attention.context_size + config.size, embedding)

    @property
    def parallel(self) -> bool:
        """True without input feeding."""
        return not self.fed_size

    def forward(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        if not self.parallel:
            return self._step_by_step(embedded_BTI, memory, state)
        outputs_BTD, layers_BLX = run_stack(
            self.layers, embedded_BTI, state.layers_BLX, self.dropout
        )
        attended = self.attend(outputs_BTD, embedded_BTI, memory, state.attention)
        features_BTF = self.readout(attended.context_BTV, outputs_BTD)
        end = DecoderState(layers_BLX, state.fed_BF, attended.state)
        return Decoded(features_BTF, attended.weights_BHTS, end, attended.choices)

    def _step_by_step(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        first, *upper = (layer for layer in self.layers if isinstance(layer, Recurrent))
        token_weights, fed_weights = first.input_weights(embedded_BTI.size(-1), self.fed_size)
        gates_BTG = first.gates(embedded_BTI, token_weights)  # no step waits for these
        first_BX, *upper_BX = state.layers_BLX.unbind(1)
        fed_BF, attention = state.fed_BF, state.attention
        features: list[Tensor] = []
        steps: list[Attended] = []
        # unbind, not indexing: the backward of T slices would fill T tensors with zeros
        for gates_BG, embedded_B1I in zip(
            gates_BTG.unbind(1), embedded_BTI.split(1, dim=1), strict=True
        ):
            first_BX = first.step(gates_BG + linear(fed_BF, fed_weights), first_BX)
            output_BD = first.output(first_BX)
            for number, layer in enumerate(upper):
                (weights_GD,) = layer.input_weights(output_BD.size(-1))
                layer_gates_BG = layer.gates(self.dropout(output_BD), weights_GD)
                upper_BX[number] = layer.step(layer_gates_BG, upper_BX[number])
                output_BD = layer.output(upper_BX[number])
            output_B1D = output_BD.unsqueeze(1)
            steps.append(self.attend(output_B1D, embedded_B1I, memory, attention))
            attention = steps[-1].state
            feature_BF = self.readout(steps[-1].context_BTV, output_B1D).squeeze(1)
            fed_BF = feature_BF[:, : self.fed_size]
            features.append(feature_BF)
        attended = join(steps)
        end = DecoderState(torch.stack((first_BX, *upper_BX), 1), fed_BF, attention)
        return Decoded(torch.stack(features, 1), attended.weights_BHTS, end, attended.choices)


class Bahdanau(Decoder):
    """Attention before the cell: c_t from s_t-1, then s_t = cell([y_t ; c_t], s_t-1).

    -- Bahdanau et al. 2015, A.1.2. Their next token depends on y_t-1, s_t and c_t in equation 4,
    but on s_t-1 in A.2.2; this is equation 4, as in most systems since. Upper layers, if any, read
    the first one's outputs and take no part in attention, so no step waits for them.
    """

    fused_loop = True
    fast_step = True

    def __init__(
        self, config: DecoderConfig, attention: Attention, embedding: int, dropout: float
    ) -> None:
        super().__init__(config, attention, dropout=dropout)
        self._build_cells(config, embedding)
        self.upper = nn.ModuleList(
            Recurrent(config.cell, config.size, config.size) for _ in range(config.layers - 1)
        )
        parts = config.size + embedding + attention.context_size
        self.readout = Readout(config.readout, parts, embedding)

    def _build_cells(self, config: DecoderConfig, embedding: int) -> None:
        inputs = embedding + self.attention.context_size
        self.first = Recurrent(config.cell, inputs, config.size)

    def forward(self, embedded_BTI: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        """Read T tokens, the first of which follows `state`."""
        token_weights, context_weights = self.input_weights(embedded_BTI.size(-1))
        gates_BTG = self.first.gates(embedded_BTI, token_weights)  # no step waits for these
        if fused_loop.fits(gates_BTG, self, self.attention, self.first):
            outputs_BTD, first_BX, attended = fused_loop.attend_before_cell(
                self.attention, self.first, gates_BTG, context_weights, state, memory
            )
        else:
            outputs_BTD, first_BX, attended = self._step_by_step(
                gates_BTG, embedded_BTI, context_weights, state, memory
            )
        # What no step waits for follows over all T at once.
        upper_BLX = state.layers_BLX[:, 1:]
        if self.upper:
            outputs_BTD, upper_BLX = run_stack(
                self.upper, self.dropout(outputs_BTD), upper_BLX, self.dropout
            )
        features_BTF = self.readout(outputs_BTD, embedded_BTI, attended.context_BTV)
        layers_BLX = torch.cat((first_BX.unsqueeze(1), upper_BLX), 1)
        end = DecoderState(layers_BLX, state.fed_BF, attended.state)
        return Decoded(features_BTF, attended.weights_BHTS, end, attended.choices)

    def _step_by_step(
        self,
        gates_BTG: Tensor,
        embedded_BTI: Tensor,
        context_weights: Tensor,
        state: DecoderState,
        memory: Memory,
    ) -> tuple[Tensor, Tensor, Attended]:
        """The first layer's outputs_BTD, its state after them, and what it attended to."""
        first_BX, attention = state.layers_BLX[:, 0], state.attention
        outputs: list[Tensor] = []
        steps: list[Attended] = []
        for token in zip(gates_BTG.unbind(1), embedded_BTI.split(1, dim=1), strict=True):
            first_BX, attended = self._step(*token, context_weights, first_BX, memory, attention)
            attention = attended.state
            outputs.append(self.first.output(first_BX))
            steps.append(attended)
        return torch.stack(outputs, 1), first_BX, join(steps)

    def input_weights(self, embedding: int) -> tuple[Tensor, ...]:
        """Return the matrices that tokens and contexts meet on their way into a cell."""
        return self.first.input_weights(embedding, self.attention.context_size)

    def _step(
        self,
        gates_BG: Tensor,
        embedded_B1I: Tensor,
        context_weights: Tensor,
        state_BX: Tensor,
        memory: Memory,
        attention: AttentionState,
    ) -> tuple[Tensor, Attended]:
        """The first layer's next state, given the token's share of its gates."""
        attended = self._attend(state_BX, embedded_B1I, memory, attention)
        context_BG = linear(attended.context_BTV.squeeze(1), context_weights)
        return self.first.step(gates_BG + context_BG, state_BX), attended

    def _attend(
        self, state_BX: Tensor, embedded_B1I: Tensor, memory: Memory, state: AttentionState
    ) -> Attended:
        return self.attend(self.first.output(state_BX).unsqueeze(1), embedded_B1I, memory, state)


class Conditional(Bahdanau):
    """Attention between two cells: s' = cell(y_t, s_t-1), c_t from s', s_t = cell2(c_t, s').

    -- the conditional GRU of Nematus, Sennrich et al. 2017, section 2.
    """

    fast_step = True

    def _build_cells(self, config: DecoderConfig, embedding: int) -> None:
        context = self.attention.context_size
        self.first = Recurrent(config.cell, embedding, config.size)
        # Without attention there is no context to read, and no cell to read it.
        self.second = Recurrent(config.cell, context, config.size) if context else None

    def input_weights(self, embedding: int) -> tuple[Tensor, ...]:
        """Return the matrices of the first cell for tokens, of the second for contexts."""
        (token_weights,) = self.first.input_weights(embedding)
        if self.second is None:
            return token_weights, token_weights.new_empty(0)
        return token_weights, *self.second.input_weights(self.attention.context_size)

    def _step(
        self,
        gates_BG: Tensor,
        embedded_B1I: Tensor,
        context_weights: Tensor,
        state_BX: Tensor,
        memory: Memory,
        attention: AttentionState,
    ) -> tuple[Tensor, Attended]:
        state_BX = self.first.step(gates_BG, state_BX)
        attended = self._attend(state_BX, embedded_B1I, memory, attention)
        if self.second is None:
            return state_BX, attended
        context_BG = self.second.gates(attended.context_BTV.squeeze(1), context_weights)
        return self.second.step(context_BG, state_BX), attended


class Readout(nn.Module):
    """Features of the next token: tanh, or maxout over pairs, of a layer over all parts together.

    -- tanh: Luong et al. 2015, equation 5; maxout: Bahdanau et al. 2015, A.2.2.
    """

    def __init__(self, kind: str, parts: int, size: int) -> None:
        super().__init__()
        self.pieces = 2 if kind == "maxout" else 1
        self.linear = Linear(parts, self.pieces * size)

    def forward(self, *parts_BTX: Tensor) -> Tensor:
        """Return features_BTF of the parts, concatenated in the order given."""
        return self.squash(self.linear(torch.cat(parts_BTX, -1)))

    def squash(self, mixed: Tensor) -> Tensor:
        """Return the features of what the layer gives."""
        if self.pieces == 1:
            return mixed.tanh()
        return mixed.unflatten(-1, (-1, self.pieces)).amax(-1)


class Bridge(nn.Module):
    """The encoder's last word to the decoder: the first state of every recurrent layer.

    `last` is tanh(W h), h what each direction knew at its end -- Bahdanau et al. 2015, A.2.2;
    `mean` takes the mean of all states for h -- Sennrich et al. 2017; `copy` takes h itself;
    `zero` starts from nothing.
    """

    def __init__(self, kind: str, memory_size: int, state_shape: tuple[int, int]) -> None:
        super().__init__()
        self.kind = kind
        self.state_shape = state_shape
        layers, size = state_shape
        if kind == "copy" and memory_size != size:
            raise UserError(
                "model.decoder.bridge copy needs encoder and decoder states of one size, "
                f"found encoder {memory_size} and decoder {size}; bridge last fits any"
            )
        self.linear = nn.Linear(memory_size, layers * size) if kind in ("last", "mean") else None

    def forward(self, encoded: Encoded) -> Tensor:
        """Return layers_BLX."""
        source_BE = encoded.mean_BE() if self.kind == "mean" else encoded.final_BE
        if self.linear is not None:
            return self.linear(source_BE).tanh().unflatten(-1, self.state_shape)
        if self.kind == "zero":
            return source_BE.new_zeros(source_BE.size(0), *self.state_shape)
        return source_BE.unsqueeze(1).expand(-1, self.state_shape[0], -1)


DECODERS: dict[str, type[Luong] | type[Bahdanau]] = {
    "luong": Luong,
    "bahdanau": Bahdanau,
    "conditional": Conditional,
}
