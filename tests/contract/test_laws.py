"""The laws that every attention unit, encoder and decoder obeys: one table, every law over it.

Shapes: B = 3 sentences of 7, 4 and 1 source tokens, T = 5 target steps; float64.
"""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from seq2seq.config import DecodingConfig, ModelConfig
from seq2seq.inference.model_step import ModelState, model_step, select
from seq2seq.inference.search import search
from seq2seq.model.attention import ATTENTIONS, build_attention
from seq2seq.model.decoder import DECODERS
from seq2seq.model.model import Seq2Seq
from seq2seq.model.trace import recording

VOCABULARY = 11
LENGTHS = (7, 4, 1)


class Case(NamedTuple):
    """A network by what differs from the base: attention unit, decoder and encoder settings."""

    attention: dict[str, Any]
    decoder: dict[str, Any]
    encoder: dict[str, Any] = {}  # noqa: RUF012 -- a NamedTuple's default, never changed

    def __str__(self) -> str:
        parts = [*self.attention.values(), *self.decoder.values(), *self.encoder.values()]
        return "-".join(str(part) for part in parts)


UNITS: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "general"},
    {"kind": "additive", "size": 5},
    {"kind": "qkv", "size": 6},
    {"kind": "multihead", "size": 6, "heads": 3},
    {"kind": "cosine"},
    {"kind": "location", "positions": 9},
    {"kind": "location-aware", "size": 5, "filters": 3, "width": 3},
    {"kind": "coverage", "size": 5},
    {"kind": "uniform"},
    {"kind": "none"},
]
ADDRESSED: list[dict[str, Any]] = [
    {"kind": "concat", "addressing": "sparsemax"},
    {"kind": "general", "addressing": "entmax"},
    {"kind": "general", "addressing": {"kind": "local-m", "window": 1}},
    {"kind": "general", "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "multihead", "size": 6, "heads": 2, "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "additive", "addressing": "hard"},
    {"kind": "qkv", "addressing": "gumbel"},
    {"kind": "cosine", "addressing": "ntm"},
    {"kind": "coverage", "addressing": "ntm"},
    {"kind": "multihead", "size": 6, "heads": 2, "addressing": "ntm"},
]
SELF_ATTENTION: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "qkv", "size": 5},
    {"kind": "multihead", "heads": 2},
    {"kind": "dot", "addressing": {"kind": "local-m", "window": 1}},
]
CASES = [
    *(Case(unit, {"kind": "luong"}) for unit in UNITS),
    *(Case(unit, {"kind": "luong", "input_feeding": True}) for unit in UNITS),
    *(Case(unit, {"kind": "bahdanau"}) for unit in UNITS),
    *(Case(unit, {"kind": "conditional"}) for unit in UNITS),
    *(Case(unit, {"kind": "luong"}) for unit in ADDRESSED),
    *(Case(unit, {"kind": "conditional"}) for unit in ADDRESSED),
    *(Case(UNITS[1], {"kind": "luong"}, {"self_attention": unit}) for unit in SELF_ATTENTION),
    *(Case(UNITS[2], {"kind": kind, "cell": "lstm"}, {"kind": "lstm"}) for kind in DECODERS),
    *(Case(UNITS[1], {"kind": kind, "layers": 2}, {"layers": 2}) for kind in DECODERS),
    Case(UNITS[1], {"kind": "luong", "layers": 2, "input_feeding": True}, {"layers": 2}),
    *(Case(UNITS[3], {"kind": "luong", "bridge": bridge}) for bridge in ("mean", "copy", "zero")),
    Case(UNITS[3], {"kind": "bahdanau", "readout": "maxout"}, {"bidirectional": False, "size": 8}),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def build(case: Case) -> Seq2Seq:
    torch.manual_seed(3)
    config = ModelConfig.model_validate(
        {
            "embedding": 6,
            "dropout": 0.0,
            "encoder": {"size": 4, **case.encoder},
            "attention": case.attention,
            "decoder": {"size": 8, **case.decoder},
        }
    )
    model = Seq2Seq(config, VOCABULARY, VOCABULARY).double()
    for parameter in model.parameters():  # biases too: a law must not hold because they are 0
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    source_BS = torch.randint(4, VOCABULARY, (3, 7), generator=generator)
    lengths_B = torch.tensor(LENGTHS)
    source_BS[torch.arange(7) >= lengths_B.unsqueeze(1)] = 0
    return source_BS, lengths_B, torch.randint(4, VOCABULARY, (3, 5), generator=generator)


def test_the_table_has_every_unit_and_every_decoder() -> None:
    assert {case.attention["kind"] for case in CASES} == set(ATTENTIONS)
    assert {case.decoder["kind"] for case in CASES} == set(DECODERS)


@every_case
def test_a_whole_sequence_is_its_steps(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    memory, state = model.encode(source_BS, lengths_B)
    with recording() as whole_seen:
        whole = model.decode(inputs_BT, memory, state)
    steps = []
    with recording() as step_seen:
        for input_B1 in inputs_BT.split(1, dim=1):
            steps.append(model.decode(input_B1, memory, state))
            state = steps[-1].state
    torch.testing.assert_close(torch.cat([s.features_BTF for s in steps], 1), whole.features_BTF)
    torch.testing.assert_close(torch.cat([s.weights_BHTS for s in steps], 2), whole.weights_BHTS)
    for one, other in zip(leaves(state), leaves(whole.state), strict=True):
        torch.testing.assert_close(one, other)
    assert whole_seen.keys() == step_seen.keys()
    for name, parts in whole_seen.items():
        axis = name.rpartition("_")[2].index("T") if "T" in name else 2
        torch.testing.assert_close(torch.cat(step_seen[name], axis), torch.cat(parts, axis))


@every_case
def test_a_sentence_is_the_same_alone_and_in_a_padded_batch(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    together = model(source_BS, lengths_B, inputs_BT)
    for row, length in enumerate(LENGTHS):
        alone = model(
            source_BS[row : row + 1, :length], lengths_B[row : row + 1], inputs_BT[row : row + 1]
        )
        torch.testing.assert_close(alone.features_BTF[0], together.features_BTF[row])
        torch.testing.assert_close(alone.weights_BHTS[0], together.weights_BHTS[row, :, :, :length])


@every_case
def test_what_stands_on_padding_changes_nothing(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    scribbled_BS = torch.where(torch.arange(7) < lengths_B.unsqueeze(1), source_BS, 9)
    one = model(source_BS, lengths_B, inputs_BT)
    other = model(scribbled_BS, lengths_B, inputs_BT)
    assert torch.equal(one.features_BTF, other.features_BTF)


@every_case
def test_the_order_of_sentences_is_irrelevant(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    rows_B = torch.tensor([2, 0, 1])
    one = model(source_BS, lengths_B, inputs_BT)
    other = model(source_BS[rows_B], lengths_B[rows_B], inputs_BT[rows_B])
    torch.testing.assert_close(one.features_BTF[rows_B], other.features_BTF)
    torch.testing.assert_close(one.weights_BHTS[rows_B], other.weights_BHTS)


@every_case
def test_weights_are_non_negative_sum_to_one_and_never_lie_on_padding(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    weights_BHTS = model(source_BS, lengths_B, inputs_BT).weights_BHTS
    padding_BS = torch.arange(7) >= lengths_B.unsqueeze(1)
    assert weights_BHTS.shape[2:] == (5, 7)
    assert (weights_BHTS >= 0).all()
    assert (weights_BHTS * padding_BS[:, None, None]).sum() == 0
    sums_BHT = weights_BHTS.sum(-1)
    if model.decoder.attention.addressing.sums_to_one:
        torch.testing.assert_close(sums_BHT, torch.ones_like(sums_BHT))
    assert (sums_BHT < 1 + 1e-12).all()


@every_case
def test_gradients_are_those_of_finite_differences(case: Case) -> None:
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    names = [name for name, p in model.named_parameters() if p.numel()]
    parameters = [p for p in model.parameters() if p.numel()]
    directions = [torch.randn_like(p) for p in parameters]
    mix_XBTF = torch.randn(3, *model(source_BS, lengths_B, inputs_BT).features_BTF.shape)

    def along(step: Tensor) -> Tensor:
        """Three mixtures of the features, every parameter moved along its direction by `step`."""
        moved = {
            name: p.detach() + step[i] * d
            for i, (name, p, d) in enumerate(zip(names, parameters, directions, strict=True))
        }
        decoded = torch.func.functional_call(model, moved, (source_BS, lengths_B, inputs_BT))
        return (mix_XBTF * decoded.features_BTF).flatten(1).sum(1)

    steps = torch.zeros(len(parameters), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(along, steps, atol=1e-6)


@every_case
def test_tracing_changes_nothing(case: Case) -> None:
    model = build(case)
    plain = model(*inputs())
    with recording() as seen:
        traced = model(*inputs())
    assert torch.equal(plain.features_BTF, traced.features_BTF)
    assert torch.equal(plain.weights_BHTS, traced.weights_BHTS)
    assert {"encoder_states_BSE", "scores_BHTS", "weights_BHTS", "context_BTV"} <= seen.keys()


@every_case
def test_the_whole_graph_is_captured_by_torch_compile(case: Case) -> None:
    model = build(case)
    torch._dynamo.reset()
    source_BS, lengths_B, inputs_BT = inputs()
    inputs_BT = inputs_BT[:, :2]  # a loop is unrolled: two steps show it
    # The backend that runs the captured graph as it is: capture is the law, code generation is not.
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    with torch._dynamo.config.patch(allow_rnn=True):
        captured = compiled(source_BS, lengths_B, inputs_BT)
    torch.testing.assert_close(
        captured.features_BTF, model(source_BS, lengths_B, inputs_BT).features_BTF
    )


@every_case
def test_a_beam_of_one_is_greedy_search(case: Case) -> None:
    model = build(case)
    found = decode(model, DecodingConfig(beam=1))
    assert [hypotheses[0].tokens for hypotheses in found] == argmax_decode(model)


@every_case
def test_a_wide_beam_is_exhaustive_search(case: Case) -> None:
    model = build(case)
    steps, width = 3, VOCABULARY**3
    found = decode(model, DecodingConfig(beam=width, length_penalty=0.6), longest=steps)
    every = enumerate_all(model, steps)
    for row, hypotheses in enumerate(found):
        best = max(every[row].items(), key=lambda item: sum(item[1]) / len(item[1]) ** 0.6)
        assert hypotheses[0].tokens == list(best[0])[:-1]
        assert hypotheses[0].log_probs == pytest.approx(best[1], abs=1e-5)


# --- what the laws are stated with ----------------------------------------------------------------


def leaves(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    return [leaf for branch in tree for leaf in leaves(branch)]


def decode(model: Seq2Seq, options: DecodingConfig, longest: int = 6) -> list[Any]:
    source_BS, lengths_B, _ = inputs()
    return search(
        model_step(model),
        ModelState(*model.encode(source_BS, lengths_B)),
        sentences=3,
        max_lengths=longest,
        options=options,
        bos=2,
        eos=3,
    )


def argmax_decode(model: Seq2Seq, longest: int = 6) -> list[list[int]]:
    """Greedy search in the plainest way: one sentence at a time, the whole prefix read anew."""
    source_BS, lengths_B, _ = inputs()
    found = []
    for row, length in enumerate(LENGTHS):
        tokens = [2]
        while len(tokens) <= longest:
            decoded = model(
                source_BS[row : row + 1, :length],
                lengths_B[row : row + 1],
                torch.tensor([tokens]),
            )
            token = int(model.output(decoded.features_BTF[0, -1]).argmax())
            if token == 3:
                break
            tokens.append(token)
        found.append(tokens[1:])
    return found


def enumerate_all(model: Seq2Seq, steps: int) -> list[dict[tuple[int, ...], list[float]]]:
    """Every finished output of at most `steps` tokens, with the log-probability of each token."""
    source_BS, lengths_B, _ = inputs()
    finished: list[dict[tuple[int, ...], list[float]]] = [{} for _ in LENGTHS]
    step = model_step(model)
    for row in range(3):
        rows = torch.tensor([row])
        state = select(ModelState(*model.encode(source_BS, lengths_B)), rows)
        prefixes: list[tuple[tuple[int, ...], list[float]]] = [((), [])]
        tokens_N = torch.tensor([2])
        for _ in range(steps):
            log_probs_NW, _, state = step(tokens_N, state)
            grown, parents = [], []
            for parent, (prefix, log_probs) in enumerate(prefixes):
                for token, value in enumerate(log_probs_NW[parent].tolist()):
                    longer = (*prefix, token)
                    if token == 3:
                        finished[row][longer] = [*log_probs, value]
                    else:
                        grown.append((longer, [*log_probs, value]))
                        parents.append(parent)
            prefixes = grown
            state = state.keep(torch.tensor(parents))
            tokens_N = torch.tensor([prefix[-1] for prefix, _ in prefixes])
    return finished


def test_an_unknown_option_of_a_unit_is_refused_with_what_it_takes() -> None:
    config = ModelConfig.model_validate({"attention": {"kind": "additive", "sise": 4}})
    with pytest.raises(ValueError, match=r"sise.*takes size.*did you mean 'size'"):
        build_attention(config.attention, 8, 8)
