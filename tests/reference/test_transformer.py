"""The Transformer against torch's own modules with the same weights, and the paper's formulas.

Shapes: B = 3 sentences of 7, 4 and 1 tokens, S = 7, T = 5 target steps, D = 6; float64.
"""

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import AttentionConfig, DecoderConfig, EncoderConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import Attention, build_attention
from seq2seq.model.attention.qkv import MultiHead
from seq2seq.model.contract import Decoder, Encoded, Surroundings, Tree
from seq2seq.model.decoders import build_decoder
from seq2seq.model.decoders.transformer import DecoderLayer, TransformerDecoder
from seq2seq.model.encoders import build_encoder
from seq2seq.model.encoders.transformer import EncoderLayer, TransformerEncoder
from seq2seq.model.transformer import (
    EMBEDDED,
    Attending,
    FeedForward,
    Positions,
    sinusoids,
)

SIZE, HEADS, INNER, T = 6, 3, 10, 5
LENGTHS = torch.tensor([7, 4, 1])
MASK_BS = torch.arange(7) < LENGTHS.unsqueeze(1)
UNIT = AttentionConfig.model_validate({"kind": "multihead", "heads": HEADS, "bias": True})
SETTINGS: dict[str, Any] = {
    "kind": "transformer",
    "size": SIZE,
    "layers": 2,
    "ff": INNER,
    "positions": "none",
    "self_attention": UNIT,
}


