"""A Transformer of ours -> a model for CTranslate2, an engine that runs Transformers only.

    folder/model.bin  config.json  *_vocabulary.json  tokenizer/

The engine reads and writes pieces, which SentencePiece makes of text with the models of tokenizer/,
a space before the first word.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq.data.tokenizer import BOS, PAD, Tokenizers
from seq2seq.errors import UserError
from seq2seq.model.attention import Attention
from seq2seq.model.attention.contract import Softmax
from seq2seq.model.attention.qkv import MultiHead
from seq2seq.model.decoders.transformer import DecoderLayer, TransformerDecoder
from seq2seq.model.embedding import Embedding
from seq2seq.model.encoders.transformer import EncoderLayer, TransformerEncoder
from seq2seq.model.model import Seq2Seq
from seq2seq.model.transformer import EMBEDDED, Attending, Entrance, FeedForward

if TYPE_CHECKING:
    from ctranslate2.specs import TransformerSpec

POSITIONS = 2048
"""How many positions the file has vectors for; the engine refuses a longer sentence."""


@torch.no_grad()
def write_model(
    model: Seq2Seq, tokenizers: Tokenizers, folder: Path, *, source_end: bool, int8: bool
) -> None:
    """Write `model` into `folder`; with `int8` its matrices are stored in 8 bits.

    Raises UserError where the model has what the engine has not.
    """
    spec = make_spec(model)
    for side, register in (
        (tokenizers.source, spec.register_source_vocabulary),
        (tokenizers.target, spec.register_target_vocabulary),
    ):
        register(side.pieces(range(len(side))))
    spec.config.add_source_eos = source_end
    spec.validate()
    spec.optimize(quantization="int8" if int8 else None)
    spec.save(str(folder))


def make_spec(model: Seq2Seq) -> TransformerSpec:
    """Return what the engine calls the specification of a model, filled with our weights."""
    from ctranslate2.specs import TransformerSpec
    from ctranslate2.specs.common_spec import Activation

    encoder, decoder = _transformers(model)
    source = model.source_embedding
    if not isinstance(source, Embedding):
        raise UserError("export: CTranslate2 reads text, and sources are files")
    activations = {"relu": Activation.RELU, "gelu": Activation.GELU}
    layers = [cast("EncoderLayer", layer) for layer in encoder.layers]
    upper = [cast("DecoderLayer", layer) for layer in decoder.layers]
    feeding = [*(layer.feeding for layer in layers), *(step.feeding for step in upper)]
    spec = TransformerSpec.from_config(
        (len(layers), len(upper)),
        _only("heads", (unit.heads for unit in model.units.values())),
        pre_norm=_only("norm", ("pre" if f.residual.pre else "post" for f in feeding)) == "pre",
        activation=activations[_only("activation", (f.activation.__name__ for f in feeding))],
    )
    for part, entrance, embedding in (
        (spec.encoder, encoder.entrance, source),
        (spec.decoder, decoder.entrance, model.target_embedding),
    ):
        _set_entrance(part, entrance, embedding.weight)
    for part, norm in ((spec.encoder, encoder.norm), (spec.decoder, decoder.norm)):
        if isinstance(norm, nn.LayerNorm):
            _set_norm(part.layer_norm, norm)
    for own, layer in zip(spec.encoder.layer, layers, strict=True):
        _set_self_attention(own.self_attention, layer.attending)
        _set_feed_forward(own.ffn, layer.feeding)
    for own, step in zip(spec.decoder.layer, upper, strict=True):
        _set_self_attention(own.self_attention, step.itself)
        _set_source_attention(own.attention, step.source)
        _set_feed_forward(own.ffn, step.feeding)
    spec.decoder.projection.weight = _array(model.output.weight * decoder.scale)
    spec.decoder.projection.bias = _array(_without(model.output.bias, (PAD, BOS)))
    return spec


def _transformers(model: Seq2Seq) -> tuple[TransformerEncoder, TransformerDecoder]:
    encoder, decoder = model.encoder, model.decoder
    if type(encoder) is not TransformerEncoder or type(decoder) is not TransformerDecoder:
        raise UserError(
            "CTranslate2 runs Transformers only, found encoder "
            f"{model.config.encoder.kind} and decoder {model.config.decoder.kind}; "
            "--format onnx writes any model"
        )
    for name, unit in model.units.items():
        _check_unit(name, unit)
    for part, fit in (("encoder", encoder.entrance.fit), ("decoder", decoder.fit)):
        if not isinstance(fit, nn.Identity):
            raise UserError(
                f"CTranslate2 has no layer between embeddings and another size: model.{part}.size "
                f"would have to be model.embedding, {model.config.embedding}"
            )
    return encoder, decoder


def _check_unit(name: str, unit: Attention) -> None:
    if type(unit) is not MultiHead or type(unit.addressing) is not Softmax:
        raise UserError(
            f"CTranslate2 has the unit multihead with softmax only, found {name} "
            f"{type(unit).__name__} with {type(unit.addressing).__name__}"
        )


def _only(what: str, values: Any) -> Any:
    """The value that all layers have."""
    found = sorted(set(values))
    if len(found) > 1:
        raise UserError(f"CTranslate2 has one {what} for all layers, found {found}")
    return found[0]


def _set_entrance(spec: Any, entrance: Entrance, weight_WI: Tensor) -> None:
    spec.scale_embeddings = False  # by the engine, as the weights are scaled here
    embeddings = spec.embeddings[0] if isinstance(spec.embeddings, list) else spec.embeddings
    embeddings.weight = _array(weight_WI * EMBEDDED)
    size = weight_WI.size(1)
    positions_1P = torch.arange(entrance.positions.count or POSITIONS).unsqueeze(0)
    nothing_1PD = weight_WI.new_zeros(1, positions_1P.size(1), size)
    spec.position_encodings.encodings = _array(entrance.positions(nothing_1PD, positions_1P)[0])


def _set_self_attention(spec: Any, attending: Attending) -> None:
    unit = cast("MultiHead", attending.unit)
    _set_joint(spec.linear[0], unit.query, unit.key, unit.value)
    _set_linear(spec.linear[1], unit.output)
    _set_norm(spec.layer_norm, attending.residual.norm)


def _set_source_attention(spec: Any, attending: Attending) -> None:
    unit = cast("MultiHead", attending.unit)
    _set_linear(spec.linear[0], unit.query)
    _set_joint(spec.linear[1], unit.key, unit.value)
    _set_linear(spec.linear[2], unit.output)
    _set_norm(spec.layer_norm, attending.residual.norm)


def _set_feed_forward(spec: Any, feeding: FeedForward) -> None:
    _set_linear(spec.linear_0, feeding.widen)
    _set_linear(spec.linear_1, feeding.narrow)
    _set_norm(spec.layer_norm, feeding.residual.norm)


def _set_linear(spec: Any, linear: nn.Linear) -> None:
    _set_joint(spec, linear)


def _set_joint(spec: Any, *linears: nn.Linear) -> None:
    """Several layers over the same inputs as one."""
    spec.weight = _array(torch.cat([linear.weight for linear in linears]))
    if linears[0].bias is not None:
        spec.bias = _array(torch.cat([linear.bias for linear in linears]))


def _set_norm(spec: Any, norm: nn.LayerNorm) -> None:
    spec.gamma = _array(norm.weight)
    spec.beta = _array(norm.bias)


def _without(bias_W: Tensor, tokens: Sequence[int]) -> Tensor:
    """The biases by which these tokens, which our search forbids, are never chosen."""
    return bias_W.index_fill(0, torch.tensor(tokens), -1e9)


def _array(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    return tensor.float().contiguous().numpy()
