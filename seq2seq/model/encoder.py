"""Source embeddings -> encoder states: the memory that attention reads.

Self-attention, if any, comes first: each embedding's context among all is what the layers read.

Shapes: B batch, S source positions, I input size, D layer size, E memory size (D, or 2 D when
bidirectional: forward half first).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import EncoderConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import Attention, build_attention
from seq2seq.model.attention.hard import Stochastic
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import probe, scope
from seq2seq.model.recurrent import Recurrent


class Encoded(NamedTuple):
    """The states, the mask (True = a real token), and the summary that starts the decoder."""

    states_BSE: Tensor
    mask_BS: Tensor
    final_BE: Tensor

    def mean_BE(self) -> Tensor:
        """Return the mean of each sentence's states."""
        mask_BS1 = self.mask_BS.unsqueeze(-1).to(self.states_BSE.dtype)
        return (self.states_BSE * mask_BS1).sum(1) / mask_BS1.sum(1)


class RecurrentEncoder(nn.Module):
    """Layers of GRU or LSTM, each read in both directions if bidirectional.

    Padding stands on the right and is handled without packing: the forward direction meets it
    only after the last token, and the backward direction reads each sentence turned round within
    its own length. So the states of a sentence are the same alone and in a padded batch, and the
    same code runs on CPU and CUDA and can be exported.
    """

    keeps_positions = True
    """State s is about source position s, so weights over states are weights over tokens."""

    def __init__(self, config: EncoderConfig, input_size: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = _self_attention(config, input_size)
        if self.self_attention is not None:
            input_size = self.self_attention.context_size
        directions = 2 if config.bidirectional else 1
        self.memory_size = directions * config.size
        sizes = [input_size] + [self.memory_size] * (config.layers - 1)
        self.forwards = nn.ModuleList(Recurrent(config.kind, n, config.size) for n in sizes)
        self.backwards = nn.ModuleList(
            Recurrent(config.kind, n, config.size) for n in sizes if config.bidirectional
        )
        self.dropout = Dropout(dropout)

    def forward(self, embedded_BSI: Tensor, lengths_B: Tensor) -> Encoded:
        """Return the encoder states of right-padded sentences of the given lengths (each >= 1)."""
        places_S = torch.arange(embedded_BSI.size(1), device=embedded_BSI.device)
        last_B1 = lengths_B.to(places_S.device, non_blocking=True).unsqueeze(1) - 1
        mask_BS = places_S <= last_B1
        turned_BS = torch.where(mask_BS, last_B1 - places_S, places_S)
        states_BSE = self._attend_to_itself(embedded_BSI, mask_BS)
        for layer in range(len(self.forwards)):
            if layer:
                states_BSE = self.dropout(states_BSE)
            states_BSE = self._layer(layer, states_BSE, turned_BS)
        states_BSE = probe("states_BSE", states_BSE)
        return Encoded(states_BSE, mask_BS, self._final(states_BSE, last_B1))

    def _attend_to_itself(self, embedded_BSI: Tensor, mask_BS: Tensor) -> Tensor:
        """Each token's context among all tokens, if the encoder has self-attention."""
        if self.self_attention is None:
            return embedded_BSI
        memory = self.self_attention.prepare(embedded_BSI, mask_BS)
        start = self.self_attention.start(memory)
        with scope("self"):
            attended = self.self_attention(embedded_BSI, memory, start)
        return attended.context_BTV

    def _layer(self, layer: int, inputs_BSI: Tensor, turned_BS: Tensor) -> Tensor:
        batch = turned_BS.size(0)  # that of inputs_BSI would be a constant in the exported graph
        outputs = [_read(self.forwards[layer], inputs_BSI, batch)]
        if self.backwards:
            turned_BSD = _read(self.backwards[layer], _pick(inputs_BSI, turned_BS), batch)
            outputs.append(_pick(turned_BSD, turned_BS))
        return torch.cat(outputs, -1)

    def _final(self, states_BSE: Tensor, last_B1: Tensor) -> Tensor:
        """What each direction knew after its last token: the forward one's last state, the
        backward one's first."""
        last_BE = _pick(states_BSE, last_B1).squeeze(1)
        if not self.backwards:
            return last_BE
        size = self.memory_size // 2
        return torch.cat((last_BE[:, :size], states_BSE[:, 0, size:]), -1)


def _self_attention(config: EncoderConfig, size: int) -> Attention | None:
    if config.self_attention is None:
        return None
    key = "model.encoder.self_attention"
    attention = build_attention(config.self_attention, size, size, key=key)
    if not attention.heads:
        raise UserError(f"{key}: kind none attends to nothing; null leaves self-attention out")
    if isinstance(attention.addressing, Stochastic):
        raise UserError(f"{key}.addressing: hard is learnt from the decoder's choices; try gumbel")
    return attention


def _read(layer: nn.Module, inputs_BSI: Tensor, batch: int) -> Tensor:
    assert isinstance(layer, Recurrent)
    start_BX = inputs_BSI.new_zeros(batch, layer.state_size)
    outputs_BSD, _ = layer(inputs_BSI, start_BX)
    return outputs_BSD


def _pick(vectors_BSD: Tensor, places_BP: Tensor) -> Tensor:
    """Return vectors_BPD, the vectors at the given places of each sentence."""
    return vectors_BSD.gather(1, places_BP.unsqueeze(-1).expand(-1, -1, vectors_BSD.size(-1)))