def random(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@torch.no_grad()
def scrambled(module: nn.Module) -> nn.Module:
    """The module with all its weights drawn, biases and gains too."""
    torch.manual_seed(2)
    for parameter in module.double().parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def torch_options(norm: str, activation: str) -> dict[str, Any]:
    """What torch's layers are built with, encoder's and decoder's alike."""
    return {
        "dropout": 0.0,
        "activation": activation,
        "batch_first": True,
        "norm_first": norm == "pre",
        "dtype": torch.float64,
    }


@torch.no_grad()
def give_attention(theirs: nn.MultiheadAttention, unit: Attention) -> None:
    """Give torch's unit the weights of ours."""
    assert isinstance(unit, MultiHead)
    layers = (unit.query, unit.key, unit.value)
    theirs.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
    theirs.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
    theirs.out_proj.load_state_dict(unit.output.state_dict())


def give_rest(theirs: Any, attending: list[Attending], feeding: FeedForward) -> None:
    theirs.linear1.load_state_dict(feeding.widen.state_dict())
    theirs.linear2.load_state_dict(feeding.narrow.state_dict())
    residuals = [*(part.residual for part in attending), feeding.residual]
    for number, residual in enumerate(residuals, 1):
        norm = getattr(theirs, f"norm{number}")
        norm.load_state_dict(residual.norm.state_dict())


def test_multihead_with_bias_is_torchs_own() -> None:
    unit = scrambled(build_attention(UNIT, SIZE, SIZE))
    assert isinstance(unit, Attention)
    theirs = nn.MultiheadAttention(SIZE, HEADS, batch_first=True, dtype=torch.float64)
    give_attention(theirs, unit)
    query_BTQ, states_BSE = random(3, T, SIZE), random(3, 7, SIZE, seed=2)
    memory = unit.prepare(states_BSE, MASK_BS)
    attended = unit(query_BTQ, memory, unit.start(memory))
    context_BTV, weights_BHTS = theirs(
        query_BTQ,
        states_BSE,
        states_BSE,
        key_padding_mask=~MASK_BS,
        average_attn_weights=False,
    )
    torch.testing.assert_close(attended.context_BTV, context_BTV, rtol=0, atol=1e-12)
    torch.testing.assert_close(attended.weights_BHTS, weights_BHTS, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_is_torchs_layers(norm: str, activation: str) -> None:
    config = EncoderConfig.model_validate({**SETTINGS, "norm": norm, "activation": activation})
    encoder = scrambled(build_encoder(config, SIZE, dropout=0.0))
    assert isinstance(encoder, TransformerEncoder)
    embedded_BSI = random(3, 7, SIZE)
    states_BSD = embedded_BSI * EMBEDDED
    for layer in encoder.layers:
        assert isinstance(layer, EncoderLayer)
        theirs = nn.TransformerEncoderLayer(SIZE, HEADS, INNER, **torch_options(norm, activation))
        give_attention(theirs.self_attn, layer.attending.unit)
        give_rest(theirs, [layer.attending], layer.feeding)
        states_BSD = theirs(states_BSD, src_key_padding_mask=~MASK_BS)
    encoded = encoder(embedded_BSI, LENGTHS)
    expected_BSD = encoder.norm(states_BSD)
    real_BS1 = MASK_BS.unsqueeze(-1)
    torch.testing.assert_close(
        encoded.states_BSE * real_BS1, expected_BSD * real_BS1, rtol=0, atol=1e-10
    )
    means = [expected_BSD[row, :length].mean(0) for row, length in enumerate(LENGTHS)]
    torch.testing.assert_close(encoded.final, torch.stack(means), rtol=0, atol=1e-10)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_decoder_is_torchs_layers(norm: str, activation: str) -> None:
    memory_size = 8  # other than the layers', as a bidirectional encoder's may be
    config = DecoderConfig.model_validate({**SETTINGS, "norm": norm, "activation": activation})
    decoder = scrambled(build_decoder(config, surroundings(memory_size)))
    assert isinstance(decoder, TransformerDecoder)
    embedded_BTI, states_BSE = random(3, T, SIZE), random(3, 7, memory_size, seed=2)
    states_BTD = embedded_BTI * EMBEDDED
    for layer in decoder.layers:
        assert isinstance(layer, DecoderLayer)
        theirs = nn.TransformerDecoderLayer(SIZE, HEADS, INNER, **torch_options(norm, activation))
        theirs.multihead_attn = nn.MultiheadAttention(
            SIZE, HEADS, batch_first=True, kdim=memory_size, vdim=memory_size, dtype=torch.float64
        )
        give_attention(theirs.self_attn, layer.itself.unit)
        give_attention_of_two_sizes(theirs.multihead_attn, layer.source.unit)
        give_rest(theirs, [layer.itself, layer.source], layer.feeding)
        states_BTD = theirs(
            states_BTD,
            states_BSE,
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64),
            memory_key_padding_mask=~MASK_BS,
        )
    found = decode(decoder, embedded_BTI, states_BSE)
    expected_BTF = cast("Tensor", decoder.norm(states_BTD)) * EMBEDDED * SIZE**-0.5
    torch.testing.assert_close(found, expected_BTF, rtol=0, atol=1e-10)


@torch.no_grad()
def give_attention_of_two_sizes(theirs: nn.MultiheadAttention, unit: Attention) -> None:
    assert isinstance(unit, MultiHead)
    layers = (unit.query, unit.key, unit.value)
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    for name, layer in zip(names, layers, strict=True):
        theirs.get_parameter(name).copy_(layer.weight)
    theirs.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
    theirs.out_proj.load_state_dict(unit.output.state_dict())


def surroundings(memory_size: int) -> Surroundings:
    return Surroundings(
        SIZE, memory_size, 0.0, 0.0, lambda size: build_attention(UNIT, size, memory_size)
    )


def decode(decoder: Decoder, embedded_BTI: Tensor, states_BSE: Tensor) -> Tensor:
    memory, state = decoder.start(Encoded(states_BSE, MASK_BS, states_BSE[:, 0]))
    features_BTF: Tensor = decoder(embedded_BTI, memory, state).features_BTF
    return features_BTF


def test_positions_are_the_sines_and_cosines_of_section_3_5() -> None:
    found_TD = sinusoids(torch.arange(9).unsqueeze(0), 7, torch.float64)[0]
    for position in range(9):
        for place in range(7):
            angle = position / 10000 ** (2 * (place // 2) / 7)
            expected = math.cos(angle) if place % 2 else math.sin(angle)
            assert float(found_TD[position, place]) == pytest.approx(expected, abs=1e-6)


def test_tokens_beyond_the_learnt_positions_share_the_last_one() -> None:
    positions = Positions("learnt", SIZE, 3, key="model.encoder")
    positions.initialise()
    added_TD = positions(torch.zeros(1, 5, SIZE), torch.arange(5).unsqueeze(0))[0]
    assert positions.vectors_PD is not None
    torch.testing.assert_close(added_TD[:3], positions.vectors_PD.detach())
    torch.testing.assert_close(added_TD[3:], added_TD[2:3].expand(2, -1))


def test_the_state_holds_keys_and_values_of_the_tokens_so_far_and_no_more() -> None:
    decoder = build_decoder(DecoderConfig.model_validate(SETTINGS), surroundings(SIZE)).double()
    states_BSE = random(3, 7, SIZE)
    memory, state = decoder.start(Encoded(states_BSE, MASK_BS, states_BSE[:, 0]))
    for steps in range(1, 4):
        state = decoder(random(3, 1, SIZE), memory, state).state
        past = layers_of(state)[0].past
        assert past.keys_BHSK.shape == past.values_BHSV.shape == (3, HEADS, steps, SIZE // HEADS)


def layers_of(state: Tree) -> Any:
    return cast("Any", state).layers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 4}, r"model\.encoder\.heads: expected a divisor of size 6, found 4"),
        ({"heads": 2, "self_attention": "dot"}, r"set model\.encoder\.self_attention\.heads"),
        ({"self_attention": "none"}, r"self_attention: kind none has no weights"),
        ({"self_attention": "location"}, r"reads the decoder's tokens"),
        (
            {"self_attention": {"kind": "dot", "addressing": "hard"}},
            r"hard is learnt from the decoder's choices",
        ),
        ({"max_positions": 9}, r"it belongs to positions learnt, found sinusoidal"),
        (
            {"positions": "learnt", "max_positions": 0},
            r"expected greater than or equal to 1, found 0",
        ),
        ({"norm": "both"}, r"model\.encoder\.norm: expected 'pre' or 'post', found 'both'"),
        ({"cell": "lstm"}, r"model\.encoder\.cell: unknown option of kind transformer"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    config = EncoderConfig.model_validate({"kind": "transformer", "size": SIZE, **settings})
    with pytest.raises(UserError, match=message):
        build_encoder(config, SIZE, dropout=0.0)


def test_dropout_of_weights_changes_what_is_read_and_not_the_weights_given_out() -> None:
    config = EncoderConfig.model_validate({**SETTINGS, "attention_dropout": 0.5})
    unit = build_encoder(config, SIZE, dropout=0.0).double().units["1.self"]
    states_BSE = random(3, 7, SIZE)
    memory = unit.prepare(states_BSE, MASK_BS)
    whole = unit.eval()(states_BSE, memory, unit.start(memory))
    torch.manual_seed(1)
    dropped = unit.train()(states_BSE, memory, unit.start(memory))
    torch.testing.assert_close(dropped.weights_BHTS, whole.weights_BHTS)
    assert not torch.equal(dropped.context_BTV, whole.context_BTV)
