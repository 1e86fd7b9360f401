"""Encoder, cells, bridge and decoders against torch's own modules and NumPy loops from the papers.

Shapes: B = 3 sentences of 5, 3 and 1 tokens, T = 4 target steps; float64.
"""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seq2seq.config import AttentionConfig, CellConfig, DecoderConfig, EncoderConfig, ModelConfig
from seq2seq.errors import UserError
from seq2seq.model.attention import build_attention
from seq2seq.model.cells import build_cell
from seq2seq.model.cells.gru import GRU
from seq2seq.model.contract import Cell, Encoded, Surroundings, Tree, named_leaves
from seq2seq.model.decoders import build_decoder
from seq2seq.model.decoders.attending import AttendingDecoder, DecoderState
from seq2seq.model.decoders.bridge import Bridge
from seq2seq.model.decoders.readout import Readout
from seq2seq.model.encoders import build_encoder
from seq2seq.model.encoders.recurrent import RecurrentEncoder
from seq2seq.model.model import Seq2Seq

Array = npt.NDArray[np.float64]
LENGTHS = torch.tensor([5, 3, 1])
E, D, T = 6, 4, 4  # memory and decoder sizes; steps
EMBEDDING = 3


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_encoder_is_torchs_packed_recurrent_network(
    kind: str, layers: int, bidirectional: bool
) -> None:
    torch.manual_seed(1)
    config = EncoderConfig.model_validate(
        {"kind": kind, "size": 4, "layers": layers, "bidirectional": bidirectional}
    )
    encoder = build_encoder(config, EMBEDDING, dropout=0.0).double()
    assert isinstance(encoder, RecurrentEncoder)
    build = nn.LSTM if kind == "lstm" else nn.GRU
    reference = build(
        EMBEDDING, 4, layers, batch_first=True, bidirectional=bidirectional, dtype=torch.float64
    )
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            direction = encoder.backwards if name.endswith("_reverse") else encoder.forwards
            layer = int(name.removesuffix("_reverse")[-1])
            ours = name.removesuffix("_reverse")[:-1] + "0"
            parameter.copy_(direction[layer].get_parameter(f"layer.{ours}"))
    embedded_BSI = torch.randn(3, 5, EMBEDDING, dtype=torch.float64)
    packed, last = reference(pack_padded_sequence(embedded_BSI, LENGTHS, batch_first=True))
    states_BSE, _ = pad_packed_sequence(packed, batch_first=True)
    encoded = encoder(embedded_BSI, LENGTHS)
    mask_BS1 = encoded.mask_BS.unsqueeze(-1)
    torch.testing.assert_close(encoded.states_BSE * mask_BS1, states_BSE)
    hidden = last[0] if kind == "lstm" else last
    directions = 2 if bidirectional else 1
    torch.testing.assert_close(encoded.final, torch.cat([*hidden[-directions:]], -1))
    means = [states_BSE[b, :length].mean(0) for b, length in enumerate(LENGTHS)]
    torch.testing.assert_close(encoded.mean_BE(), torch.stack(means))


@pytest.mark.parametrize("handed", [False, True])
def test_a_source_read_from_its_end_gives_the_states_of_the_reversed_sentence(handed: bool) -> None:
    torch.manual_seed(1)
    config = EncoderConfig.model_validate(
        {"size": 4, "layers": 2, "bidirectional": False, "reverse": True}
    )
    encoder = build_encoder(config, EMBEDDING, dropout=0.0).double()
    assert isinstance(encoder, RecurrentEncoder)
    encoder.hands_over = handed
    embedded_BSI = torch.randn(3, 5, EMBEDDING, dtype=torch.float64)
    encoded = encoder(embedded_BSI, LENGTHS)
    assert isinstance(encoded.final, torch.Tensor)
    for b, length in enumerate(LENGTHS.tolist()):
        expected = embedded_BSI[b : b + 1, :length].flip(1)
        for cell in encoder.backwards:
            expected, end = cell(expected, expected.new_zeros(1, 4))
        found = encoded.states_BSE[b, :length]
        torch.testing.assert_close(found, expected.flip(1).squeeze(0))
        torch.testing.assert_close(encoded.final[b], expected[0, -1])
        if handed:
            torch.testing.assert_close(encoded.states[-1][b], end.squeeze(0))


