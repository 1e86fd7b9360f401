"""Encoder, decoder with attention, and the output layer: ids -> features -> logits.

Shapes: B batch, S source positions, T target steps, F feature size, W target vocabulary, N any
number of features taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.errors import UserError, did_you_mean
from seq2seq.kernels.deferred import Linear, deferring
from seq2seq.model.attention import Attention, build_attention
from seq2seq.model.contract import (
    Decoded,
    OverLatents,
    Surroundings,
    Tree,
    apart,
    join,
    over_source,
)
from seq2seq.model.decoders import build_decoder
from seq2seq.model.decoders.bridge import check_handover
from seq2seq.model.dropout import Dropout, WordDropout
from seq2seq.model.embedding import Embedding
from seq2seq.model.encoders import build_encoder
from seq2seq.model.parts import initialise as initialise_weights
from seq2seq.model.probe import is_probed, probe, scope
from seq2seq.model.source import Features, source_embedding


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
        source_vocabulary: int | Features,
        target_vocabulary: int,
        *,
        initialise: bool = True,
    ) -> None:
        """Build the network of `config` over vocabularies of the given sizes.

        A source that is not text has features in the place of a vocabulary.

        Without `initialise` the weights are for loading only, and the network is there sooner.
        Raises UserError where parts of the configuration don't fit together.
        """
        super().__init__()
        self.config = config
        if config.tie == "all" and isinstance(source_vocabulary, Features):
            raise UserError(
                "model.tie all needs text on both sides, and sources are rows of features; "
                "tie target fits any"
            )
        if config.tie == "all" and source_vocabulary != target_vocabulary:
            raise UserError(
                "model.tie all needs one vocabulary for both languages (tokenizer.joint: true), "
                f"found {source_vocabulary} and {target_vocabulary} pieces; tie target fits any"
            )
        self.encoder = build_encoder(config.encoder, config.embedding, config.dropout_of("layers"))

        def build_unit(query_size: int) -> Attention:
            return build_attention(
                config.attention,
                query_size,
                self.encoder.memory_size,
                token_size=config.embedding,
                positions=self.encoder.keeps_positions,
            )

        self.decoder = build_decoder(
            config.decoder,
            Surroundings(
                config.embedding,
                self.encoder.memory_size,
                config.dropout_of("layers"),
                config.dropout_of("states"),
                build_unit,
            ),
        )
        if self.decoder.continues:
            check_handover(self.encoder, config.encoder, config.decoder)
            self.encoder.hands_over = True
        self.aligned = aligned_heads(self.decoder.source_units, config.alignment)
        source = source_embedding(source_vocabulary, config.embedding)
        self.source_embedding = source
        self.target_embedding = (
            source
            if config.tie == "all" and isinstance(source, Embedding)
            else Embedding(target_vocabulary, config.embedding)
        )
        self.output = Linear(config.embedding, target_vocabulary)
        if initialise:
            initialise_weights(self)
        if config.tie != "none":
            self.output.weight = self.target_embedding.weight
        self.word_dropout = WordDropout(config.dropouts.word)
        self.embedding_dropout = Dropout(config.dropout_of("embedding"))
        self.output_dropout = Dropout(config.dropout_of("output"))

    @property
    def units(self) -> Mapping[str, Attention]:
        """Every attention unit by the name of its scope: `decoder.source`, `encoder.self`."""
        parts = {"encoder": self.encoder.units, "decoder": self.decoder.units}
        return {f"{part}.{name}": unit for part in parts for name, unit in parts[part].items()}

    @property
    def heads(self) -> int:
        """H: how many rows of weights `decode` gives for a step; 0 without attention."""
        return len(self.head_names[self.aligned])

    @property
    def head_names(self) -> list[str]:
        """A name for each head that attends to the source: `head 1`, or `layer 2 source head 1`."""
        return head_names(self.decoder.source_units)

    def encode(self, source_BS: Tensor, lengths_B: Tensor) -> tuple[Tree, Tree]:
        """Return the decoder's memory of each sentence, and its state before the first step.

        `source_BS` holds ids padded on the right, `lengths_B` their numbers, each at least 1. Of
        a source that is not text it holds rows of features: it is source_BSF.
        """
        with scope("encoder"):
            embedded_BSI = probe("embedded_BSI", self.source_embedding(source_BS))
            encoded = self.encoder(self._dropped(embedded_BSI), lengths_B)
        with scope("decoder"):
            memory, state = self.decoder.start(encoded)
        if encoded.weights_BNS is not None:
            memory = OverLatents(memory, encoded.weights_BNS)
        return memory, state

    def _dropped(self, embedded_BTI: Tensor) -> Tensor:
        """Embedded tokens without those, and those numbers, that training drops."""
        dropped_BTI: Tensor = self.embedding_dropout(self.word_dropout(embedded_BTI))
        return dropped_BTI

    def decode(self, inputs_BT: Tensor, memory: Tree, state: Tree) -> Decoded:
        """Read T target ids; features t are those of the token after input t.

        The weights are those that count as the alignment (`model.alignment`), always over the
        positions of the source.
        """
        memory, latents = apart(memory)
        with scope("decoder"):
            embedded_BTI = self._dropped(self.target_embedding(inputs_BT))
            decoded: Decoded = self.decoder(embedded_BTI, memory, state)
            features_BTF = probe("features_BTF", self.output_dropout(decoded.features_BTF))
            weights_BHTS = over_source(decoded.weights_BHTS[:, self.aligned], latents)
            return decoded._replace(features_BTF=features_BTF, weights_BHTS=weights_BHTS)

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
        self, inputs_BT: Tensor, memory: Tree, state: Tree, forcing: TeacherForcing
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
        return join(steps)


def aligned_heads(units: Mapping[str, Attention], name: str | None) -> slice:
    """Return where the heads of the unit of this name stand among those of all; None is all."""
    if name is None:
        return slice(None)
    if name not in units:
        raise UserError(
            f"model.alignment: expected null or the name of a unit of the decoder, "
            f"{' or '.join(units)}, found {name!r}{did_you_mean(name, units)}"
        )
    names = list(units)
    before = sum(units[other].heads for other in names[: names.index(name)])
    return slice(before, before + units[name].heads)


def head_names(units: Mapping[str, Attention]) -> list[str]:
    """Return a name for each head: of one unit its number, of several the unit's name before it."""
    names: list[str] = []
    for unit_name, unit in units.items():
        words = [f"layer {part}" if part.isdecimal() else part for part in unit_name.split(".")]
        prefix = "" if len(units) == 1 else " ".join(words) + " "
        names += [f"{prefix}head {number}" for number in range(1, unit.heads + 1)]
    return names


def current_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights` by the names of today: once the bridge stood beside the decoder."""
    return {
        f"decoder.{name}" if name.startswith("bridge.") else name: tensor
        for name, tensor in weights.items()
    }
