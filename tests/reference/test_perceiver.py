"""The Perceiver against another's network, the paper in NumPy loops, and arithmetic on paper.

Shapes: B = 3 sentences of 5, 3 and 1 tokens, N = 4 latents of D = 6, embeddings of 3; float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import EncoderConfig, ModelConfig
from seq2seq.errors import UserError
from seq2seq.model.contract import over_source
from seq2seq.model.encoders import build_encoder
from seq2seq.model.encoders.perceiver import Perceiver, Reading, Source
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import recording
from seq2seq.model.transformer import EMBEDDED

Array = npt.NDArray[np.float64]
LENGTHS = torch.tensor([5, 3, 1])
EMBEDDING, N, D, HEADS = 3, 4, 6, 2
SMALL = {"kind": "perceiver", "size": D, "latents": N, "heads": HEADS, "ff": 7}


def build(**options: Any) -> Perceiver:
    torch.manual_seed(1)
    config = EncoderConfig.model_validate({**SMALL, **options})
    encoder = build_encoder(config, EMBEDDING, dropout=0.0).double()
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    assert isinstance(encoder, Perceiver)
    return encoder.eval()


def some_sentences() -> Tensor:
    return torch.randn(
        3, 5, EMBEDDING, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
    )


# --- another's network ----------------------------------------------------------------------------


def test_it_is_the_network_of_the_package_perceiver_pytorch() -> None:
    """Theirs has gated MLPs, for which the paper's stand in."""
    theirs = pytest.importorskip("perceiver_pytorch", reason="needs the extra: dev")
    encoder = build(blocks=2, self_layers=2, share=False, bands=3, span=5)
    network = theirs.Perceiver(
        num_freq_bands=3,
        depth=2,
        max_freq=5,
        input_channels=EMBEDDING,
        input_axis=1,
        num_latents=N,
        latent_dim=D,
        cross_heads=HEADS,
        latent_heads=HEADS,
        cross_dim_head=D // HEADS,
        latent_dim_head=D // HEADS,
        self_per_cross_attn=2,
    ).double()
    with torch.no_grad():
        network.latents.copy_(encoder.latents.vectors_ND)
        for block, cross, selves in zip(
            network.layers, encoder.crosses, encoder.selves, strict=True
        ):
            assert isinstance(selves, nn.ModuleList)
            pairs = [(block.cross_attn, block.cross_ff), *block.self_attns]
            for (attention, feed), reading in zip(pairs, [cross, *selves], strict=True):
                give(attention, feed, reading)
        embedded_BSI, mask_BS = some_sentences(), torch.arange(5) < LENGTHS.unsqueeze(1)
        expected_BND = network(embedded_BSI * EMBEDDED, mask=mask_BS, return_embeddings=True)
        found_BND = encoder(embedded_BSI, LENGTHS).states_BSE
    torch.testing.assert_close(found_BND, encoder.norm(expected_BND))


def give(attention: Any, feed: Any, reading: nn.Module) -> None:
    """Give the weights of a layer of ours to one of theirs."""
    assert isinstance(reading, Reading)
    unit: Any = reading.unit
    attention.fn.to_q.weight.copy_(unit.query.weight)
    attention.fn.to_kv.weight.copy_(torch.cat((unit.key.weight, unit.value.weight)))
    attention.fn.to_out.weight.copy_(unit.output.weight)
    attention.fn.to_out.bias.zero_()
    attention.norm.load_state_dict(reading.attending.residual.norm.state_dict())
    if reading.memory_norm is not None:
        attention.norm_context.load_state_dict(reading.memory_norm.state_dict())
    feeding = reading.feeding
    feed.fn.net = nn.Sequential(feeding.widen, nn.GELU(), feeding.narrow)
    feed.norm.load_state_dict(feeding.residual.norm.state_dict())


# --- the paper, one sentence, in NumPy loops ------------------------------------------------------


def weight(module: nn.Module) -> Array:
    assert isinstance(module.weight, Tensor)
    return module.weight.detach().numpy()