def test_a_direction_that_is_read_anyway_is_refused() -> None:
    config = ModelConfig.model_validate({"encoder": {"reverse": True}})
    with pytest.raises(UserError, match=r"reverse is for one direction.*bidirectional=false"):
        Seq2Seq(config, 10, 10)


def test_a_residual_layer_adds_to_what_is_below_it() -> None:
    torch.manual_seed(1)
    options = {"size": 4, "layers": 3, "bidirectional": False}
    config = EncoderConfig.model_validate({**options, "residual": True})
    encoder = build_encoder(config, EMBEDDING, dropout=0.0).double()
    assert isinstance(encoder, RecurrentEncoder)
    embedded_BSI = torch.randn(3, 5, EMBEDDING, dtype=torch.float64)
    expected = embedded_BSI
    for number, cell in enumerate(encoder.forwards):
        outputs, _ = cell(expected, expected.new_zeros(3, 4))
        expected = expected + outputs if number else outputs
    found = encoder(embedded_BSI, LENGTHS)
    mask_BS1 = found.mask_BS.unsqueeze(-1)
    torch.testing.assert_close(found.states_BSE * mask_BS1, expected * mask_BS1)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_residual_path_around_the_only_layer_is_refused(part: str) -> None:
    config = ModelConfig.model_validate({part: {"residual": True}})
    with pytest.raises(UserError, match=rf"model\.{part}\.residual leads around the layers above"):
        Seq2Seq(config, 10, 10)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_step_is_torchs_own_cell(kind: str) -> None:
    torch.manual_seed(1)
    ours = build_cell(CellConfig(kind=kind), EMBEDDING, D, key="cell").double()
    inputs_BTI = torch.randn(2, T, EMBEDDING, dtype=torch.float64)
    state = ours.start(torch.randn(2, ours.state_size, dtype=torch.float64))
    outputs_BTD, end = ours(inputs_BTI, state)
    (share,) = ours.shares(EMBEDDING)
    for t in range(T):
        state = ours.step(share(inputs_BTI[:, t]), state)
        torch.testing.assert_close(ours.output(state), outputs_BTD[:, t])
    torch.testing.assert_close(state, end)


class Sum(Cell):
    """h' = x + h, without a way of its own to take its input in slices."""

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        assert isinstance(state, Tensor)
        return input_BG + state


def test_shares_of_a_cell_that_gives_none_add_up_to_its_whole_input() -> None:
    cell, inputs_BI = Sum(5, 5), torch.randn(2, 5)
    parts = inputs_BI.split((2, 0, 3), dim=1)
    shares = [share(part) for share, part in zip(cell.shares(2, 0, 3), parts, strict=True)]
    torch.testing.assert_close(sum(shares), inputs_BI)
    outputs_BTD, end = cell(inputs_BI.unsqueeze(1).expand(-1, 3, -1), cell.start(inputs_BI))
    torch.testing.assert_close(outputs_BTD[:, -1], 4 * inputs_BI)
    torch.testing.assert_close(end, 4 * inputs_BI)


