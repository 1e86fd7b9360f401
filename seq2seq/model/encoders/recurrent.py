"""Recurrent layers over the source, in one or both directions -- Schuster and Paliwal 1997.

Read from its end, the first words of the source are the last that the state has taken in, near to
the first words of the target -- Sutskever et al. 2014, 3.3.

Self-attention, if any, comes first: each embedding's context among all is what the layers read, or
with a residual path the sum of both -- He et al. 2016.

Shapes: B batch, S source positions, I input size, D layer size, E memory size (D, or 2 D when
bidirectional: forward half first).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seq2seq.config import AttentionConfig, CellConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import Attention, build_attention
from seq2seq.model.attention.hard import refuse_hard
from seq2seq.model.cells import build_cell, refuse_residual
from seq2seq.model.contract import Cell, Encoded, Encoder, Tree
from seq2seq.model.dropout import Dropout
from seq2seq.model.probe import probe, scope

KEY = "model.encoder"


class RecurrentEncoder(Encoder):
    """Layers of a cell, each read in both directions if bidirectional, or from the end if reverse.

    Padding stands on the right and is handled without packing: the forward direction meets it
    only after the last token, and the backward direction reads each sentence reversed within its
    own length. So the states of a sentence are the same alone and in a padded batch, and the same
    code runs on CPU and CUDA and can be exported.
    """

    has_states = True

    def __init__(
        self,
        embedding: int,
        dropout: float,
        *,
        size: int,
        cell: CellConfig | None = None,
        layers: int = 1,
        residual: bool = False,
        bidirectional: bool = True,
        reverse: bool = False,
        self_attention: AttentionConfig | None = None,
        self_residual: bool = False,
    ) -> None:
        super().__init__()
        self.self_attention = (
            None if self_attention is None else _self_attention(self_attention, embedding)
        )
        self.self_residual = self_residual
        if self.self_attention is not None:
            context = self.self_attention.context_size
            if self_residual and context != embedding:
                raise UserError(
                    f"{KEY}.self_residual adds the context to the embedding, and needs both of "
                    f"one size, found context {context} and embedding {embedding}; "
                    f"leave {KEY}.self_attention.size out"
                )
            embedding = context
        if residual:
            refuse_residual(KEY, layers)
        if reverse and bidirectional:
            raise UserError(
                f"{KEY}.reverse is for one direction, and {KEY}.bidirectional reads both: "
                f"set {KEY}.bidirectional=false"
            )
        self.residual = residual
        self.layers = layers
        self.memory_size = (2 if bidirectional else 1) * size
        sizes = [embedding] + [self.memory_size] * (layers - 1)
        config = cell or CellConfig()

        def stack(direction: str) -> nn.ModuleList:
            return nn.ModuleList(
                build_cell(config, n, size, key=f"{KEY}.cell", place=f"{direction}.{number}")
                for number, n in enumerate(sizes, 1)
            )

        self.forwards = nn.ModuleList() if reverse else stack("forward")
        self.backwards = stack("backward") if bidirectional or reverse else nn.ModuleList()
        self.dropout = Dropout(dropout)

    @property
    def units(self) -> Mapping[str, Attention]:
        """`self`, if the encoder has self-attention."""
        return {} if self.self_attention is None else {"self": self.self_attention}

    def forward(self, embedded_BSI: Tensor, lengths_B: Tensor) -> Encoded:
        """Return the encoder states of right-padded sentences of the given lengths (each >= 1)."""
        positions_S = torch.arange(embedded_BSI.size(1), device=embedded_BSI.device)
        lengths_B = lengths_B.to(positions_S.device, non_blocking=True)
        last_B1 = lengths_B.unsqueeze(1) - 1
        mask_BS = positions_S <= last_B1
        reversed_BS = torch.where(mask_BS, last_B1 - positions_S, positions_S)
        states_BSE = self._attend_to_itself(embedded_BSI, mask_BS)
        ends: list[Tree] = []
        for layer in range(self.layers):
            inputs_BSI = self.dropout(states_BSE) if layer else states_BSE
            outputs_BSE, end = self._layer(layer, inputs_BSI, reversed_BS, lengths_B)
            around = self.residual and layer
            states_BSE = states_BSE + outputs_BSE if around else outputs_BSE
            ends.append(end)
        states_BSE = probe("states_BSE", states_BSE)
        final_BE = self._final(states_BSE, last_B1)
        return Encoded(states_BSE, mask_BS, final_BE, tuple(ends) if self.hands_over else ())

    def _attend_to_itself(self, embedded_BSI: Tensor, mask_BS: Tensor) -> Tensor:
        """Each token's context among all tokens, if the encoder has self-attention; with a residual
        path, added to the token."""
        if self.self_attention is None:
            return embedded_BSI
        with scope("self"):
            memory = self.self_attention.remember(embedded_BSI, mask_BS)
            attended = self.self_attention(embedded_BSI, memory, self.self_attention.start(memory))
        if self.self_residual:
            return embedded_BSI + attended.context_BTV
        return attended.context_BTV

    def _layer(
        self, layer: int, inputs_BSI: Tensor, reversed_BS: Tensor, lengths_B: Tensor
    ) -> tuple[Tensor, Tree]:
        """The outputs of a layer, and its first cell's state at the end of each sentence.

        Where nobody takes that over, it is the state at the end of the padding.
        """
        batch = reversed_BS.size(0)  # that of inputs_BSI would be a constant in the exported graph
        lengths = lengths_B if self.hands_over else None
        outputs: list[Tensor] = []
        ends: list[Tree] = []
        if self.forwards:
            forwards_BSD, end = _read(self.forwards[layer], inputs_BSI, batch, lengths)
            outputs.append(forwards_BSD)
            ends.append(end)
        if self.backwards:
            backwards = self.backwards[layer]
            reread_BSI = _pick(inputs_BSI, reversed_BS)
            backwards_BSD, end = _read(backwards, reread_BSI, batch, None if ends else lengths)
            outputs.append(_pick(backwards_BSD, reversed_BS))
            ends.append(end)
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1), ends[0]

    def _final(self, states_BSE: Tensor, last_B1: Tensor) -> Tensor:
        """What each direction knew after its last token: the forward one's last state, the
        backward one's first."""
        first_BE = states_BSE[:, 0]
        if not self.forwards:
            return first_BE
        last_BE = _pick(states_BSE, last_B1).squeeze(1)
        if not self.backwards:
            return last_BE
        size = self.memory_size // 2
        return torch.cat((last_BE[:, :size], first_BE[:, size:]), -1)


def _self_attention(config: AttentionConfig, size: int) -> Attention:
    key = f"{KEY}.self_attention"
    attention = build_attention(config, size, size, key=key)
    if not attention.heads:
        raise UserError(f"{key}: kind none has no weights; set null for no self-attention")
    refuse_hard(attention, key)
    return attention


def _read(
    cell: nn.Module, inputs_BSI: Tensor, batch: int, lengths_B: Tensor | None = None
) -> tuple[Tensor, Tree]:
    assert isinstance(cell, Cell)
    start = cell.start(inputs_BSI.new_zeros(batch, cell.state_size))
    outputs_BSD, end = cell(inputs_BSI, start, lengths_B)
    return outputs_BSD, end


def _pick(vectors_BSD: Tensor, positions_BP: Tensor) -> Tensor:
    """Return vectors_BPD, the vectors at the given positions of each sentence."""
    return vectors_BSD.gather(1, positions_BP.unsqueeze(-1).expand(-1, -1, vectors_BSD.size(-1)))