def bias(module: nn.Module) -> Array:
    assert isinstance(module.bias, Tensor)
    return module.bias.detach().numpy()


def norm(module: nn.Module, rows: Array) -> Array:
    centred = rows - rows.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * weight(module) + bias(module)


def read(reading: Reading, latents: Array, memory: Array | None) -> tuple[Array, Array]:
    """Cross- or self-attention and the MLP: the latents after them, and the mean weights."""
    unit: Any = reading.unit
    queries = norm(reading.attending.residual.norm, latents)
    if memory is None:
        keys = queries
    else:
        assert reading.memory_norm is not None
        keys = norm(reading.memory_norm, memory)
    width = D // HEADS
    contexts, weights = np.zeros((len(latents), D)), np.zeros((len(latents), len(keys)))
    for head in range(HEADS):
        rows = slice(head * width, (head + 1) * width)
        for n, latent in enumerate(queries):
            query = weight(unit.query)[rows] @ latent
            scores = [query @ (weight(unit.key)[rows] @ key) / math.sqrt(width) for key in keys]
            raised = np.exp(scores)
            weights[n] += raised / raised.sum() / HEADS
            for share, key in zip(raised / raised.sum(), keys, strict=True):
                contexts[n, rows] += share * (weight(unit.value)[rows] @ key)
    latents = latents + contexts @ weight(unit.output).T
    feeding = reading.feeding
    wide = norm(feeding.residual.norm, latents) @ weight(feeding.widen).T + bias(feeding.widen)
    gelu = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)(wide)
    return latents + gelu @ weight(feeding.narrow).T + bias(feeding.narrow), weights


def test_blocks_that_share_are_the_papers_and_read_the_same_source_again() -> None:
    encoder = build(blocks=3, self_layers=1, positions="none")
    first, further = encoder.crosses
    (block,) = encoder.selves
    assert isinstance(first, Reading)
    assert isinstance(further, Reading)
    assert isinstance(block, nn.ModuleList)
    (own,) = block
    assert isinstance(own, Reading)
    embedded_BSI = some_sentences()
    encoded = encoder(embedded_BSI, LENGTHS)
    assert encoded.weights_BNS is not None
    for row, length in enumerate(LENGTHS.tolist()):
        source = embedded_BSI[row, :length].numpy() * EMBEDDED
        latents = encoder.latents.vectors_ND.detach().numpy()
        read_weights = []
        for cross in (first, further, further):
            latents, weights = read(cross, latents, source)
            read_weights.append(weights)
            latents, _ = read(own, latents, None)
        states = norm(encoder.norm, latents)
        np.testing.assert_allclose(encoded.states_BSE[row].detach(), states)
        assert isinstance(encoded.final, Tensor)
        np.testing.assert_allclose(encoded.final[row].detach(), states.mean(0))
        found = encoded.weights_BNS[row].detach()
        np.testing.assert_allclose(found[:, :length], np.mean(read_weights, 0))
        assert not found[:, length:].any()


def test_places_along_a_sentence_do_not_depend_on_its_length() -> None:
    """Position s has the place 2 s / (span - 1) - 1, also beyond the span."""
    encoder = build(bands=2, span=4)
    source_BSE = encoder.source(some_sentences(), torch.arange(5))
    for s in range(5):
        place = 2 * s / 3 - 1
        angles = [math.pi * place, 2 * math.pi * place]  # frequencies from 1 to 4 / 2
        expected = [*map(math.sin, angles), *map(math.cos, angles), place]
        np.testing.assert_allclose(source_BSE[1, s, EMBEDDING:], expected, atol=1e-12)


# --- weights over the source ----------------------------------------------------------------------