@pytest.mark.parametrize("residual", [False, True])
def test_the_layers_read_self_attention_which_a_residual_path_adds_to_the_embedding(
    residual: bool,
) -> None:
    """Variant 4 of the source article: corr = softmax((K X) . (Q X) / sqrt(d)), read from V X."""
    torch.manual_seed(7)
    config = EncoderConfig.model_validate(
        {"size": 4, "bidirectional": False, "self_attention": "qkv", "self_residual": residual}
    )
    encoder = build_encoder(config, EMBEDDING, dropout=0.0).double()
    assert isinstance(encoder, RecurrentEncoder)
    matrices = dict(encoder.named_parameters(prefix=""))
    query, key, value = (
        matrices[f"self_attention.{name}.weight"].detach().numpy()
        for name in ("query", "key", "value")
    )
    embedded_BSI = torch.randn(3, 5, EMBEDDING, dtype=torch.float64)
    read_BSI = np.zeros(embedded_BSI.shape)
    for sentence, length in enumerate(LENGTHS.tolist()):
        words = embedded_BSI[sentence, :length].numpy()
        for position, word in enumerate(words):
            scores = [(key @ other) @ (query @ word) / np.sqrt(EMBEDDING) for other in words]
            weights = np.exp(scores) / np.exp(scores).sum()
            context = sum(
                weight * (value @ other) for weight, other in zip(weights, words, strict=True)
            )
            read_BSI[sentence, position] = context + word * residual
    cell = encoder.forwards[0]
    assert isinstance(cell, Cell)
    states_BSE, _ = cell(torch.from_numpy(read_BSI), torch.zeros(3, 4, dtype=torch.float64))
    encoded = encoder(embedded_BSI, LENGTHS)
    mask_BS1 = encoded.mask_BS.unsqueeze(-1)
    torch.testing.assert_close(encoded.states_BSE * mask_BS1, states_BSE * mask_BS1)


def test_a_residual_path_needs_a_context_as_long_as_the_embedding() -> None:
    config = EncoderConfig.model_validate(
        {"self_attention": {"kind": "qkv", "size": 5}, "self_residual": True}
    )
    with pytest.raises(UserError, match=r"self_residual.* context 5 and embedding 3; .*size"):
        build_encoder(config, EMBEDDING, dropout=0.0)


# --- the decoders, one sentence, in NumPy ---------------------------------------------------------


def gru(cell: GRU, x: Array, h: Array) -> Array:
    """h' of Cho et al. 2014, with the reset gate after the product, as torch and cuDNN have it."""
    w, u, b, c = (
        cell.get_parameter(f"layer.{name}_l0").detach().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    i, g = w @ x + b, u @ h + c
    size = len(h)
    r = 1 / (1 + np.exp(-(i[:size] + g[:size])))
    z = 1 / (1 + np.exp(-(i[size : 2 * size] + g[size : 2 * size])))
    n = np.tanh(i[2 * size :] + r * g[2 * size :])
    new: Array = (1 - z) * n + z * h
    return new


def attend(states: Array, w: Array, s: Array) -> Array:
    """The context of Luong's `general`."""
    raised = np.exp([s @ w @ h for h in states])
    context: Array = (raised / raised.sum()) @ states
    return context


def readout(layer: Readout, *parts: Array) -> Array:
    weight, bias = (p.detach().numpy() for p in layer.linear.parameters())
    features: Array = np.tanh(weight @ np.concatenate(parts) + bias)
    return features


def run(kind: str, *, feeding: bool = False) -> None:
    """Hold a decoder with `general` attention against the loop of its paper."""
    torch.manual_seed(6)
    config = DecoderConfig.model_validate({"kind": kind, "size": D, "input_feeding": feeding})
    general = AttentionConfig(kind="general")
    surroundings = Surroundings(
        EMBEDDING, E, 0.0, 0.0, lambda size: build_attention(general, size, E)
    )
    decoder = build_decoder(config, surroundings).double()
    assert isinstance(decoder, AttendingDecoder)
    attention, layer = decoder.attention, decoder.get_submodule("readout")
    assert isinstance(layer, Readout)
    states, tokens, s = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float64)
    states, tokens, s = states[:, :E], tokens[:T, :EMBEDDING], s[0, :D]
    states_1SE = torch.tensor(states).unsqueeze(0)
    mask_1S = torch.ones(1, 5, dtype=torch.bool)
    memory, start = decoder.start(Encoded(states_1SE, mask_1S, states_1SE[:, -1]))
    start = start._replace(layers=(torch.tensor(s).unsqueeze(0),))
    found = decoder(torch.tensor(tokens).unsqueeze(0), memory, start).features_BTF[0]
    w = attention.get_parameter("key.weight").detach().numpy()
    expected, fed = [], np.zeros(EMBEDDING)
    for y in tokens:
        if kind == "luong":
            cell = decoder.get_submodule("layers.0")
            assert isinstance(cell, GRU)
            s = gru(cell, np.concatenate([y, fed]) if feeding else y, s)
            fed = readout(layer, attend(states, w, s), s)
            expected.append(fed)
            continue
        first = decoder.get_submodule("first")
        assert isinstance(first, GRU)
        if kind == "bahdanau":
            context = attend(states, w, s)
            s = gru(first, np.concatenate([y, context]), s)
        else:
            second = decoder.get_submodule("second")
            assert isinstance(second, GRU)
            s = gru(first, y, s)
            context = attend(states, w, s)
            s = gru(second, context, s)
        expected.append(readout(layer, s, y, context))
    np.testing.assert_allclose(found.detach().numpy(), np.stack(expected), rtol=1e-9)


