"""Encoder, bridge, decoder with attention, and the output layer: ids -> features -> logits.

Shapes: B batch, S source positions, T target steps, F feature size, W target vocabulary, N any
number of features taken together.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.errors import UserError
from seq2seq.kernels.deferred import Linear, deferring
from seq2seq.model.attention import Memory, build_attention
from seq2seq.model.decoder import DECODERS, Bridge, Decoded, DecoderState, join_decoded
from seq2seq.model.dropout import Dropout
from seq2seq.model.encoder import RecurrentEncoder
from seq2seq.model.probe import is_probed, probe, scope


class TeacherForcing(NamedTuple):
    """Which inputs come from the reference (True), and how the others are made of logits_BW.

    -- scheduled sampling, Bengio et al. 2015.
    """

    forced_BT: Tensor
    choose: Callable[[Tensor], Tensor]


class Seq2Seq(nn.Module):
    """P(target | source), factored over target tokens."""

    def __init__(
        self,
        config: ModelConfig,
        source_vocabulary: int,
        target_vocabulary: int,
        *,
        initialise: bool = True,
    ) -> None:
        """Build the network of `config` over vocabularies of the given sizes.

        Without `initialise` the weights are for loading only, and the network is there sooner.
        Raises UserError where parts of the configuration don't fit together.
        """
        super().__init__()
        if config.tie == "all" and source_vocabulary != target_vocabulary:
            raise UserError(
                "model.tie all needs one vocabulary for both languages (tokenizer.joint: true), "
                f"found {source_vocabulary} and {target_vocabulary} pieces; tie target fits any"
            )
        self.encoder = RecurrentEncoder(config.encoder, config.embedding, config.dropout)
        memory_size, query_size = self.encoder.memory_size, config.decoder.size
        attention = build_attention(
            config.attention, query_size, memory_size, token_size=config.embedding
        )
        decoder = DECODERS[config.decoder.kind]
        self.decoder = decoder(config.decoder, attention, config.embedding, config.dropout)
        self.bridge = Bridge(config.decoder.bridge, memory_size, self.decoder.state_shape)
        self.source_embedding = nn.Embedding(source_vocabulary, config.embedding)
        self.target_embedding = (
            self.source_embedding
            if config.tie == "all"
            else nn.Embedding(target_vocabulary, config.embedding)
        )
        self.output = Linear(config.embedding, target_vocabulary)
        if initialise:
            _initialise(self)
        if config.tie != "none":
            self.output.weight = self.target_embedding.weight
        self.dropout = Dropout(config.dropout)

    def encode(self, source_BS: Tensor, lengths_B: Tensor) -> tuple[Memory, DecoderState]:
        """Return what the decoder attends to and its state before the first step.

        `source_BS` holds ids padded on the right, `lengths_B` their numbers, each at least 1.
        """
        with scope("encoder"):
            embedded_BSI = probe("embedded_BSI", self.source_embedding(source_BS))
            encoded = self.encoder(self.dropout(embedded_BSI), lengths_B)
            states_BSE = self.dropout(encoded.states_BSE)
            memory = self.decoder.attention.prepare(states_BSE, encoded.mask_BS)
            return memory, self.decoder.start(self.bridge(encoded), memory)

    def decode(self, inputs_BT: Tensor, memory: Memory, state: DecoderState) -> Decoded:
        """Read T target ids; features t are those of the token after input t."""
        with scope("decoder"):
            embedded_BTI = self.dropout(self.target_embedding(inputs_BT))
            decoded: Decoded = self.decoder(embedded_BTI, memory, state)
            features_BTF = probe("features_BTF", self.dropout(decoded.features_BTF))
            return decoded._replace(features_BTF=features_BTF)

    def forward(
        self,
        source_BS: Tensor,
        lengths_B: Tensor,
        inputs_BT: Tensor,
        forcing: TeacherForcing | None = None,
    ) -> Decoded:
        """Return the features of every next token; `output` makes logits of them.

        They are left apart because the output layer is the widest product of all, so the loss
        gives it real tokens only. Without `forcing` every input comes from the reference.
        """
        fast = self.training and not torch.compiler.is_compiling() and not is_probed()
        with deferring() if fast else nullcontext():
            memory, state = self.encode(source_BS, lengths_B)
            if forcing is None:
                return self.decode(inputs_BT, memory, state)
            return self._decode_mixed(inputs_BT, memory, state, forcing)

    def _decode_mixed(
        self, inputs_BT: Tensor, memory: Memory, state: DecoderState, forcing: TeacherForcing
    ) -> Decoded:
        """Feed the model its own choices where `forcing` is False; the first input is given."""
        steps: list[Decoded] = []
        choice_B = inputs_BT[:, 0]
        for input_B, forced_B in zip(inputs_BT.unbind(1), forcing.forced_BT.unbind(1), strict=True):
            input_B = torch.where(forced_B, input_B, choice_B)
            decoded = self.decode(input_B.unsqueeze(1), memory, state)
            state = decoded.state
            steps.append(decoded)
            with torch.no_grad(), scope("output"):  # the choice is taken as given, as in the paper
                choice_B = forcing.choose(self.output(decoded.features_BTF.squeeze(1)))
        return join_decoded(steps)


_EMBEDDING_STD = 0.35
"""Large, so that tokens matter to the first gates at once: after 1,000 updates of the demo's model
(batching.tokens 250, constant rate 0.003) validation BLEU was 60, against 52 with size^-0.5 (0.09)
and 41 with 0.7; one run each."""


def _initialise(model: Seq2Seq) -> None:
    """Recurrent matrices orthogonal, other matrices Xavier, biases 0, embeddings normal."""
    for name, parameter in model.named_parameters():
        if "embedding" in name:
            nn.init.normal_(parameter, std=_EMBEDDING_STD)
        elif parameter.dim() < 2:
            nn.init.zeros_(parameter)
        elif "weight_hh" in name:
            for gate in parameter.chunk(parameter.size(0) // parameter.size(1)):
                nn.init.orthogonal_(gate)
        elif parameter.numel():
            nn.init.xavier_uniform_(parameter)