def test_weights_over_latents_lead_to_the_source_by_what_latents_have_read() -> None:
    over_latents_BHTN = torch.tensor([[[[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]]])
    read_BNS = torch.tensor([[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]])
    expected = [[0.75, 0.25], [0.125, 0.875]]  # .5 1 + .5 .5 = .75; .25 .5 = .125
    assert over_source(over_latents_BHTN, (read_BNS,))[0, 0].tolist() == expected


def test_the_models_weights_are_composed_of_the_decoders_and_the_latents() -> None:
    torch.manual_seed(1)
    model = Seq2Seq(
        ModelConfig.model_validate(
            {
                "embedding": 6,
                "encoder": {"kind": "perceiver", "size": 8, "latents": 5},
                "attention": {"kind": "multihead", "heads": 2},
                "decoder": {"kind": "stacked", "layers": 2, "size": 8},
                "alignment": "2.source",
            }
        ),
        11,
        11,
    ).eval()
    source_BS, lengths_B = torch.randint(4, 11, (2, 4)), torch.tensor([4, 2])
    with recording() as seen:
        decoded = model(source_BS, lengths_B, torch.randint(4, 11, (2, 3)))
    over_latents_BHTN = torch.cat(seen["decoder.2.source.weights_BHTS"], 2)
    (read_BNS,) = seen["encoder.weights_BNS"]
    for b in range(2):
        for head in range(2):
            expected = over_latents_BHTN[b, head].numpy() @ read_BNS[b].numpy()
            np.testing.assert_allclose(decoded.weights_BHTS[b, head].detach(), expected, rtol=1e-5)


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attention", "line"),
    [
        ("location", "model.attention: kind location goes by positions in the source"),
        ("location-aware", "model.attention: kind location-aware goes by positions"),
        *(
            (
                {"kind": "general", "addressing": kind},
                f"model.attention.addressing: kind {kind} goes by positions .*; try softmax",
            )
            for kind in ("local-m", "local-p", "ntm")
        ),
    ],
)
def test_what_goes_by_positions_cannot_attend_to_latents(attention: Any, line: str) -> None:
    config = ModelConfig.model_validate(
        {"encoder": {"kind": "perceiver", "size": 8}, "attention": attention}
    )
    with pytest.raises(UserError, match=line):
        Seq2Seq(config, 11, 11)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"latents": 0}, "model.encoder.latents: expected greater than or equal to 1, found 0"),
        ({"blocks": 0}, "model.encoder.blocks: expected greater than or equal to 1, found 0"),
        (
            {"init_scale": 0.0},
            "model.encoder.init_scale: expected greater than 0, found 0.0",
        ),
        ({"ff": 0}, "model.encoder.ff: expected greater than or equal to 1, found 0"),
        ({"span": 1}, "model.encoder.span: expected greater than or equal to 2, found 1"),
        ({"positions": "none", "bands": 4}, "model.encoder.bands: it belongs to positions fourier"),
        (
            {"self_attention": {"kind": "dot", "addressing": "local-m"}},
            "model.encoder.self_attention.addressing: kind local-m goes by positions",
        ),
        ({"cross_attention": "none"}, "model.encoder.cross_attention: kind none has no weights"),
        (
            {"cross_attention": {"kind": "general", "addressing": "hard"}},
            "model.encoder.cross_attention.addressing: hard is learnt from the decoder's choices",
        ),
        (
            {"cross_attention": "qkv", "self_attention": "qkv"},
            "model.encoder.heads: both units are given",
        ),
        ({"heads": 5}, "model.encoder.heads: expected a divisor of size 6, found 5"),
        ({"heads": None}, "model.encoder.size: expected a multiple of the 4 heads, found 6"),
        (
            {"cross_attention": "dot", "span": 9},
            "model.encoder.cross_attention: kind dot needs latents and source of one size, found",
        ),
        ({"bidirectional": False}, "model.encoder.bidirectional: unknown option of kind perceiver"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(
    options: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError, match=line):
        build(**options)


def test_places_of_the_features_are_exact_where_what_is_read_is_bf16() -> None:
    source = Source(0, "fourier", None, 1000)
    positions_S = torch.arange(1000)
    exact_SP, rounded_SP = (
        source(torch.zeros(1, 1000, 0, dtype=dtype), positions_S)[0]
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded_SP.dtype == torch.bfloat16
    torch.testing.assert_close(rounded_SP.float(), exact_SP, atol=2**-8, rtol=0)