def test_luong_decoder_is_equation_5() -> None:
    run("luong")


def test_luong_decoder_with_input_feeding_is_section_3_3() -> None:
    run("luong", feeding=True)


def test_bahdanau_decoder_is_appendix_1_2() -> None:
    run("bahdanau")


def test_conditional_decoder_is_nematus_section_2() -> None:
    run("conditional")


def test_maxout_takes_the_larger_of_each_pair() -> None:
    layer = Readout("maxout", 3, 2)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.arange(12.0).view(4, 3))
        layer.linear.bias.zero_()
    x = torch.tensor([[[1.0, 0.0, -1.0]]])
    values = layer.linear(x)[0, 0]
    expected = torch.stack([values[:2].max(), values[2:].max()])
    torch.testing.assert_close(layer(x)[0, 0], expected)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_bridge_state_hands_over_the_last_state_of_every_layer_whole(kind: str) -> None:
    torch.manual_seed(1)
    config = ModelConfig.model_validate(
        {
            "embedding": EMBEDDING,
            "dropout": 0.0,
            "encoder": {"kind": kind, "size": D, "layers": 2, "bidirectional": False},
            "attention": "none",
            "decoder": {
                "kind": "luong", "cell": kind, "size": D, "layers": 2, "bridge": "state",
            },
        }
    )  # fmt: skip
    model = Seq2Seq(config, 9, 9).double()
    encoder = model.encoder
    assert isinstance(encoder, RecurrentEncoder)
    build = nn.LSTM if kind == "lstm" else nn.GRU
    reference = build(EMBEDDING, D, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            layer = encoder.forwards[int(name[-1])]
            parameter.copy_(layer.get_parameter(f"layer.{name[:-1]}0"))
    source_BS = torch.randint(4, 9, (3, 5))
    packed = pack_padded_sequence(model.source_embedding(source_BS), LENGTHS, batch_first=True)
    _, last = reference(packed)
    _, state = model.encode(source_BS, LENGTHS)
    assert isinstance(state, DecoderState)
    for number, found in enumerate(state.layers):
        expected = [part[number] for part in last] if kind == "lstm" else [last[number]]
        for (_, ours), theirs in zip(named_leaves(found), expected, strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", ["last", "mean"])
def test_bridge_is_tanh_of_a_layer(kind: str) -> None:
    torch.manual_seed(1)
    encoder = RecurrentEncoder(EMBEDDING, 0.0, size=3).double()
    encoded = encoder(torch.randn(3, 5, EMBEDDING, dtype=torch.float64), LENGTHS)
    bridge = Bridge(kind, 6, 2, D).double()
    summary = encoded.final if kind == "last" else encoded.mean_BE()
    assert isinstance(summary, Tensor)
    assert bridge.linear is not None
    expected = torch.tanh(summary @ bridge.linear.weight.T + bridge.linear.bias)
    torch.testing.assert_close(torch.stack(bridge(encoded), 1), expected.view(3, 2, D))
